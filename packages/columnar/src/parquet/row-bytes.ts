import type { Column, ColumnBatch, DataType } from '../types.ts'

/** Bytes per row of types of fixed width, 0 for the others. */
function fixedWidth(type: DataType): number {
  switch (type.kind) {
    case 'null':
    case 'boolean':
      return 1
    case 'fixed':
      return type.size
    case 'uuid':
    case 'decimal':
      return 16
    case 'int64':
    case 'float64':
    case 'timestamp':
      return 8
    case 'time':
      return type.unit === 'milli' ? 4 : 8
    case 'int32':
    case 'float32':
    case 'date':
    case 'enum':
      return 4
    default:
      return 0
  }
}

/** Size of positions `[from, to)` of a column in memory, bytes: a function of the values alone. */
function columnBytes(column: Column, from: number, to: number): number {
  const { type } = column
  switch (type.kind) {
    case 'utf8':
    case 'binary':
      return 4 * (to - from) + column.offsets![to]! - column.offsets![from]!
    case 'struct':
      return column.children!.reduce((sum, child) => sum + columnBytes(child, from, to), 0)
    case 'list':
    case 'map': {
      const start = column.offsets![from]!
      const end = column.offsets![to]!
      return column.children!.reduce((sum, child) => sum + columnBytes(child, start, end), 4 * (to - from))
    }
    default:
      return fixedWidth(type) * (to - from)
  }
}

/** Size of the rows `rows[from, to)` of a batch, or of rows `[from, to)` when `rows` is absent, bytes. */
export function rowBytes(batch: ColumnBatch, rows: Int32Array | undefined, from: number, to: number): number {
  let sum = 0
  for (const column of batch.columns) {
    const width = fixedWidth(column.type)
    if (width > 0) sum += width * (to - from)
    else if (rows === undefined) sum += columnBytes(column, from, to)
    else for (let k = from; k < to; k++) sum += columnBytes(column, rows[k]!, rows[k]! + 1)
  }
  return sum
}

/**
 * Number of rows from `from` on that fit into `room` bytes, the row that crosses it included; at most `to - from`.
 * Bisection, because sizes add up: the answer is the same however the rows were split into batches.
 */
export function rowsWithin(
  batch: ColumnBatch,
  rows: Int32Array | undefined,
  from: number,
  to: number,
  room: number,
): { readonly rows: number; readonly bytes: number } {
  const all = rowBytes(batch, rows, from, to)
  if (all < room) return { rows: to - from, bytes: all }
  let low = from
  let high = to
  let below = 0
  // Invariant: rows [from, low) take `below` < room bytes, rows [from, high) take at least `room`.
  while (high - low > 1) {
    const middle = (low + high) >>> 1
    const bytes = below + rowBytes(batch, rows, low, middle)
    if (bytes < room) {
      low = middle
      below = bytes
    } else high = middle
  }
  return { rows: high - from, bytes: below + rowBytes(batch, rows, low, high) }
}
