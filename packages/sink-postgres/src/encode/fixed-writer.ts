import { lengthBytes } from './copy-format.ts'

/** Writes one column of a batch, row by row into rows that lie side by side. Bound to that batch. */
export interface FieldWriter {
  /** Adds the bytes of each value (without its length) to `sizes`. */
  size(sizes: Int32Array): void
  /** Writes length and value at `at[row]` and moves `at[row]` behind it. */
  write(out: Uint8Array, view: DataView, at: Int32Array): void
}

/** Whether row `row` holds a value that is to be written. */
export type Present = (row: number) => boolean

/** Length that stands for null. */
export const null32 = -1

/** Columns without nulls: writers need not ask row by row. */
export function always(): boolean {
  return true
}

type WriteFixed = (out: Uint8Array, view: DataView, at: number, row: number) => void

/** A writer of values that all have `width` bytes. */
export function fixedWriter(length: number, width: number, present: Present, write: WriteFixed): FieldWriter {
  return {
    size(sizes) {
      if (present === always) for (let row = 0; row < length; row++) sizes[row]! += width
      else for (let row = 0; row < length; row++) if (present(row)) sizes[row]! += width
    },
    write(out, view, at) {
      for (let row = 0; row < length; row++) {
        const start = at[row]!
        if (present(row)) {
          view.setInt32(start, width)
          write(out, view, start + lengthBytes, row)
          at[row] = start + lengthBytes + width
        } else {
          view.setInt32(start, null32)
          at[row] = start + lengthBytes
        }
      }
    },
  }
}
