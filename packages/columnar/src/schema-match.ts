import { ColumnarError } from './errors.ts'
import type { ColumnBatch, DataType, Field, Schema } from './types.ts'

/** Whether two types have the same layout and meaning; field ids do not matter. */
export function sameType(a: DataType, b: DataType): boolean {
  if (a === b) return true
  if (a.kind !== b.kind) return false
  switch (a.kind) {
    case 'fixed':
      return a.size === (b as typeof a).size
    case 'enum': {
      const { symbols } = b as typeof a
      return a.symbols.length === symbols.length && a.symbols.every((symbol, i) => symbol === symbols[i])
    }
    case 'decimal':
      return a.precision === (b as typeof a).precision && a.scale === (b as typeof a).scale
    case 'time':
      return a.unit === (b as typeof a).unit
    case 'timestamp':
      return a.unit === (b as typeof a).unit && a.utc === (b as typeof a).utc
    case 'list':
      return sameSlot(a.item, (b as typeof a).item)
    case 'map':
      return sameSlot(a.value, (b as typeof a).value)
    case 'struct':
      return sameFields(a.fields, (b as typeof a).fields)
    default:
      return true
  }
}

function sameSlot(a: Field, b: Field): boolean {
  return a.nullable === b.nullable && sameType(a.type, b.type)
}

function sameFields(a: readonly Field[], b: readonly Field[]): boolean {
  return a.length === b.length && a.every((field, i) => field.name === b[i]!.name && sameSlot(field, b[i]!))
}

/**
 * A check that batches have the columns of `schema`: names, order, types and nullability. A schema object that passed
 * once is not compared again.
 * @throws {ColumnarError} BATCH_SCHEMA
 */
export function batchChecker(schema: Schema): (batch: ColumnBatch) => void {
  const accepted = new WeakSet<Schema>([schema])
  return (batch) => {
    if (!accepted.has(batch.schema)) {
      if (!sameFields(schema.fields, batch.schema.fields))
        throw new ColumnarError('BATCH_SCHEMA', "The batch's schema differs from the one this encoder was made for.")
      accepted.add(batch.schema)
    }
    if (batch.columns.length !== schema.fields.length || batch.columns.some((c) => c.length !== batch.length))
      throw new ColumnarError('BATCH_SCHEMA', 'The batch has columns missing, too many, or of different lengths.')
  }
}

/** @throws {ColumnarError} ROW_RANGE when `rows` names a row that the batch does not have. */
export function requireRows(rows: Int32Array, length: number): void {
  for (let k = 0; k < rows.length; k++) {
    if (rows[k]! >>> 0 >= length)
      throw new ColumnarError('ROW_RANGE', `Row ${rows[k]} does not exist: the batch has ${length} rows.`)
  }
}
