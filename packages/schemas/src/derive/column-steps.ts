import { avroToSchema, batchFromRows, fillNulls, multiplyDecimal, type Column, type Field } from '@sluice/columnar'
import type { AvroSchema, Contract } from '../contract.ts'
import { compileRules } from '../rules/column-rules.ts'
import type { Band, Condition, DeriveStep } from './steps.ts'

/** What steps decide about rows while they work on all of them. */
export interface Verdicts {
  /** 1 for rows that are left out. */
  readonly filtered: Uint8Array
  /** Row to the first field that a computed value did not fit. */
  readonly overflow: Map<number, string>
}

/** Columns before the step to columns after it; both in the order of their schemas. */
export type ColumnStep = (columns: readonly Column[], length: number, verdicts: Verdicts) => Column[]

/** Compiles one step for rows of the schema `before`; see `DeriveStep` for what each does. */
export function compileStep(from: Contract, before: AvroSchema, step: DeriveStep): ColumnStep {
  const { fields } = avroToSchema(before as object)
  const at = (name: string): number => fields.findIndex((field) => field.name === name)
  const replace = (columns: readonly Column[], index: number, column: Column): Column[] => columns.with(index, column)

  switch (step.op) {
    case 'default': {
      const index = at(step.field)
      const filler = constantOf(fields[index]!, step.value)
      return (columns) => replace(columns, index, fillNulls(columns[index]!, filler))
    }
    case 'null-mask': {
      const indexes = step.fields.map(at)
      return (columns, length) => [
        ...columns,
        nullMask(
          indexes.map((i) => columns[i]!),
          length,
        ),
      ]
    }
    case 'copy': {
      const names = step.from.split('.')
      return (columns) => [...columns, innerColumn(fields, columns, names)]
    }
    case 'multiply': {
      const [decimal, by, field] = [at(step.decimal), at(step.by), at(step.field)] as const
      const { type } = fields[field]!
      return (columns, _length, { overflow }) => {
        const target = columns[field]!
        if (target.nullCount === 0) return [...columns]
        const { column, overflows } = multiplyDecimal(columns[decimal]!, columns[by]!, type)
        for (const row of overflows) {
          if (!isPresent(target, row) && !overflow.has(row)) overflow.set(row, step.field)
        }
        return replace(columns, field, fillNulls(target, column))
      }
    }
    case 'band': {
      const index = at(step.from)
      const encoder = new TextEncoder()
      const bands = step.bands.map(({ label, below = Infinity }) => ({ label: encoder.encode(label), below }))
      return (columns) => [...columns, bandColumn(columns[index]!, bands)]
    }
    case 'flag': {
      const failing = failingRows(from, before, step.when)
      return (columns, length) => {
        const values = new Uint8Array((length + 7) >> 3)
        for (let row = 0; row < length; row++) values[row >> 3]! |= 1 << (row & 7)
        for (const row of failing(fields, columns, length)) values[row >> 3]! &= ~(1 << (row & 7))
        return [...columns, { type: { kind: 'boolean' }, length, nullCount: 0, values }]
      }
    }
    case 'keep': {
      const failing = failingRows(from, before, step.when)
      return (columns, length, { filtered }) => {
        for (const row of failing(fields, columns, length)) filtered[row] = 1
        return [...columns]
      }
    }
    case 'drop': {
      const index = at(step.field)
      return (columns) => columns.toSpliced(index, 1)
    }
  }
}

/** A column of one row. @throws {ColumnarError} ROW_VALUE when the value is not of the field's type */
function constantOf(field: Field, value: string | number | boolean): Column {
  const { kind } = field.type
  const long = kind === 'int64' || kind === 'timestamp'
  return batchFromRows({ fields: [field] }, [{ [field.name]: long ? BigInt(value) : value }]).columns[0]!
}

function nullMask(columns: readonly Column[], length: number): Column {
  const values = new Int32Array(length)
  columns.forEach((column, bit) => {
    if (column.nullCount === 0) return
    for (let row = 0; row < length; row++) if (!isPresent(column, row)) values[row]! |= 1 << bit
  })
  return { type: { kind: 'int32' }, length, nullCount: 0, values }
}

/** A column inside records; null where one of the records around it is. */
function innerColumn(fields: readonly Field[], columns: readonly Column[], names: readonly string[]): Column {
  let level = fields
  let children = columns
  let column: Column | undefined
  const around: Uint8Array[] = []
  for (const name of names) {
    if (column?.validity !== undefined) around.push(column.validity)
    column = children[level.findIndex((field) => field.name === name)]!
    level = column.type.kind === 'struct' ? column.type.fields : []
    children = column.children ?? []
  }
  const found = column!
  if (around.length === 0) return found
  const validity = (found.validity ?? new Uint8Array((found.length + 7) >> 3).fill(255)).slice()
  for (const bitmap of around) for (let i = 0; i < validity.length; i++) validity[i]! &= bitmap[i]!
  let nullCount = 0
  for (let row = 0; row < found.length; row++) if ((validity[row >> 3]! & (1 << (row & 7))) === 0) nullCount += 1
  const { validity: _own, ...rest } = found
  return { ...rest, nullCount, ...(nullCount > 0 && { validity }) }
}

function bandColumn(
  column: Column,
  bands: readonly { readonly label: Uint8Array; readonly below: NonNullable<Band['below']> }[],
): Column {
  const { length } = column
  const source = column.values as Int32Array | BigInt64Array
  const offsets = new Int32Array(length + 1)
  const bandOf = new Int32Array(length).fill(-1)
  for (let row = 0; row < length; row++) {
    let size = 0
    if (isPresent(column, row)) {
      // Bounds are safe integers, so a rounded value beyond them stays on its side.
      const value = Number(source[row])
      const band = bands.findIndex(({ below }) => value < below)
      bandOf[row] = band
      size = bands[band]!.label.length
    }
    offsets[row + 1] = offsets[row]! + size
  }
  const values = new Uint8Array(offsets[length]!)
  for (let row = 0; row < length; row++) if (bandOf[row]! >= 0) values.set(bands[bandOf[row]!]!.label, offsets[row])
  const { nullCount, validity } = column
  return { type: { kind: 'utf8' }, length, nullCount, ...(validity !== undefined && { validity }), offsets, values }
}

/** Rows for which a condition does not hold. */
function failingRows(
  from: Contract,
  schema: AvroSchema,
  when: Condition,
): (fields: readonly Field[], columns: readonly Column[], length: number) => number[] {
  const rules = [{ ...when, name: 'condition', required: true }]
  const broken = compileRules({ ...from, schema, rules })
  return (fields, columns, length) => broken({ schema: { fields }, length, columns }).map(({ row }) => row)
}

function isPresent({ validity }: Column, row: number): boolean {
  return validity === undefined || (validity[row >> 3]! & (1 << (row & 7))) !== 0
}
