import { openLake, readLakeState, type Lake } from '@sluice/app-kit'
import { quoteIdentifier } from '@sluice/schemas'
import type { SqlSession } from '@sluice/sink-postgres'
import { withWarehouse } from '../parts/warehouse.ts'
import { diffDigests, digestsOfLake, digestsOfWarehouse, isSame, type TableDiff } from './compare.ts'
import { inTransaction } from './run-sql.ts'
import type { WarehouseApp } from './warehouse-app.ts'

/** How the table of the warehouse follows from the rows in the lake. */
export interface WarehouseRule {
  readonly key: string
  /** Which row of a key the table holds: the first in this order. */
  readonly order: string
}

export interface WarehouseVerification {
  readonly ok: boolean
  readonly table: TableDiff
  /** `partition@offset code` of dead letters. */
  readonly letters: TableDiff
  /** Partitions whose progress in the warehouse is not that of the lake, or whose counts do not add up. */
  readonly progress: readonly string[]
}

/**
 * Holds the warehouse against the lake: both were fed by one stream, so they agree on rows, dead letters and progress. The
 * lake in turn is held against the simulator's ledger by `verify`. Rows that a replay of dead letters landed in the lake
 * are beside the point.
 */
export async function verifyWarehouse(
  app: WarehouseApp,
  rule: WarehouseRule,
  signal: AbortSignal,
): Promise<WarehouseVerification> {
  const { files, reached } = await readLakeState(app, signal, false)
  const landed = files.filter(({ replayed }) => !replayed)
  using lake = await openLake(app, landed, signal)
  const { contract } = app.warehouseTable
  const expected = await digestsOfLake(lake, { contract, ...rule })
  const expectedLetters = await lettersOfLake(lake)
  return withWarehouse(app.config, (connector) =>
    inTransaction(connector, signal, async (session) => {
      const name = (table: string): string => `${quoteIdentifier(app.schema)}.${quoteIdentifier(table)}`
      const target = name(app.warehouseTable.table ?? contract.table)
      const table = diffDigests(expected, await digestsOfWarehouse(session, target, contract, rule.key))
      const letters = diffDigests(expectedLetters, await lettersOfWarehouse(session, name('ingest_dead_letter')))
      const progress = await wrongProgress(session, name('ingest_progress'), reached)
      return { ok: isSame(table) && isSame(letters) && progress.length === 0, table, letters, progress }
    }),
  )
}

async function lettersOfLake(lake: Lake): Promise<Map<string, string>> {
  if (!lake.views.includes('dead_letters')) return new Map()
  const reader = await lake.connection.runAndReadAll('select "partition", "offset", code from dead_letters')
  return new Map(
    reader.getRows().map(([partition, offset, code]) => [`${String(partition)}@${String(offset)}`, String(code)]),
  )
}

async function lettersOfWarehouse(session: SqlSession, table: string): Promise<Map<string, string>> {
  const { rows } = await session.query(`SELECT partition, "offset"::text AS at, code FROM ${table}`)
  return new Map(rows.map((row) => [`${String(row['partition'])}@${String(row['at'])}`, String(row['code'])]))
}

async function wrongProgress(
  session: SqlSession,
  table: string,
  reached: readonly { readonly partition: number; readonly next: number }[],
): Promise<string[]> {
  const { rows } = await session.query(
    `SELECT partition, next_offset::text AS next, consumed = stored + duplicate + filtered + dead_lettered AS conserved FROM ${table}`,
  )
  const found = new Map(rows.map((row) => [Number(row['partition']), row]))
  return reached.flatMap(({ partition, next }) => {
    const row = found.get(partition)
    if (row === undefined) return [`partition ${partition} is not in the warehouse`]
    const wrong: string[] = []
    if (Number(row['next']) !== next)
      wrong.push(`partition ${partition}: lake at ${next}, warehouse at ${String(row['next'])}`)
    if (row['conserved'] !== true) wrong.push(`partition ${partition}: counts of the warehouse do not add up`)
    return wrong
  })
}

/** Pure: text from figures. */
export function describeWarehouseVerification({ table, letters, progress }: WarehouseVerification): string {
  const line = (name: string, diff: TableDiff): string[] => {
    const count = diff.missing.length + diff.unexpected.length + diff.different.length
    const kinds = (['missing', 'unexpected', 'different'] as const).filter((kind) => diff[kind].length > 0)
    return [
      `${name}${diff.compared.toLocaleString('en-US')} compared with the lake, ${count} differences`,
      ...kinds.map((kind) => `        ${kind} x ${diff[kind].length}`),
    ]
  }
  return [
    ...line('warehouse rows: ', table),
    ...line('warehouse dead letters: ', letters),
    `warehouse progress: ${progress.length === 0 ? 'that of the lake, counts conserved' : progress.join('; ')}`,
    '',
  ].join('\n')
}
