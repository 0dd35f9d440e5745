import type { Fetched, PartitionId, RecordSlab } from '../contracts/records.ts'

/** A record to decode again. */
export interface SlabRecord {
  readonly offset: number
  readonly timestamp: number
  readonly value: Uint8Array | null
  readonly headers: Uint8Array | null
}

/** Records of one partition, offsets ascending, as if they had been fetched. Keys take no part in decoding. */
export function fetchedFromRecords(partition: PartitionId, records: readonly SlabRecord[]): Fetched {
  const parts: Uint8Array[] = []
  let size = 0
  const place = (bytes: Uint8Array | null): readonly [number, number] => {
    if (bytes === null) return [-1, -1]
    parts.push(bytes)
    size += bytes.length
    return [size - bytes.length, size]
  }
  const values = records.map((record) => place(record.value))
  const headers = records.map((record) => place(record.headers))
  const bytes = new Uint8Array(size)
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  const none = new Int32Array(records.length).fill(-1)
  const slab: RecordSlab = {
    bytes,
    length: records.length,
    offsets: Float64Array.from(records, (record) => record.offset),
    timestamps: Float64Array.from(records, (record) => record.timestamp),
    keyStart: none,
    keyEnd: none,
    valueStart: Int32Array.from(values, ([start]) => start),
    valueEnd: Int32Array.from(values, ([, end]) => end),
    headersStart: Int32Array.from(headers, ([start]) => start),
    headersEnd: Int32Array.from(headers, ([, end]) => end),
  }
  const start = records[0]?.offset ?? 0
  const end = (records.at(-1)?.offset ?? start - 1) + 1
  return { kind: 'slab', slab, partition, start, end, byteLength: size }
}
