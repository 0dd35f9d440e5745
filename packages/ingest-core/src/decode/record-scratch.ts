import { createSlabScratch } from '../log/slab-scratch.ts'
import type { SlabScratch } from '../log/slab-scratch.ts'

/** Arrays with one entry per record that a stage uses for every chunk, so that chunks leave no garbage behind. */
export interface RecordScratch {
  readonly split: SlabScratch
  /** Schema ids, not cleared. */
  ids(length: number): Float64Array
  /** Starts of bodies, not cleared. */
  bodies(length: number): Int32Array
  /** Record of each row, not cleared. */
  rows(length: number): Int32Array
}

/** What one call gave out is overwritten by the next. */
export function createRecordScratch(): RecordScratch {
  let ids = new Float64Array(0)
  let bodies = new Int32Array(0)
  let rows = new Int32Array(0)
  const room = (length: number): number => Math.max(1024, length + (length >> 1))
  return {
    split: createSlabScratch(),
    ids(length) {
      if (ids.length < length) ids = new Float64Array(room(length))
      return ids.subarray(0, length)
    },
    bodies(length) {
      if (bodies.length < length) bodies = new Int32Array(room(length))
      return bodies.subarray(0, length)
    },
    rows(length) {
      if (rows.length < length) rows = new Int32Array(room(length))
      return rows.subarray(0, length)
    },
  }
}
