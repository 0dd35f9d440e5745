import type { SqlConnector } from '@sluice/sink-postgres'
import {
  checkRules,
  inTransaction,
  requireTable,
  runFiles,
  type CheckedRule,
  type RanFile,
} from '../warehouse/run-sql.ts'
import { readSqlFolder } from '../warehouse/sql-files.ts'
import { cleanCustomers } from './customer-table.ts'

export interface GoldReport {
  /** False when a business rule is broken; then gold is as it was. */
  readonly ok: boolean
  readonly rules: readonly CheckedRule[]
  readonly built: readonly RanFile[]
}

/**
 * Checks the business rules against the customers that landed and builds the gold tables from them, in one transaction: gold
 * never shows what the rules did not pass, and readers see the old or the new state of all tables.
 */
export async function buildGold(connector: SqlConnector, schema: string, signal: AbortSignal): Promise<GoldReport> {
  const rules = await readSqlFolder('telco/checks')
  const tables = await readSqlFolder('telco/gold')
  return inTransaction(connector, signal, async (session) => {
    // What is checked and what is built from is one state, though customers keep landing.
    await session.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ')
    await requireTable(session, schema, cleanCustomers.table)
    const checked = await checkRules(session, rules, { schema })
    if (checked.some(({ violations }) => violations > 0)) return { ok: false, rules: checked, built: [] }
    return { ok: true, rules: checked, built: await runFiles(session, tables, { schema }) }
  })
}
