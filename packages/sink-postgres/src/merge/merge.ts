import type { ReadyTable } from '../table/prepare-table.ts'
import { stagedColumns } from '../encode/encode-rows.ts'
import { historyStatements, touchedSql } from './history.ts'
import { listSql, rangeSql, sameKey, stage, valueSql } from './names.ts'
import type { FlushConstants, MergeStatement, StageRange } from './names.ts'
import { eventOrder, greater } from './order.ts'
import type { EventOrder } from './order.ts'

/** Tables of the flush, made inside its transaction. */
export function stagingSql(table: ReadyTable, staged = stagedColumns(table.plan)): string {
  const { plan } = table
  const columns = staged.map((column) => {
    return `${column.sql} ${column.pgType}${table.limits.get(column)?.collate ?? ''}`
  })
  const deleted = plan.deletes ? ', _deleted boolean NOT NULL DEFAULT false' : ''
  const rows = `CREATE TEMPORARY TABLE sluice_rows (_offset bigint NOT NULL, ${columns.join(', ')}${deleted}) ON COMMIT DROP`
  return plan.mode === 'scd2' ? `${rows};${touchedSql(table)}` : rows
}

export function copySql(table: ReadyTable, staged = stagedColumns(table.plan)): string {
  const columns = staged.map((column) => column.sql)
  return `COPY ${stage} (_offset, ${columns.join(', ')}) FROM STDIN (FORMAT binary)`
}

/** Modes whose merges of one table must not run side by side, as they look at neighbours of the rows they write. */
export function lockSql(table: ReadyTable): string | undefined {
  const { plan } = table
  if (plan.mode !== 'scd2' && !plan.deletes) return undefined
  return `SELECT pg_advisory_xact_lock(hashtextextended('sluice ' || '${plan.target.replaceAll("'", "''")}', 0))`
}

/** Brings the staged rows, or a range of them, into the table: in the order of keys, so that two writers rarely deadlock. */
export function mergeStatements(
  table: ReadyTable,
  flush: FlushConstants,
  range?: StageRange,
): readonly MergeStatement[] {
  switch (table.plan.mode) {
    case 'append':
      return [{ sql: appendSql(table, flush, range), counts: true }]
    case 'insert-ignore':
      return [{ sql: insertIgnoreSql(table, flush, range), counts: true }]
    case 'upsert':
      return upsertStatements(table, flush, range)
    case 'scd2':
      return historyStatements(table, flush, range)
  }
}

function insertHead(table: ReadyTable): string {
  return `INSERT INTO ${table.plan.target} AS t (${listSql(table.plan.columns)})`
}

function valuesSql(table: ReadyTable, flush: FlushConstants): string {
  return table.plan.columns.map((column) => valueSql(column, table, flush)).join(', ')
}

function appendSql(table: ReadyTable, flush: FlushConstants, range: StageRange | undefined): string {
  return `${insertHead(table)} SELECT ${valuesSql(table, flush)} FROM ${stage} s ${rangeSql(range)} ORDER BY s._offset`
}

function insertIgnoreSql(table: ReadyTable, flush: FlushConstants, range: StageRange | undefined): string {
  const key = listSql(table.plan.key, 's')
  return (
    `${insertHead(table)} SELECT DISTINCT ON (${key}) ${valuesSql(table, flush)} FROM ${stage} s ${rangeSql(range)} ` +
    `ORDER BY ${key}, s._offset ON CONFLICT (${listSql(table.plan.key)}) DO NOTHING`
  )
}

/**
 * Rows whose key the table does not have, by a plain INSERT: it costs the server about a third less than one that may
 * conflict. What it leaves is merged by `mergeStatements`, for which rows that are in already change nothing. Another
 * writer may bring the same key meanwhile; then this fails with 23505 and `mergeStatements` does all. Undefined for modes
 * that have no such shortcut.
 *
 * The subquery is one the planner never turns into a join, so the cost is a look into the index per row, however large the
 * table is.
 */
export function newKeysSql(table: ReadyTable, flush: FlushConstants): string | undefined {
  const { plan } = table
  if ((plan.mode !== 'upsert' && plan.mode !== 'insert-ignore') || plan.deletes) return undefined
  const order = eventOrder(table)
  const key = listSql(plan.key, 's')
  const best = plan.mode === 'upsert' ? newestFirst(order) : 's._offset'
  return (
    `${insertHead(table)} SELECT DISTINCT ON (${key}) ${valuesSql(table, flush)} FROM ${stage} s ` +
    `WHERE (SELECT true FROM ${plan.target} k WHERE ${sameKey(plan.key, 'k', 's')}) IS NULL ORDER BY ${key}, ${best}`
  )
}

function newestFirst(order: EventOrder): string {
  return [order.time('s'), ...order.stagedTies('s')].map((each) => `${each} DESC`).join(', ')
}

function upsertStatements(
  table: ReadyTable,
  flush: FlushConstants,
  range: StageRange | undefined,
): readonly MergeStatement[] {
  const { plan } = table
  const order = eventOrder(table)
  const key = listSql(plan.key, 's')
  const best = newestFirst(order)
  const set = plan.columns
    .filter((column) => !plan.key.includes(column))
    .map(({ sql }) => `${sql} = excluded.${sql}`)
    .join(', ')
  const newer = greater([order.time('excluded'), ...order.ties('excluded')], [order.time('t'), ...order.ties('t')])
  const conflict = `ON CONFLICT (${listSql(plan.key)}) DO UPDATE SET ${set} WHERE ${newer}`
  const winners = `SELECT DISTINCT ON (${key}) s.* FROM ${stage} s ${rangeSql(range)} ORDER BY ${key}, ${best}`
  if (plan.side === undefined) {
    const rows =
      `SELECT DISTINCT ON (${key}) ${valuesSql(table, flush)} FROM ${stage} s ${rangeSql(range)} ` +
      `ORDER BY ${key}, ${best}`
    return [{ sql: `${insertHead(table)} ${rows} ${conflict}`, counts: true }]
  }
  const side = plan.side.sql
  const mine = [order.moment('s'), 's._offset', String(flush.partition)]
  const buried = greater(['d.deleted_at', 'd._offset', 'd._partition'], mine)
  const older = greater(mine, [`coalesce(${order.moment('t')}, '-infinity')`, ...order.ties('t')])
  const isNewer = greater(
    ['excluded.deleted_at', 'excluded._offset', 'excluded._partition'],
    ['d.deleted_at', 'd._offset', 'd._partition'],
  )
  return [
    {
      sql:
        `${insertHead(table)} SELECT ${valuesSql(table, flush)} FROM (${winners}) s WHERE NOT s._deleted AND NOT EXISTS ` +
        `(SELECT FROM ${side} d WHERE ${sameKey(plan.key, 'd', 's')} AND ${buried}) ${conflict}`,
      counts: true,
    },
    {
      sql:
        `INSERT INTO ${side} AS d (${listSql(plan.key)}, deleted_at, _partition, _offset) ` +
        `SELECT ${key}, ${order.moment('s')}, ${flush.partition}, s._offset FROM (${winners}) s WHERE s._deleted ` +
        `ON CONFLICT (${listSql(plan.key)}) DO UPDATE SET deleted_at = excluded.deleted_at, ` +
        `_partition = excluded._partition, _offset = excluded._offset WHERE ${isNewer}`,
      counts: false,
    },
    {
      sql: `DELETE FROM ${plan.target} t USING (${winners}) s WHERE s._deleted AND ${sameKey(plan.key, 't', 's')} AND ${older}`,
      counts: true,
    },
  ]
}
