import { createBatchBuilder, storesOf } from '../builder/batch-builder.ts'
import { ensureSlots } from '../builder/column-store.ts'
import { ownValue, writeValue } from '../builder/write-value.ts'
import type { ColumnBatch, Schema } from '../types.ts'

/**
 * A batch from objects of the form `rowsOf` gives; a missing property is null, a safe integer may stand for a bigint.
 * For edges only: tests, dead letters.
 * @throws {ColumnarError} ROW_VALUE naming the field, never its contents
 */
export function batchFromRows(schema: Schema, rows: readonly Readonly<Record<string, unknown>>[]): ColumnBatch {
  const builder = createBatchBuilder(schema, rows.length)
  const set = storesOf(builder, schema)
  ensureSlots(set, 0, rows.length)
  rows.forEach((row, i) => {
    for (const node of set.layout.roots) writeValue(set, node, i, ownValue(row, node.name), node.name)
  })
  set.length = rows.length
  return builder.finish()
}
