import { ColumnarError } from './errors.ts'
import type { RecordRanges } from './types.ts'

/**
 * Checks that records `[from, to)` lie inside their bytes.
 * @throws {ColumnarError} RECORD_RANGE
 */
export function checkRanges(
  input: RecordRanges,
  from: number,
  to: number,
  rowsOut: Int32Array | undefined,
  rowsOutAt: number,
): void {
  const { bytes, starts, ends } = input
  if (from < 0 || to < from || to > starts.length || to > ends.length) {
    throw new ColumnarError('RECORD_RANGE', `records [${from}, ${to}) are not among the ${starts.length} of the input`)
  }
  if (rowsOut !== undefined && rowsOut.length - rowsOutAt < to - from) {
    throw new ColumnarError('RECORD_RANGE', `rowsOut has no room for ${to - from} row numbers from ${rowsOutAt} on`)
  }
  for (let i = from; i < to; i++) {
    const start = starts[i]!
    if (start >= 0 && (ends[i]! < start || ends[i]! > bytes.length)) {
      throw new ColumnarError('RECORD_RANGE', `record ${i} does not lie inside the ${bytes.length} bytes of the input`)
    }
  }
}
