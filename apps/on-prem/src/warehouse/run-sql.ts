import { quoteIdentifier } from '@sluice/schemas'
import type { SqlConnector, SqlSession } from '@sluice/sink-postgres'
import { JobError } from './errors.ts'
import { fillPlaces, type SqlFile, type SqlPlaces } from './sql-files.ts'

/** Runs `work` in one transaction, in UTC. Whatever it throws undoes everything. */
export async function inTransaction<T>(
  connector: SqlConnector,
  signal: AbortSignal,
  work: (session: SqlSession) => Promise<T>,
): Promise<T> {
  const session = await connector.session(signal)
  let broken = true
  try {
    await session.query('BEGIN')
    await session.query(`SET LOCAL TimeZone = 'UTC'`)
    const result = await work(session)
    await session.query('COMMIT')
    broken = false
    return result
  } finally {
    // A connection in the middle of a failed transaction is not given to anybody else.
    session.release(broken)
  }
}

/** @throws JobError WAREHOUSE_EMPTY when no ingest has made the table yet */
export async function requireTable(session: SqlSession, schema: string, table: string): Promise<void> {
  const name = `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`
  const { rows } = await session.query('SELECT to_regclass($1) IS NOT NULL AS there', [name])
  if (rows[0]!['there'] !== true) throw new JobError('WAREHOUSE_EMPTY', `the warehouse has no table ${schema}.${table}`)
}

export interface RanFile {
  readonly name: string
  readonly ms: number
}

/** Runs files one after the other in the transaction of `session`. */
export async function runFiles(
  session: SqlSession,
  files: readonly SqlFile[],
  places: SqlPlaces,
): Promise<readonly RanFile[]> {
  const ran: RanFile[] = []
  for (const file of files) {
    const started = performance.now()
    await session.query(fillPlaces(file.text, places))
    ran.push({ name: file.name, ms: Math.round(performance.now() - started) })
  }
  return ran
}

export interface CheckedRule {
  readonly name: string
  readonly about: string
  /** Rows against the rule, counted up to a hundred. */
  readonly violations: number
}

const countedAtMost = 100

/** Runs files that each select what is against a rule. Contents of rows are counted, never told. */
export async function checkRules(
  session: SqlSession,
  files: readonly SqlFile[],
  places: SqlPlaces,
): Promise<readonly CheckedRule[]> {
  const checked: CheckedRule[] = []
  for (const { name, about, text } of files) {
    const rule = fillPlaces(text, places).trim().replace(/;$/, '')
    const { rows } = await session.query(
      `SELECT count(*)::integer AS n FROM (SELECT 1 FROM (${rule}\n) AS rule LIMIT ${countedAtMost}) AS found`,
    )
    checked.push({ name, about, violations: Number(rows[0]!['n']) })
  }
  return checked
}
