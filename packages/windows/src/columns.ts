import type { Column, ColumnBatch } from '@sluice/columnar'
import { WindowError } from './errors.ts'
import { createGroupCodes } from './group-codes.ts'
import type { WindowOptions } from './options.ts'

export function columnIndex(batch: ColumnBatch, name: string): number {
  const index = batch.schema.fields.findIndex((field) => field.name === name)
  if (index >= 0) return index
  throw new WindowError('WINDOW_COLUMN_UNSUITABLE', `the batch has no column ${name}`)
}

const perMs = { milli: 1n, micro: 1000n, nano: 1_000_000n } as const

/** Event time of a row, ms; NaN for null. */
export function timesOf(batch: ColumnBatch, name: string): (row: number) => number {
  const { type, values, validity } = batch.columns[columnIndex(batch, name)]!
  if (type.kind !== 'timestamp' && type.kind !== 'int64') {
    throw new WindowError('WINDOW_COLUMN_UNSUITABLE', `${name}: a column of type ${type.kind} holds no event time`)
  }
  const ticks = values as BigInt64Array
  const divisor = type.kind === 'int64' ? 1n : perMs[type.unit]
  return (i) => {
    if (validity !== undefined && ((validity[i >> 3]! >> (i & 7)) & 1) === 0) return NaN
    return divisor === 1n ? Number(ticks[i]!) : Math.floor(Number(ticks[i]!) / Number(divisor))
  }
}

/** Whether a row has one of the values: by symbol for enums, by group code for texts. */
export function rowFilter(
  batch: ColumnBatch,
  { column: name, oneOf }: NonNullable<WindowOptions['where']>,
): (row: number) => boolean {
  const column: Column = batch.columns[columnIndex(batch, name)]!
  if (column.type.kind !== 'enum' && column.type.kind !== 'utf8') {
    throw new WindowError(
      'WINDOW_COLUMN_UNSUITABLE',
      `${name}: a column of type ${column.type.kind} cannot be compared`,
    )
  }
  const codes = createGroupCodes([name], columnIndex)
  const rows = new Int32Array(batch.length)
  codes.codesOf(batch, rows)
  const wanted = Uint8Array.from({ length: codes.size }, (_, code) => {
    const [value] = codes.valuesOf(code)
    return typeof value === 'string' && oneOf.includes(value) ? 1 : 0
  })
  return (i) => wanted[rows[i]!] === 1
}
