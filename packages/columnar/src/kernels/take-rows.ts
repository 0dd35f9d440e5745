import { isSet } from '../bitmap.ts'
import { ColumnarError } from '../errors.ts'
import type { Column, ColumnBatch, ColumnValues } from '../types.ts'

/**
 * The rows at `rows`, in that order; a row may be taken several times or not at all. Buffers are new and exactly sized.
 * @throws {ColumnarError} ROW_RANGE when a row number is not below `batch.length`
 */
export function takeRows(batch: ColumnBatch, rows: Int32Array): ColumnBatch {
  for (let i = 0; i < rows.length; i++) {
    if (rows[i]! < 0 || rows[i]! >= batch.length) {
      throw new ColumnarError('ROW_RANGE', `row ${rows[i]!} was asked for; the batch has ${batch.length}`)
    }
  }
  return { schema: batch.schema, length: rows.length, columns: batch.columns.map((column) => take(column, rows)) }
}

function take(column: Column, rows: Int32Array): Column {
  const { type } = column
  const { length } = rows
  const head = { type, length, ...takeValidity(column, rows) }
  if (type.kind === 'struct') return { ...head, children: column.children!.map((child) => take(child, rows)) }
  if (type.kind === 'list' || type.kind === 'map') {
    const offsets = takeOffsets(column.offsets!, rows)
    const items = new Int32Array(offsets[length]!)
    for (let i = 0, at = 0; i < length; i++) {
      for (let item = column.offsets![rows[i]!]!; item < column.offsets![rows[i]! + 1]!; item++) items[at++] = item
    }
    return { ...head, offsets, children: column.children!.map((child) => take(child, items)) }
  }
  if (type.kind === 'utf8' || type.kind === 'binary') {
    const offsets = takeOffsets(column.offsets!, rows)
    const source = column.values as Uint8Array
    const values = new Uint8Array(offsets[length]!)
    for (let i = 0; i < length; i++) {
      const from = column.offsets![rows[i]!]!
      const to = column.offsets![rows[i]! + 1]!
      copyShort(source, from, to, values, offsets[i]!)
    }
    return { ...head, offsets, values }
  }
  if (column.values === undefined) return head
  return { ...head, values: takeValues(column, rows) }
}

function takeValues(column: Column, rows: Int32Array): ColumnValues {
  const { type, values } = column
  const { length } = rows
  if (type.kind === 'boolean') return takeBits(values as Uint8Array, rows)
  if (type.kind === 'fixed' || type.kind === 'uuid' || type.kind === 'decimal') {
    const width = type.kind === 'fixed' ? type.size : 16
    const source = values as Uint8Array
    const taken = new Uint8Array(width * length)
    for (let i = 0; i < length; i++) copyShort(source, width * rows[i]!, width * (rows[i]! + 1), taken, width * i)
    return taken
  }
  if (values instanceof BigInt64Array) {
    const source = new Int32Array(values.buffer, values.byteOffset, 2 * values.length)
    const taken = new Int32Array(2 * length)
    for (let i = 0; i < length; i++) {
      taken[2 * i] = source[2 * rows[i]!]!
      taken[2 * i + 1] = source[2 * rows[i]! + 1]!
    }
    return new BigInt64Array(taken.buffer)
  }
  if (values instanceof Int32Array) return fill(values, new Int32Array(length), rows)
  if (values instanceof Float32Array) return fill(values, new Float32Array(length), rows)
  return fill(values as Float64Array, new Float64Array(length), rows)
}

function fill<T extends Int32Array | Float32Array | Float64Array>(source: T, taken: T, rows: Int32Array): T {
  for (let i = 0; i < rows.length; i++) taken[i] = source[rows[i]!]!
  return taken
}

function takeBits(source: Uint8Array, rows: Int32Array): Uint8Array {
  const taken = new Uint8Array((rows.length + 7) >> 3)
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!
    taken[i >> 3]! |= ((source[row >> 3]! >> (row & 7)) & 1) << (i & 7)
  }
  return taken
}

function takeValidity(column: Column, rows: Int32Array): { nullCount: number; validity?: Uint8Array } {
  const { validity } = column
  if (column.nullCount === 0 || validity === undefined) return { nullCount: 0 }
  let nullCount = 0
  for (let i = 0; i < rows.length; i++) if (!isSet(validity, rows[i]!)) nullCount++
  return nullCount === 0 ? { nullCount } : { nullCount, validity: takeBits(validity, rows) }
}

function takeOffsets(offsets: Int32Array, rows: Int32Array): Int32Array {
  const taken = new Int32Array(rows.length + 1)
  let at = 0
  for (let i = 0; i < rows.length; i++) {
    at += offsets[rows[i]! + 1]! - offsets[rows[i]!]!
    if (at > 0x7fff_ffff)
      throw new ColumnarError('BUILDER_FULL', 'the rows taken need more than 2^31 - 1 bytes or items')
    taken[i + 1] = at
  }
  return taken
}

/** Copies a range; below about 50 bytes a loop is faster than making a view. */
function copyShort(source: Uint8Array, from: number, to: number, target: Uint8Array, at: number): void {
  if (to - from > 50) target.set(source.subarray(from, to), at)
  else for (let i = from, j = at; i < to; i++, j++) target[j] = source[i]!
}
