import { ident } from '../sql/identifiers.ts'
import { failureKind } from '../sql/sqlstate.ts'
import type { SqlSession } from '../session/session.ts'
import type { CatalogConstraint } from '../table/catalog.ts'
import type { ReadyTable } from '../table/prepare-table.ts'
import type { Refusal } from '../encode/check-values.ts'
import { stage } from '../merge/names.ts'

/** Constraints that can be asked about row by row: checks and foreign keys over columns that the rows bring. */
export function askable({ plan, constraints }: ReadyTable): readonly CatalogConstraint[] {
  const own = new Set(plan.columns.filter((column) => column.source === 'row').map(({ name }) => name))
  return constraints.filter(
    ({ kind, columns, expression, references }) =>
      columns.every((name) => own.has(name)) &&
      ((kind === 'check' && expression !== undefined) || (kind === 'foreign' && references !== undefined)),
  )
}

/**
 * Asks the staging table which rows break the constraints that can be asked about row by row: checks and foreign keys. One
 * scan per constraint finds all bad rows at once, where trying would find one at a time. What it does not find (triggers,
 * other unique indexes, checks over columns the sink does not fill) is left to bisection.
 */
export async function diagnose(session: SqlSession, table: ReadyTable): Promise<Map<number, Refusal>> {
  const refused = new Map<number, Refusal>()
  const alive = table.plan.deletes ? ' AND NOT s._deleted' : ''
  for (const constraint of askable(table)) {
    let broken: string
    let state: string
    if (constraint.kind === 'check' && constraint.expression !== undefined) {
      broken = `(${constraint.expression}) IS FALSE`
      state = '23514'
    } else if (constraint.kind === 'foreign' && constraint.references !== undefined) {
      const { table: referenced, columns } = constraint.references
      const present = constraint.columns.map((name) => `s.${ident(name)} IS NOT NULL`).join(' AND ')
      const match = columns.map((name, i) => `r.${ident(name)} = s.${ident(constraint.columns[i]!)}`).join(' AND ')
      broken = `${present} AND NOT EXISTS (SELECT FROM ${referenced} r WHERE ${match})`
      state = '23503'
    } else continue
    const found = await tryQuery(session, `SELECT s._offset::text AS at FROM ${stage} s WHERE ${broken}${alive}`)
    for (const row of found) {
      const offset = Number(row['at'])
      if (refused.has(offset)) continue
      refused.set(offset, {
        state,
        column: constraint.columns.length === 1 ? constraint.columns[0]! : '',
        expected: `what constraint ${constraint.name} asks for`,
      })
    }
  }
  return refused
}

/** A question that the staging table cannot answer (its types are those of the contract) is not asked again. */
async function tryQuery(session: SqlSession, sql: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  await session.query('SAVEPOINT diagnose')
  try {
    const { rows } = await session.query(sql)
    await session.query('RELEASE SAVEPOINT diagnose')
    return rows
  } catch (error) {
    const kind = failureKind(error)
    if (kind === 'pause' || kind === 'retry') throw error
    await session.query('ROLLBACK TO SAVEPOINT diagnose')
    return []
  }
}
