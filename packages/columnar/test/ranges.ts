import type { RecordRanges } from '../src/types.ts'

/** Joins records into ranges of one slab, with a gap of noise between them so that reading past an end shows. */
export function rangesOf(records: readonly (Uint8Array | null)[]): RecordRanges {
  const gap = 3
  const bytes = new Uint8Array(records.reduce((sum, record) => sum + (record?.length ?? 0) + gap, 0)).fill(0xee)
  const starts = new Int32Array(records.length)
  const ends = new Int32Array(records.length)
  let at = 0
  records.forEach((record, i) => {
    starts[i] = record === null ? -1 : at
    ends[i] = record === null ? -1 : at + record.length
    if (record === null) return
    bytes.set(record, at)
    at += record.length + gap
  })
  return { bytes, starts, ends }
}
