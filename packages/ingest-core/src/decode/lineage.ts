import { lineageFields as allLineageFields } from '@sluice/schemas/columns'
import type { Column, Field } from '@sluice/columnar'
import type { PartitionId, RecordSlab } from '../contracts/records.ts'

/** Where a row came from: the columns behind those of the contract. The sink adds `_ingested_at` at the commit. */
export const lineageFields: readonly Field[] = allLineageFields.filter((field) => field.name !== '_ingested_at')

/** Memory of lineage columns, used again for chunk after chunk. */
export interface LineageMemory {
  /** 32-bit words for `length` 64-bit values, not cleared. */
  longs(which: 'offset' | 'timestamp', length: number): Int32Array
  ints(which: 'partition' | 'id', length: number): Int32Array
  /** `length` times the same text, with offsets. */
  repeated(text: string, length: number): { readonly values: Uint8Array; readonly offsets: Int32Array }
}

export function createLineageMemory(): LineageMemory {
  const words = new Map<string, Int32Array>()
  let text: string | undefined
  let topics = repeat('', 0)
  const room = (length: number): number => length + (length >> 1)
  const wordsOf = (which: string, length: number): Int32Array => {
    let held = words.get(which)
    if (held === undefined || held.length < length) words.set(which, (held = new Int32Array(room(length))))
    return held.subarray(0, length)
  }
  return {
    longs: (which, length) => wordsOf(which, 2 * length),
    ints: wordsOf,
    repeated(wanted, length) {
      if (wanted !== text || topics.offsets.length <= length) topics = repeat((text = wanted), room(length))
      const offsets = topics.offsets.subarray(0, length + 1)
      return { offsets, values: topics.values.subarray(0, offsets[length]!) }
    },
  }
}

/** Columns that outlive the chunk. */
const ownMemory: LineageMemory = {
  longs: (_, length) => new Int32Array(2 * length),
  ints: (_, length) => new Int32Array(length),
  repeated: (text, length) => repeat(text, length),
}

/**
 * Columns for the rows that stem from records `records[row]` of the slab, in the order of `lineageFields`.
 * @param schemaIds per record of the slab; negative for none
 * @param memory what the columns lie in until the next chunk; memory of their own without it
 */
export function lineageColumns(
  partition: PartitionId,
  slab: RecordSlab,
  records: Int32Array,
  schemaIds: Float64Array,
  memory: LineageMemory = ownMemory,
): readonly Column[] {
  const { length } = records
  const offsets = memory.longs('offset', length)
  const times = memory.longs('timestamp', length)
  const ids = memory.ints('id', length)
  let timed = 0
  let identified = 0
  for (let row = 0; row < length; row++) {
    const record = records[row]!
    const offset = slab.offsets[record]!
    // Low and high word: offsets are whole numbers from 0 to 2^53, of which `| 0` keeps the lowest 32 bits.
    offsets[2 * row] = offset | 0
    offsets[2 * row + 1] = Math.floor(offset / 0x1_0000_0000)
    const timestamp = slab.timestamps[record]!
    const known = timestamp >= 0
    times[2 * row] = known ? timestamp | 0 : 0
    times[2 * row + 1] = known ? Math.floor(timestamp / 0x1_0000_0000) : 0
    timed += known ? 1 : 0
    const id = schemaIds[record]!
    ids[row] = id >= 0 ? id : 0
    identified += id >= 0 ? 1 : 0
  }
  const [topicType, partitionType, offsetType, timestampType, idType] = lineageFields.map((field) => field.type)
  const whole = { length, nullCount: 0 }
  return [
    { type: topicType!, ...whole, ...memory.repeated(partition.topic, length), constant: true },
    { type: partitionType!, ...whole, values: memory.ints('partition', length).fill(partition.partition), constant: true },
    { type: offsetType!, ...whole, values: longsOf(offsets) },
    { type: timestampType!, length, values: longsOf(times), ...nulls(timed, records, slab.timestamps) },
    { type: idType!, length, values: ids, ...nulls(identified, records, schemaIds) },
  ]
}

function longsOf(words: Int32Array): BigInt64Array {
  return new BigInt64Array(words.buffer as ArrayBuffer, words.byteOffset, words.length >> 1)
}

/** Null where the value of the row's record is negative; `present` is how many are not. */
function nulls(present: number, records: Int32Array, values: Float64Array): Pick<Column, 'nullCount' | 'validity'> {
  const { length } = records
  if (present === length) return { nullCount: 0 }
  const validity = new Uint8Array((length + 7) >> 3)
  for (let row = 0; row < length; row++) if (values[records[row]!]! >= 0) validity[row >> 3]! |= 1 << (row & 7)
  return { nullCount: length - present, validity }
}

function repeat(text: string, length: number): { readonly values: Uint8Array; readonly offsets: Int32Array } {
  const one = new TextEncoder().encode(text)
  const values = new Uint8Array(one.length * length)
  const offsets = new Int32Array(length + 1)
  for (let row = 0; row < length; row++) {
    values.set(one, row * one.length)
    offsets[row + 1] = (row + 1) * one.length
  }
  return { values, offsets }
}
