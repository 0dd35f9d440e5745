import { randomUUID } from 'node:crypto'
import { systemClock } from '@sluice/ingest-core'
import type { Clock } from '@sluice/ingest-core'
import type { PostgresHooks } from './flush/hooks.ts'
import { bookkeepingOf } from './progress/bookkeeping.ts'
import type { Bookkeeping } from './progress/bookkeeping.ts'
import type { Holder } from './progress/progress-row.ts'
import type { SqlConnector } from './session/session.ts'
import { planTable } from './table/table-options.ts'
import type { PostgresTable, TablePlan } from './table/table-options.ts'

export interface PostgresSinkOptions {
  /** From `createPgConnector` or `createPgliteConnector`; closed by whoever made it. */
  readonly connection: SqlConnector
  /** Name of this sink's progress. */
  readonly sinkId: string
  /** Consumer group or what else owns the sink; another owner of a table is refused. */
  readonly owner: string
  /** One per topic. */
  readonly tables: readonly PostgresTable[]
  /** Schema of the bookkeeping tables, and of tables that name none. */
  readonly schema?: string
  /** `manage` creates tables and adds columns; `verify` only checks, and names the DDL that is missing. */
  readonly ddl?: 'manage' | 'verify'
  /** Name and version in dead letters. */
  readonly pipeline?: { readonly name: string; readonly version: string }
  /** Rows of one partition after which the sink asks for a commit. */
  readonly flushRows?: number
  /** Bytes of one partition after which the sink asks for a commit. */
  readonly flushBytes?: number
  /** Share of a flush that the storage may refuse; above it nothing is stored and the partition stops. */
  readonly maxRefusedShare?: number
  /** A flush may always have so many refused rows. */
  readonly minRefused?: number
  readonly timeouts?: {
    /** ms a statement may take. */
    readonly statementMs?: number
    /** ms a statement may wait for a lock. */
    readonly lockMs?: number
    /** ms a transaction may be idle, should this process hang. */
    readonly idleMs?: number
  }
  readonly retry?: {
    readonly firstMs?: number
    readonly maxMs?: number
    /** Total time one commit may take, waits included, ms. */
    readonly deadlineMs?: number
  }
  /** Memory of one sort of a merge, as PostgreSQL writes it. */
  readonly workMem?: string
  readonly clock?: Clock
  /** For tests that stop a process at a point of the protocol. */
  readonly hooks?: PostgresHooks
}

export const postgresSinkDefaults = {
  schema: 'public',
  ddl: 'manage',
  flushRows: 100_000,
  flushBytes: 32 * 1024 * 1024,
  maxRefusedShare: 0.5,
  minRefused: 100,
  timeouts: { statementMs: 120_000, lockMs: 10_000, idleMs: 60_000 },
  retry: { firstMs: 100, maxMs: 5_000, deadlineMs: 60_000 },
  workMem: '64MB',
} as const

export interface ResolvedSink {
  readonly connection: SqlConnector
  readonly holder: Holder
  readonly tables: ReadonlyMap<string, TablePlan>
  readonly schema: string
  readonly bookkeeping: Bookkeeping
  readonly ddl: 'manage' | 'verify'
  readonly pipeline: { readonly name: string; readonly version: string }
  readonly flushRows: number
  readonly flushBytes: number
  readonly maxRefusedShare: number
  readonly minRefused: number
  readonly timeouts: { readonly statementMs: number; readonly lockMs: number; readonly idleMs: number }
  readonly retry: { readonly firstMs: number; readonly maxMs: number; readonly deadlineMs: number }
  readonly workMem: string
  readonly clock: Clock
  readonly hooks: PostgresHooks
}

/** Fills in defaults and checks what can be checked without the server. @throws TypeError */
export function resolveSink(options: PostgresSinkOptions): ResolvedSink {
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(options.sinkId)) {
    throw new TypeError('sinkId must be [A-Za-z0-9][A-Za-z0-9_.-]*')
  }
  if (options.owner === '') throw new TypeError('owner must not be empty')
  const schema = options.schema ?? postgresSinkDefaults.schema
  const tables = new Map<string, TablePlan>()
  const targets = new Map<string, string>()
  for (const table of options.tables) {
    const { topic } = table.contract
    if (tables.has(topic)) throw new TypeError(`two tables for topic ${topic}`)
    const plan = planTable(table, schema)
    for (const target of [plan.target, ...(plan.side === undefined ? [] : [plan.side.sql])]) {
      const other = targets.get(target)
      if (other !== undefined) throw new TypeError(`the topics ${other} and ${topic} would share the table ${target}`)
      targets.set(target, topic)
    }
    tables.set(topic, plan)
  }
  const workMem = options.workMem ?? postgresSinkDefaults.workMem
  if (!/^\d+(kB|MB|GB)$/.test(workMem)) throw new TypeError('workMem must be a number with kB, MB or GB')
  const resolved = {
    connection: options.connection,
    holder: { sinkId: options.sinkId, owner: options.owner, writer: randomUUID() },
    tables,
    schema,
    bookkeeping: bookkeepingOf(schema),
    ddl: options.ddl ?? postgresSinkDefaults.ddl,
    pipeline: options.pipeline ?? { name: options.sinkId, version: '0' },
    flushRows: options.flushRows ?? postgresSinkDefaults.flushRows,
    flushBytes: options.flushBytes ?? postgresSinkDefaults.flushBytes,
    maxRefusedShare: options.maxRefusedShare ?? postgresSinkDefaults.maxRefusedShare,
    minRefused: options.minRefused ?? postgresSinkDefaults.minRefused,
    timeouts: { ...postgresSinkDefaults.timeouts, ...options.timeouts },
    retry: { ...postgresSinkDefaults.retry, ...options.retry },
    workMem,
    clock: options.clock ?? systemClock,
    hooks: options.hooks ?? { at: () => undefined },
  }
  const positive = {
    ...resolved.timeouts,
    ...resolved.retry,
    flushRows: resolved.flushRows,
    flushBytes: resolved.flushBytes,
  }
  for (const [name, value] of Object.entries(positive)) {
    if (!(Number.isInteger(value) && value > 0)) throw new TypeError(`${name} must be a whole number above 0`)
  }
  if (!(resolved.maxRefusedShare >= 0 && resolved.maxRefusedShare <= 1)) {
    throw new TypeError('maxRefusedShare must be from 0 to 1')
  }
  return resolved
}
