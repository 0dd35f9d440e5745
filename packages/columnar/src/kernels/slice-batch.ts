import { ColumnarError } from '../errors.ts'
import type { Column, ColumnBatch } from '../types.ts'

/**
 * Rows `[from, to)` as a batch with its own, exactly sized buffers.
 * @throws {ColumnarError} ROW_RANGE
 */
export function sliceBatch(batch: ColumnBatch, from: number, to: number): ColumnBatch {
  if (!Number.isInteger(from) || !Number.isInteger(to) || from < 0 || to < from || to > batch.length) {
    throw new ColumnarError('ROW_RANGE', `rows [${from}, ${to}) were asked for; the batch has ${batch.length}`)
  }
  return { schema: batch.schema, length: to - from, columns: batch.columns.map((column) => slice(column, from, to)) }
}

function slice(column: Column, from: number, to: number): Column {
  const { type, values } = column
  const length = to - from
  const head = { type, length, ...sliceValidity(column, from, to) }
  switch (type.kind) {
    case 'null':
      return head
    case 'struct':
      return { ...head, children: column.children!.map((child) => slice(child, from, to)) }
    case 'list':
    case 'map': {
      const { offsets, first, last } = sliceOffsets(column.offsets!, from, to)
      return { ...head, offsets, children: column.children!.map((child) => slice(child, first, last)) }
    }
    case 'utf8':
    case 'binary': {
      const { offsets, first, last } = sliceOffsets(column.offsets!, from, to)
      return { ...head, offsets, values: values!.slice(first, last) }
    }
    case 'boolean':
      return { ...head, values: sliceBits(values as Uint8Array, from, to) }
    case 'fixed':
      return { ...head, values: values!.slice(type.size * from, type.size * to) }
    case 'uuid':
    case 'decimal':
      return { ...head, values: values!.slice(16 * from, 16 * to) }
    default:
      return { ...head, values: values!.slice(from, to) }
  }
}

function sliceOffsets(
  source: Int32Array,
  from: number,
  to: number,
): { offsets: Int32Array; first: number; last: number } {
  const offsets = source.slice(from, to + 1)
  const first = offsets[0]!
  for (let i = 0; i < offsets.length; i++) offsets[i]! -= first
  return { offsets, first, last: source[to]! }
}

function sliceValidity(column: Column, from: number, to: number): { nullCount: number; validity?: Uint8Array } {
  if (column.nullCount === 0 || column.validity === undefined) return { nullCount: 0 }
  const validity = sliceBits(column.validity, from, to)
  let nullCount = to - from
  for (let i = 0; i < to - from; i++) nullCount -= (validity[i >> 3]! >> (i & 7)) & 1
  return nullCount === 0 ? { nullCount } : { nullCount, validity }
}

/** Bits `[from, to)` of a bitmap, moved to start at bit 0; bits behind the last are 0. */
function sliceBits(source: Uint8Array, from: number, to: number): Uint8Array {
  const length = to - from
  const sliced = new Uint8Array((length + 7) >> 3)
  const shift = from & 7
  for (let i = 0, at = from >> 3; i < sliced.length; i++, at++) {
    sliced[i] = (source[at]! >> shift) | ((source[at + 1] ?? 0) << (8 - shift))
  }
  if ((length & 7) !== 0) sliced[sliced.length - 1]! &= (1 << (length & 7)) - 1
  return sliced
}
