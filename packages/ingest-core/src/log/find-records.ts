import type { Fetched, RecordSlab } from '../contracts/records.ts'
import { splitRecordBatches } from './record-batch.ts'

/** One record with copies of its bytes. */
export interface FoundRecord {
  readonly offset: number
  /** ms since epoch; -1 when unknown. */
  readonly timestamp: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  /** Encoded Kafka header section. */
  readonly headers: Uint8Array | null
}

/** Whatever a pipeline took, this takes: a batch may inflate to so many bytes. */
const maxInflatedBytes = 1024 * 1024 * 1024

/**
 * Records of something fetched by their offsets, as they were received. Inflates and splits once more, so it is for the few
 * records that have to be quoted.
 */
export function findRecords(fetched: Fetched, offsets: ReadonlySet<number>): ReadonlyMap<number, FoundRecord> {
  const found = new Map<number, FoundRecord>()
  if (offsets.size === 0) return found
  const slab = fetched.kind === 'slab' ? fetched.slab : splitAround(fetched.bytes, offsets)
  for (let i = 0; i < slab.length; i++) {
    const offset = slab.offsets[i]!
    if (offsets.has(offset)) found.set(offset, recordAt(slab, i))
  }
  return found
}

function splitAround(bytes: Uint8Array, offsets: ReadonlySet<number>): RecordSlab {
  let from = Number.POSITIVE_INFINITY
  let last = 0
  for (const offset of offsets) {
    from = Math.min(from, offset)
    last = Math.max(last, offset)
  }
  return splitRecordBatches(bytes, { from, to: last + 1, maxInflatedBytes, tooLarge: 'refuse' }).slab
}

function recordAt(slab: RecordSlab, i: number): FoundRecord {
  const copy = (start: number, end: number): Uint8Array | null =>
    start < 0 ? null : Uint8Array.prototype.slice.call(slab.bytes, start, end)
  return {
    offset: slab.offsets[i]!,
    timestamp: slab.timestamps[i]!,
    key: copy(slab.keyStart[i]!, slab.keyEnd[i]!),
    value: copy(slab.valueStart[i]!, slab.valueEnd[i]!),
    headers: copy(slab.headersStart[i]!, slab.headersEnd[i]!),
  }
}
