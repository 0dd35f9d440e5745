import { SinkError } from '@sluice/ingest-core'
import type { SqlSession } from '../session/session.ts'
import { ident } from '../sql/identifiers.ts'
import type { CatalogConstraint } from './catalog.ts'
import { readCatalog } from './catalog.ts'
import { commentSql, fitTable } from './fit.ts'
import type { ColumnLimits, ExtraColumns } from './fit.ts'
import type { PlannedColumn, TablePlan } from './table-options.ts'

/** A table as it is now, and what follows for rows and merges. */
export interface ReadyTable {
  readonly plan: TablePlan
  readonly limits: Limits
  readonly constraints: readonly CatalogConstraint[]
  /** Rows may be copied straight into it. */
  readonly direct: boolean
  /** Text that differs when the table was changed since. */
  readonly shape: string
}

const historyTypes = { valid_from: 'timestamptz', valid_to: 'timestamptz', is_current: 'boolean' }
const textKinds = new Set(['utf8', 'enum', 'null'])

/** What the target of a mode needs besides the columns of the contract. */
function extraOf(plan: TablePlan): ExtraColumns {
  const key = plan.key.map((column) => column.name)
  if (plan.mode !== 'scd2') return { columns: [], types: {}, unique: key }
  return { columns: ['valid_from', 'valid_to', 'is_current'], types: historyTypes, unique: [...key, 'valid_from'] }
}

/**
 * Creates the table, or adds the columns it lacks, when `ddl` allows; then reads what the server made of it. Runs inside
 * a transaction of the caller, so that it happens whole or not at all.
 * @throws SinkError TABLE_MISMATCH with the DDL to run, for anything that adding a column cannot mend
 */
export async function prepareTable(
  session: SqlSession,
  plan: TablePlan,
  ddl: 'manage' | 'verify',
): Promise<ReadyTable> {
  const extra = extraOf(plan)
  let catalog = await readCatalog(session, plan.target)
  if (catalog === undefined) {
    const create = createSql(plan, plan.target, extra)
    if (ddl === 'verify') throw mismatch(plan, [{ what: 'it does not exist', ddl: create }])
    await session.query(`${create};${commentSql(plan.target, plan.contract.description)}`)
    if (plan.mode === 'scd2') await session.query(currentIndexSql(plan))
    catalog = (await readCatalog(session, plan.target))!
  }
  let fit = fitTable(plan, plan.target, catalog, extra)
  if (fit.missing.length > 0) {
    const adds = fit.missing.map((column) => `ADD COLUMN ${column.sql} ${column.pgType}`).join(', ')
    const alter = `ALTER TABLE ${plan.target} ${adds}`
    if (ddl === 'verify' || fit.problems.length > 0) {
      const what = `it lacks ${fit.missing.map((column) => column.name).join(', ')}`
      throw mismatch(plan, [{ what, ddl: alter }, ...fit.problems])
    }
    await session.query(alter)
    catalog = (await readCatalog(session, plan.target))!
    fit = fitTable(plan, plan.target, catalog, extra)
  }
  if (fit.problems.length > 0) throw mismatch(plan, fit.problems)
  if (plan.side !== undefined) await prepareSide(session, plan, fit.limits, ddl)
  const direct = plan.mode !== 'scd2' && !plan.deletes && plan.direct && catalog.plain && fit.sameBytes
  return { plan, limits: fit.limits, constraints: catalog.constraints, direct, shape: catalog.shape }
}

async function prepareSide(
  session: SqlSession,
  plan: TablePlan,
  limits: Limits,
  ddl: 'manage' | 'verify',
): Promise<void> {
  const side = plan.side!
  const create = sideSql(plan, limits)
  const catalog = await readCatalog(session, side.sql)
  if (catalog === undefined) {
    if (ddl === 'verify') throw mismatch(plan, [{ what: `${side.name} does not exist`, ddl: create }])
    await session.query(create)
    return
  }
  if (plan.mode !== 'scd2') return
  const missing = plan.columns.filter((column) => !catalog.columns.has(column.name))
  if (missing.length === 0) return
  const alter = `ALTER TABLE ${side.sql} ${missing.map((column) => `ADD COLUMN ${column.sql} ${column.pgType}`).join(', ')}`
  if (ddl === 'verify') throw mismatch(plan, [{ what: `${side.name} lacks columns`, ddl: alter }])
  await session.query(alter)
}

/** Text of keys is compared byte by byte: faster, and the same on every machine. */
function columnSql(plan: TablePlan, column: PlannedColumn, nullable: boolean): string {
  const collate = plan.key.includes(column) && textKinds.has(column.field.type.kind) ? ' COLLATE "C"' : ''
  return `${column.sql} ${column.pgType}${collate}${nullable ? '' : ' NOT NULL'}`
}

function createSql(plan: TablePlan, target: string, extra: ExtraColumns): string {
  const lines = plan.columns.map((column) => columnSql(plan, column, column.field.nullable))
  if (plan.mode === 'scd2') {
    lines.push('valid_from timestamptz NOT NULL', 'valid_to timestamptz', 'is_current boolean NOT NULL')
  }
  if (extra.unique.length > 0) lines.push(`PRIMARY KEY (${extra.unique.map(ident).join(', ')})`)
  return `CREATE TABLE ${target} (\n  ${lines.join(',\n  ')}\n)`
}

function currentIndexSql(plan: TablePlan): string {
  const key = plan.key.map((column) => column.sql).join(', ')
  return `CREATE INDEX ON ${plan.target} (${key}) WHERE is_current`
}

type Limits = ReadonlyMap<PlannedColumn, ColumnLimits>

function sideSql(plan: TablePlan, limits: Limits): string {
  const column = (each: PlannedColumn, nullable: boolean): string =>
    `${each.sql} ${each.pgType}${limits.get(each)?.collate ?? ''}${nullable ? '' : ' NOT NULL'}`
  const side = plan.side!.sql
  const key = plan.key.map((column) => column.sql).join(', ')
  if (plan.mode === 'scd2') {
    const lines = plan.columns.map((each) => column(each, !plan.key.includes(each)))
    return (
      `CREATE TABLE ${side} (\n  ${lines.join(',\n  ')},\n  valid_from timestamptz NOT NULL,\n` +
      `  _deleted boolean NOT NULL,\n  _change boolean NOT NULL,\n  PRIMARY KEY (${key}, valid_from)\n);` +
      `CREATE INDEX ON ${side} (${key}, valid_from) WHERE _change`
    )
  }
  const lines = plan.key.map((each) => column(each, false))
  return (
    `CREATE TABLE ${side} (\n  ${lines.join(',\n  ')},\n  deleted_at timestamptz NOT NULL,\n` +
    `  _partition integer NOT NULL,\n  _offset bigint NOT NULL,\n  PRIMARY KEY (${key})\n)`
  )
}

function mismatch(plan: TablePlan, problems: readonly { readonly what: string; readonly ddl: string }[]): SinkError {
  return new SinkError(
    'TABLE_MISMATCH',
    `table ${plan.target} does not fit contract ${plan.contract.name}: ${problems.map(({ what }) => what).join('; ')}. ` +
      `To mend it: ${problems.map(({ ddl }) => `${ddl};`).join(' ')}`,
    { evidence: { table: plan.target, ddl: problems.map(({ ddl }) => ddl) } },
  )
}
