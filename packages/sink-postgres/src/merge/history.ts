import type { ReadyTable } from '../table/prepare-table.ts'
import type { PlannedColumn, TablePlan } from '../table/table-options.ts'
import { listSql, rangeSql, sameKey, stage, touched, valueSql } from './names.ts'
import type { FlushConstants, MergeStatement, StageRange } from './names.ts'
import { eventOrder, greater } from './order.ts'

/**
 * History in event time. The events of a key, one per time, are a set; the versions follow from that set alone: each event
 * (with `track`, each that changes a tracked field) begins a version, which ends where the next begins. So the order in
 * which events arrive, and how often, cannot matter. A merge adds events, then looks again only at what its times touch:
 * their own version, the one before, the one after.
 *
 * Without `track` and deletions the versions are the events. Otherwise the events are kept beside, as one that changes
 * nothing now may do so when a late one comes between.
 */
export function historyStatements(
  table: ReadyTable,
  flush: FlushConstants,
  range: StageRange | undefined,
): readonly MergeStatement[] {
  const { plan } = table
  const { key } = plan
  const order = eventOrder(table)
  const keys = (alias: string): string => listSql(key, alias)
  const moment = order.moment('s')
  const deleted = plan.deletes ? ['s._deleted'] : []
  const first = [...deleted, ...order.stagedTies('s')].map((each) => `${each} DESC`).join(', ')
  const winners =
    `SELECT DISTINCT ON (${keys('s')}, ${moment}) s.*, ${moment} AS valid_from FROM ${stage} s ${rangeSql(range)} ` +
    `ORDER BY ${keys('s')}, ${moment}, ${first}`
  const values = plan.columns.map((column) => valueSql(column, table, flush)).join(', ')
  const columns = listSql(plan.columns)
  const others = plan.columns.filter((column) => !key.includes(column))
  const set = others.map(({ sql }) => `${sql} = excluded.${sql}`).join(', ')
  const conflict = `ON CONFLICT (${listSql(key)}, valid_from) DO UPDATE SET`
  const note = (insert: string): string =>
    `WITH written AS (${insert} RETURNING ${keys('t')}, t.valid_from) INSERT INTO ${touched} SELECT * FROM written`
  const clear: MergeStatement = { sql: `DELETE FROM ${touched}`, counts: false }

  if (plan.side === undefined) {
    const wins = greater(order.ties('excluded'), order.ties('t'))
    const insert =
      `INSERT INTO ${plan.target} AS t (${columns}, valid_from, is_current) ` +
      `SELECT ${values}, s.valid_from, false FROM (${winners}) s ${conflict} ${set} WHERE ${wins}`
    return [
      clear,
      { sql: note(insert), counts: true },
      { sql: endsSql(plan, `${plan.target} v`, 'true'), counts: false },
    ]
  }

  const events = plan.side.sql
  const wins = greater(['excluded._deleted', ...order.ties('excluded')], ['t._deleted', ...order.ties('t')])
  const insert =
    `INSERT INTO ${events} AS t (${columns}, valid_from, _deleted, _change) ` +
    `SELECT ${values}, s.valid_from, ${plan.deletes ? 's._deleted' : 'false'}, false FROM (${winners}) s ` +
    `${conflict} ${set}, _deleted = excluded._deleted WHERE ${wins}`
  const successors =
    `INSERT INTO ${touched} SELECT DISTINCT n.* FROM ${touched} x CROSS JOIN LATERAL (SELECT ${keys('e')}, e.valid_from ` +
    `FROM ${events} e WHERE ${sameKey(key, 'e', 'x')} AND e.valid_from > x.valid_from ORDER BY e.valid_from LIMIT 1) n`
  const distinct = `(SELECT DISTINCT * FROM ${touched}) x`
  const at = (alias: string): string => `${sameKey(key, alias, 'x')} AND ${alias}.valid_from = x.valid_from`
  const change =
    `UPDATE ${events} c SET _change = n.change FROM (SELECT ${keys('e')}, e.valid_from, coalesce((SELECT ${changeSql(plan)} ` +
    `FROM ${events} p WHERE ${sameKey(key, 'p', 'e')} AND p.valid_from < e.valid_from ORDER BY p.valid_from DESC LIMIT 1), ` +
    `NOT e._deleted) AS change FROM ${events} e JOIN ${distinct} ON ${at('e')}) n ` +
    `WHERE ${sameKey(key, 'c', 'n')} AND c.valid_from = n.valid_from AND c._change <> n.change`
  const gone =
    `DELETE FROM ${plan.target} t USING ${events} e, ${distinct} WHERE ${at('e')} AND ${at('t')} ` +
    `AND NOT (e._change AND NOT e._deleted)`
  const cast = (column: PlannedColumn): string => {
    const to = table.limits.get(column)?.cast
    return `e.${column.sql}${to === undefined ? '' : `::${to}`}`
  }
  const versions =
    `INSERT INTO ${plan.target} AS t (${columns}, valid_from, is_current) ` +
    `SELECT ${plan.columns.map(cast).join(', ')}, e.valid_from, false FROM ${events} e JOIN ${distinct} ON ${at('e')} ` +
    `WHERE e._change AND NOT e._deleted ${conflict} ${set}`
  return [
    clear,
    { sql: note(insert), counts: true },
    { sql: successors, counts: false },
    { sql: change, counts: false },
    { sql: gone, counts: false },
    { sql: versions, counts: false },
    { sql: endsSql(plan, `${events} v`, 'v._change'), counts: false },
  ]
}

/** Whether event `e` changes something against event `p` before it. */
function changeSql({ track }: TablePlan): string {
  if (track === undefined) return 'NOT e._deleted OR NOT p._deleted'
  const differs = track.map(({ sql }) => `p.${sql} IS DISTINCT FROM e.${sql}`)
  return `p._deleted <> e._deleted OR (NOT e._deleted AND (${differs.length === 0 ? 'false' : differs.join(' OR ')}))`
}

/** Sets the end of every version that was touched, and of the version before it, to where the next one begins. */
function endsSql({ key, target }: TablePlan, source: string, begins: string): string {
  const keys = (alias: string): string => listSql(key, alias)
  return (
    `WITH c AS (SELECT ${keys('x')}, x.valid_from FROM ${touched} x UNION SELECT p.* FROM ${touched} x CROSS JOIN LATERAL ` +
    `(SELECT ${keys('b')}, b.valid_from FROM ${target} b WHERE ${sameKey(key, 'b', 'x')} AND b.valid_from < x.valid_from ` +
    `ORDER BY b.valid_from DESC LIMIT 1) p), ` +
    `n AS (SELECT c.*, (SELECT v.valid_from FROM ${source} WHERE ${sameKey(key, 'v', 'c')} AND v.valid_from > c.valid_from ` +
    `AND ${begins} ORDER BY v.valid_from LIMIT 1) AS next FROM c) ` +
    `UPDATE ${target} t SET valid_to = n.next, is_current = n.next IS NULL FROM n WHERE ${sameKey(key, 't', 'n')} ` +
    `AND t.valid_from = n.valid_from AND (t.valid_to IS DISTINCT FROM n.next OR t.is_current <> (n.next IS NULL))`
  )
}

export function touchedSql({ plan, limits }: ReadyTable): string {
  const columns = plan.key.map((column) => `${column.sql} ${column.pgType}${limits.get(column)?.collate ?? ''}`)
  return `CREATE TEMPORARY TABLE sluice_touched (${columns.join(', ')}, valid_from timestamptz NOT NULL) ON COMMIT DROP`
}
