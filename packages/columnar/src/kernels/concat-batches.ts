import { sameColumns } from '../builder/layout.ts'
import { ColumnarError } from '../errors.ts'
import type { Column, ColumnBatch, ColumnValues, DataType } from '../types.ts'

/**
 * The rows of all batches, one after the other, with the schema of the first.
 * @throws {ColumnarError} BATCH_SCHEMA when the columns differ, BUILDER_FULL when offsets would exceed 32 bits
 */
export function concatBatches(batches: readonly ColumnBatch[]): ColumnBatch {
  const first = batches[0]
  if (first === undefined) throw new TypeError('concatBatches needs at least one batch, to know the schema')
  for (const batch of batches) {
    if (!sameColumns(batch.schema, first.schema)) {
      throw new ColumnarError('BATCH_SCHEMA', 'batches with different columns cannot be joined')
    }
  }
  const length = batches.reduce((sum, batch) => sum + batch.length, 0)
  const columns = first.columns.map((_, i) => concat(batches.map((batch) => batch.columns[i]!)))
  return { schema: first.schema, length, columns }
}

function concat(parts: readonly Column[]): Column {
  const { type } = parts[0]!
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const nullCount = parts.reduce((sum, part) => sum + part.nullCount, 0)
  const validity = nullCount === 0 ? {} : { validity: concatBits(parts, length, (part) => part.validity) }
  const head = { type, length, nullCount, ...validity }
  const children = (): readonly Column[] =>
    parts[0]!.children!.map((_, i) => concat(parts.map((part) => part.children![i]!)))
  switch (type.kind) {
    case 'null':
      return head
    case 'boolean':
      return { ...head, values: concatBits(parts, length, (part) => part.values as Uint8Array) }
    case 'struct':
      return { ...head, children: children() }
    case 'list':
    case 'map':
      return { ...head, offsets: concatOffsets(parts, length), children: children() }
    case 'utf8':
    case 'binary':
      return { ...head, offsets: concatOffsets(parts, length), values: concatValues(parts, type) }
    default:
      return { ...head, values: concatValues(parts, type) }
  }
}

function concatValues(parts: readonly Column[], type: DataType): ColumnValues {
  const count = parts.reduce((sum, part) => sum + part.values!.length, 0)
  const joined = new (arrayOf(type))(count)
  let at = 0
  for (const { values } of parts) {
    // Both are of the array type that belongs to the column type.
    joined.set(values as Uint8Array & BigInt64Array, at)
    at += values!.length
  }
  return joined
}

function arrayOf(type: DataType) {
  switch (type.kind) {
    case 'int32':
    case 'date':
    case 'enum':
      return Int32Array
    case 'time':
      return type.unit === 'milli' ? Int32Array : BigInt64Array
    case 'int64':
    case 'timestamp':
      return BigInt64Array
    case 'float32':
      return Float32Array
    case 'float64':
      return Float64Array
    default:
      return Uint8Array
  }
}

function concatOffsets(parts: readonly Column[], length: number): Int32Array {
  const joined = new Int32Array(length + 1)
  let at = 0
  let base = 0
  for (const { offsets, length: rows } of parts) {
    if (base + offsets![rows]! > 0x7fff_ffff) {
      throw new ColumnarError('BUILDER_FULL', 'the joined batch needs more than 2^31 - 1 bytes or items in one column')
    }
    for (let i = 1; i <= rows; i++) joined[++at] = base + offsets![i]!
    base += offsets![rows]!
  }
  return joined
}

/** Joins bitmaps; a part without one counts as all ones. */
function concatBits(
  parts: readonly Column[],
  length: number,
  bitsOf: (part: Column) => Uint8Array | undefined,
): Uint8Array {
  const joined = new Uint8Array((length + 7) >> 3)
  let at = 0
  for (const part of parts) {
    const bits = bitsOf(part)
    for (let i = 0; i < part.length; i++, at++) {
      const bit = bits === undefined ? 1 : (bits[i >> 3]! >> (i & 7)) & 1
      joined[at >> 3]! |= bit << (at & 7)
    }
  }
  return joined
}
