import { createJsonlEncoder } from '@sluice/columnar'
import type { Column } from '@sluice/columnar'

export interface JsonLines {
  readonly bytes: Uint8Array
  /** Range of the JSON text of each row. */
  readonly starts: Int32Array
  readonly ends: Int32Array
}

const name = 'v'
/** `{"v":` */
const before = 5

/** A column of records, lists or maps as JSON text, one per row. Numbers keep all their digits; jsonb is exact, too. */
export function jsonLines(column: Column): JsonLines {
  const encoder = createJsonlEncoder(
    { fields: [{ name, type: column.type, nullable: column.nullCount > 0 }] },
    { decimals: 'number' },
  )
  encoder.append({
    schema: { fields: [{ name, type: column.type, nullable: column.nullCount > 0 }] },
    length: column.length,
    columns: [column],
  })
  const bytes = encoder.finish()
  const starts = new Int32Array(column.length)
  const ends = new Int32Array(column.length)
  let at = 0
  for (let row = 0; row < column.length; row++) {
    // Line ends inside of texts are escaped.
    const end = bytes.indexOf(0x0a, at)
    starts[row] = at + before
    ends[row] = end - 1
    at = end + 1
  }
  return { bytes, starts, ends }
}
