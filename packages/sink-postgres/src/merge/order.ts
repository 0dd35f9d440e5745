import type { ReadyTable } from '../table/prepare-table.ts'
import type { PlannedColumn, TablePlan } from '../table/table-options.ts'

/**
 * The order of events with one key, as SQL over an alias: event time first, then what decides between equal times. Rows of
 * the target and of the staging table are compared by the same expressions, so that it does not matter which flush, or
 * which half of one, brings an event.
 */
export interface EventOrder {
  /** Event time in its own type; an event without one is older than all others. */
  time(alias: string): string
  /** Event time as `timestamptz`. */
  moment(alias: string): string
  /** What decides between equal times. */
  ties(alias: string): readonly string[]
  /** The same for staged rows, among themselves: they are of one partition. */
  stagedTies(alias: string): readonly string[]
}

export function eventOrder(table: ReadyTable): EventOrder {
  const { plan } = table
  const { sql, field } = plan.eventTime
  const integer = field.type.kind === 'int64'
  const never = integer ? '(-9223372036854775808)' : "'-infinity'"
  const others = plan.columns.filter((column) => column.own && !plan.key.includes(column))
  // Settings that decide how values read as text are fixed for the transaction.
  const content = (alias: string): string =>
    `ROW(${others.map((each) => `${alias}.${each.sql}`).join(', ')})::text COLLATE "C"`
  const staged = (alias: string): string =>
    `ROW(${others.map((each) => castToTarget(each, alias, table)).join(', ')})::text COLLATE "C"`
  const position = (alias: string): string[] => [`coalesce(${alias}._offset, -1)`, `coalesce(${alias}._partition, -1)`]
  return {
    time: (alias) => `coalesce(${alias}.${sql}, ${never})`,
    moment: (alias) => momentSql(plan, `${alias}.${sql}`),
    ties: (alias) => (plan.ties === 'content' ? [content(alias)] : position(alias)),
    stagedTies: (alias) => (plan.ties === 'content' ? [staged(alias)] : [`${alias}._offset`]),
  }
}

function castToTarget(column: PlannedColumn, alias: string, table: ReadyTable): string {
  const declared = table.limits.get(column)?.declared
  const value = `${alias}.${column.sql}`
  return declared === undefined ? value : `${value}::${declared}`
}

/** An event time of any type as `timestamptz`. */
export function momentSql(plan: TablePlan, value: string): string {
  const { type } = plan.eventTime.field
  if (type.kind === 'timestamp' && type.unit !== 'nano') return type.utc ? value : `(${value} AT TIME ZONE 'UTC')`
  if (type.kind === 'timestamp') return `('epoch'::timestamptz + (${value} / 1000) * interval '1 microsecond')`
  const unit = plan.contract.eventTimeUnit === 'milli' ? 'millisecond' : 'microsecond'
  return `('epoch'::timestamptz + ${value} * interval '1 ${unit}')`
}

/** `ROW(a...) > ROW(b...)` for expressions that are never null. */
export function greater(a: readonly string[], b: readonly string[]): string {
  return `ROW(${a.join(', ')}) > ROW(${b.join(', ')})`
}
