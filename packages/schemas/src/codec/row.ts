/**
 * Values of rows, by Avro type:
 *
 * | Avro | row |
 * | --- | --- |
 * | null, boolean, int, float, double, string | null, boolean, number, string |
 * | long and every timestamp, time-micros | bigint |
 * | date, time-millis | number (days since epoch, ms since midnight) |
 * | decimal | string, e.g. `-12.50`, always `scale` fraction digits |
 * | uuid | string, lower case |
 * | bytes, fixed | Uint8Array |
 * | enum | string (the symbol) |
 * | array | Array |
 * | map, record | object with null prototype |
 * | union with null | null or the value |
 * | union of several types | null or `{ <branch name>: value }` |
 */
export type RowValue = null | boolean | number | bigint | string | Uint8Array | RowValue[] | Row

export interface Row {
  [field: string]: RowValue
}

/** Where a walk over a row stands; segments are field names and `[]` for items and map values. */
export type Trail = string[]

/** Path of a trail as errors show it: `lines[].price`. */
export function pathOf(trail: Trail): string {
  let path = ''
  for (const segment of trail) path += segment === '[]' ? segment : path === '' ? segment : `.${segment}`
  return path
}
