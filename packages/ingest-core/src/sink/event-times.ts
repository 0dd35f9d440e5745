import type { Column } from '@sluice/columnar'

/**
 * 64-bit integers as doubles: exact up to 2^53, and beyond that still on the right side of every bound. Reading two
 * halves avoids a BigInt per row.
 */
function int64AsDoubles(values: BigInt64Array, out: Float64Array): Float64Array {
  const halves = new Int32Array(values.buffer, values.byteOffset, values.length * 2)
  for (let row = 0; row < out.length; row++) out[row] = halves[2 * row + 1]! * 4_294_967_296 + (halves[2 * row]! >>> 0)
  return out
}

/** Columns that hold a time, and how many of their units make an hour. A plain int64 counts in `plainUnit`. */
export function unitsPerHour(type: Column['type'], plainUnit: 'milli' | 'micro'): number | undefined {
  const unit = type.kind === 'timestamp' ? type.unit : type.kind === 'int64' ? plainUnit : undefined
  if (unit === undefined) return undefined
  return unit === 'milli' ? 3_600_000 : unit === 'micro' ? 3_600_000_000 : 3_600_000_000_000
}

/** Times of a column in its own unit, written to `out`, which has its length; NaN where null. */
export function timesOf(column: Column, out = new Float64Array(column.length)): Float64Array {
  const times = int64AsDoubles(column.values as BigInt64Array, out)
  const { validity } = column
  if (validity !== undefined) {
    for (let row = 0; row < times.length; row++) if (!(validity[row >> 3]! & (1 << (row & 7)))) times[row] = Number.NaN
  }
  return times
}
