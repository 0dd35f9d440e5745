import { isSet } from '../bitmap.ts'
import { ColumnarError } from '../errors.ts'
import { sameType } from '../schema-match.ts'
import type { Column, ColumnValues } from '../types.ts'

/**
 * `column` with its null rows taken from `filler`: the same row of it, or its only row when it has one and `column` does
 * not. Rows that are null in both stay null. Flat types only; buffers are new unless there is nothing to fill.
 * @throws {ColumnarError} KERNEL_TYPE when the types differ or are nested, or `filler` has another number of rows
 */
export function fillNulls(column: Column, filler: Column): Column {
  const { type, length } = column
  const one = filler.length === 1
  if (!sameType(type, filler.type) || column.children !== undefined || column.values === undefined) {
    throw new ColumnarError('KERNEL_TYPE', `a ${type.kind} column cannot be filled from a ${filler.type.kind} column`)
  }
  if (!one && filler.length !== length) {
    throw new ColumnarError('KERNEL_TYPE', `a column of ${length} rows cannot be filled from one of ${filler.length}`)
  }
  const { validity } = column
  if (column.nullCount === 0 || validity === undefined) return column
  const present = validity.slice()
  let nullCount = 0
  const rows: number[] = []
  for (let row = 0; row < length; row++) {
    if (isSet(validity, row)) continue
    if (isSet(filler.validity, one ? 0 : row)) {
      present[row >> 3]! |= 1 << (row & 7)
      rows.push(row)
    } else nullCount += 1
  }
  const head = { type, length, nullCount, ...(nullCount > 0 && { validity: present }) }
  const from = (row: number): number => (one ? 0 : row)
  if (column.offsets !== undefined) return { ...head, ...fillBytes(column, filler, rows, from) }
  return { ...head, values: fillFixed(column, filler, rows, from) }
}

function fillFixed(
  { type, values }: Column,
  filler: Column,
  rows: readonly number[],
  from: (row: number) => number,
): ColumnValues {
  const filled = values!.slice()
  const source = filler.values!
  if (filled instanceof BigInt64Array) {
    for (const row of rows) filled[row] = (source as BigInt64Array)[from(row)]!
    return filled
  }
  if (!(filled instanceof Uint8Array)) {
    for (const row of rows) filled[row] = source[from(row)] as number
    return filled
  }
  const bytes = source as Uint8Array
  if (type.kind === 'boolean') {
    for (const row of rows) if (isSet(bytes, from(row))) filled[row >> 3]! |= 1 << (row & 7)
    return filled
  }
  const width = type.kind === 'fixed' ? type.size : 16
  for (const row of rows) filled.set(bytes.subarray(width * from(row), width * (from(row) + 1)), width * row)
  return filled
}

function fillBytes(
  { length, offsets, values }: Column,
  filler: Column,
  rows: readonly number[],
  from: (row: number) => number,
): Pick<Column, 'offsets' | 'values'> {
  const filledOffsets = new Int32Array(length + 1)
  const added = (row: number): number => filler.offsets![from(row) + 1]! - filler.offsets![from(row)]!
  let next = 0
  let grown = 0
  for (let row = 0; row < length; row++) {
    if (rows[next] === row) {
      grown += added(row)
      next += 1
    }
    filledOffsets[row + 1] = offsets![row + 1]! + grown
  }
  const filled = new Uint8Array(filledOffsets[length]!)
  const source = values as Uint8Array
  let row = 0
  for (const hole of [...rows, length]) {
    // A null row holds no bytes, so what lies between two of them is one run.
    filled.set(source.subarray(offsets![row]!, offsets![hole]!), filledOffsets[row])
    if (hole === length) break
    const bytes = (filler.values as Uint8Array).subarray(filler.offsets![from(hole)]!, filler.offsets![from(hole) + 1]!)
    filled.set(bytes, filledOffsets[hole])
    row = hole + 1
  }
  return { offsets: filledOffsets, values: filled }
}
