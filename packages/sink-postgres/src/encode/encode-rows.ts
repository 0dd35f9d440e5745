import type { Column, ColumnBatch } from '@sluice/columnar'
import { SinkError } from '@sluice/ingest-core'
import type { ReadyTable } from '../table/prepare-table.ts'
import type { PlannedColumn, TablePlan } from '../table/table-options.ts'
import { checkColumn } from './check-values.ts'
import type { Refusal } from './check-values.ts'
import { countBytes, lengthBytes } from './copy-format.ts'
import { fieldWriter } from './field-writer.ts'
import { replaceNul } from './replace-nul.ts'

/** Rows of a batch as COPY wants them, each with the offset of its record. */
export interface EncodedRows {
  readonly bytes: Uint8Array
  /** Row `i` is `bytes[starts[i], starts[i + 1])`. */
  readonly starts: Int32Array
  readonly offsets: Float64Array
  readonly length: number
}

export interface RowEncoder {
  /** Rows that cannot be stored come back as refusals by row of the batch, and are not among the encoded ones. */
  encode(
    batch: ColumnBatch,
    /** Offsets to take; the others are left out. Default all. */
    wanted?: ReadonlySet<number>,
  ): { readonly rows: EncodedRows; readonly refused: ReadonlyMap<number, Refusal> }
}

/**
 * Columns of the staging table, in order, behind `_offset`, which names the row everywhere else. The key comes first, so that
 * it lies at one place in every row.
 */
export function stagedColumns({ columns, key }: TablePlan): readonly PlannedColumn[] {
  const staged = columns.filter((column) => column.source === 'row' && column.field.name !== '_offset')
  return [...key, ...staged.filter((column) => !key.includes(column))]
}

/** @throws SinkError SINK_BATCH_INVALID when a batch does not have the columns of the contract */
export function createRowEncoder(table: ReadyTable): RowEncoder {
  const { plan, limits } = table
  const staged = stagedColumns(plan)
  const required = new Set<PlannedColumn>(plan.key)
  if (plan.mode === 'scd2') required.add(plan.eventTime)

  return {
    encode(batch, wanted) {
      const { length } = batch
      const find = columnFinder(batch, plan)
      const refused = new Map<number, Refusal>()
      const writers = staged.map((planned) => {
        let column = find(planned)
        if (plan.values.nul === 'replace') column = replaceNul(column)
        const limit = limits.get(planned) ?? { notNull: false }
        const policy = planned.own ? plan.values : lineagePolicy
        const check = checkColumn(planned, column, limit, policy, required.has(planned))
        for (const [row, why] of check.refused) if (!refused.has(row)) refused.set(row, why)
        return fieldWriter(column, check.nulled)
      })
      const offsets = int64Column(batch, '_offset')

      const sizes = new Int32Array(length).fill(countBytes + lengthBytes + 8 + lengthBytes * staged.length)
      for (const writer of writers) writer.size(sizes)
      const starts = new Int32Array(length + 1)
      for (let row = 0; row < length; row++) starts[row + 1] = starts[row]! + sizes[row]!
      const bytes = new Uint8Array(starts[length]!)
      const view = new DataView(bytes.buffer)
      const at = starts.slice(0, length)
      const numbers = new Float64Array(length)
      const fields = staged.length + 1
      for (let row = 0; row < length; row++) {
        const start = at[row]!
        const offset = offsets[row]!
        numbers[row] = Number(offset)
        view.setInt16(start, fields)
        view.setInt32(start + countBytes, 8)
        view.setBigInt64(start + countBytes + lengthBytes, offset)
        at[row] = start + countBytes + lengthBytes + 8
      }
      for (const writer of writers) writer.write(bytes, view, at)
      const rows = { bytes, starts, offsets: numbers, length }
      if (wanted === undefined && refused.size === 0) return { rows, refused }
      const kept = (row: number): boolean => !refused.has(row) && wanted?.has(numbers[row]!) !== false
      return { rows: only(rows, kept), refused: wanted === undefined ? refused : among(refused, numbers, wanted) }
    },
  }
}

/** Where a row came from never condemns it: a record time that no calendar has is left out (input 23). */
const lineagePolicy = { nul: 'reject', nonFinite: 'keep', outOfRange: 'null' } as const

function only(rows: EncodedRows, keep: (row: number) => boolean): EncodedRows {
  const starts = [0]
  const offsets: number[] = []
  let to = 0
  for (let row = 0; row < rows.length; row++) {
    if (!keep(row)) continue
    const start = rows.starts[row]!
    const end = rows.starts[row + 1]!
    rows.bytes.copyWithin(to, start, end)
    to += end - start
    offsets.push(rows.offsets[row]!)
    starts.push(to)
  }
  return {
    bytes: rows.bytes.subarray(0, to),
    starts: Int32Array.from(starts),
    offsets: Float64Array.from(offsets),
    length: offsets.length,
  }
}

function among(
  refused: ReadonlyMap<number, Refusal>,
  offsets: Float64Array,
  wanted: ReadonlySet<number>,
): ReadonlyMap<number, Refusal> {
  return new Map([...refused].filter(([row]) => wanted.has(offsets[row]!)))
}

function columnFinder(batch: ColumnBatch, plan: TablePlan): (planned: PlannedColumn) => Column {
  const places = new Map(batch.schema.fields.map((field, i) => [field.name, i] as const))
  return (planned) => {
    const { name, type } = planned.field
    const place = places.get(name)
    if (place === undefined) {
      if (!planned.own) return nullColumn(batch.length)
      throw new SinkError('SINK_BATCH_INVALID', `${plan.target}: a batch lacks the column ${name}`)
    }
    const column = batch.columns[place]!
    if (column.type.kind === type.kind) return column
    throw new SinkError(
      'SINK_BATCH_INVALID',
      `${plan.target}: a batch has ${column.type.kind} in the column ${name}, which is ${type.kind}`,
    )
  }
}

function nullColumn(length: number): Column {
  return { type: { kind: 'null' }, length, nullCount: length }
}

/** @throws SinkError SINK_BATCH_INVALID */
export function int64Column(batch: ColumnBatch, name: string): BigInt64Array {
  const values = batch.columns[batch.schema.fields.findIndex((field) => field.name === name)]?.values
  if (values instanceof BigInt64Array) return values
  throw new SinkError('SINK_BATCH_INVALID', `a batch has no column ${name} of 64-bit integers`)
}
