import { openLake, readLakeState, withDeadLetters } from '@sluice/app-kit'
import type { DeadLetter } from '@sluice/ingest-core'
import { quoteIdentifier } from '@sluice/schemas'
import type { SqlSession } from '@sluice/sink-postgres'
import { withWarehouse } from '../parts/warehouse.ts'
import { diffDigests, digestsOfLake, digestsOfWarehouse, isSame, type Position, type TableDiff } from './compare.ts'
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
  /** Dead letters of both by position: code, and what was decided about them. */
  readonly letters: TableDiff
  /** Rows of the lake that the warehouse refused. They are its own dead letters, and no difference. */
  readonly refused: number
  /** Partitions whose progress in the warehouse is not that of the lake, or whose counts do not add up. */
  readonly progress: readonly string[]
}

/**
 * Holds the warehouse against the lake: both were fed by one stream, and by the same replays of dead letters, so they agree on
 * rows, dead letters and progress. The lake in turn is held against the simulator's ledger by `verify`.
 */
export async function verifyWarehouse(
  app: WarehouseApp,
  rule: WarehouseRule,
  signal: AbortSignal,
): Promise<WarehouseVerification> {
  const { files, reached } = await readLakeState(app, signal, false)
  using lake = await openLake(app, files, signal)
  const lakeLetters = await withDeadLetters(app, signal, (dead) => dead.list({}, signal))
  const decided = new Map(lakeLetters.map(({ letter, state }) => [positionOf(letter), { ...letter, state }]))
  const replayed = [...decided].filter(([, { state }]) => state === 'landed').map(([position]) => position)
  const { contract } = app.warehouseTable
  // Awaited here: the lake is closed when this function is left.
  return await withWarehouse(app.config, (connector) =>
    inTransaction(connector, signal, async (session) => {
      const name = (table: string): string => `${quoteIdentifier(app.schema)}.${quoteIdentifier(table)}`
      const target = name(app.warehouseTable.table ?? contract.table)
      const found = await lettersOfWarehouse(session, name('ingest_dead_letter'))
      const own = [...found].filter(([, { stage }]) => stage === 'sink').map(([position]) => position)
      const refused = new Set(own.filter((position) => !decided.has(position)))
      const letters = diffLetters(decided, new Map([...found].filter(([position]) => !refused.has(position))))
      const expected = await digestsOfLake(lake, { contract, ...rule, replayed, without: refused })
      const there = await digestsOfWarehouse(session, target, contract, rule.key)
      // What the warehouse first refused and then took in a mended form is nowhere else.
      const mended = new Set([...there.positions].filter(([, at]) => refused.has(at)).map(([key]) => key))
      const comparable = (digests: ReadonlyMap<string, string>): Map<string, string> =>
        new Map([...digests].filter(([key]) => !mended.has(key)))
      const table = diffDigests(comparable(expected.digests), comparable(there.digests))
      const progress = await wrongProgress(session, name('ingest_progress'), reached)
      const ok = isSame(table) && isSame(letters) && progress.length === 0
      return { ok, table, letters, refused: refused.size, progress }
    }),
  )
}

interface Decided {
  readonly code: string
  readonly attempt: number
  readonly state: string
}

function positionOf({ partition, offset }: DeadLetter): Position {
  return `${partition.partition}@${offset}`
}

/** What was decided must agree. The code is that of the last try: it must, when both were tried as often. */
function diffLetters(lake: ReadonlyMap<Position, Decided>, warehouse: ReadonlyMap<Position, Decided>): TableDiff {
  const text = ({ state, code }: Decided, sameTries: boolean): string => (sameTries ? `${state} ${code}` : state)
  const side = (mine: ReadonlyMap<Position, Decided>, other: ReadonlyMap<Position, Decided>): Map<string, string> =>
    new Map([...mine].map(([at, one]) => [at, text(one, other.get(at)?.attempt === one.attempt)]))
  return diffDigests(side(lake, warehouse), side(warehouse, lake))
}

async function lettersOfWarehouse(
  session: SqlSession,
  table: string,
): Promise<Map<Position, Decided & { readonly stage: string }>> {
  const { rows } = await session.query(
    `SELECT partition || '@' || "offset" AS position, code, attempt, state, stage FROM ${table}`,
  )
  return new Map(
    rows.map(({ position, code, attempt, state, stage }) => [
      String(position),
      { code: String(code), attempt: Number(attempt), state: String(state), stage: String(stage) },
    ]),
  )
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
export function describeWarehouseVerification({ table, letters, refused, progress }: WarehouseVerification): string {
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
    ...(refused === 0
      ? []
      : [`warehouse alone: ${refused.toLocaleString('en-US')} rows of the lake were refused by it`]),
    ...(letters.different.length === 0
      ? []
      : ['        decided in one sink only: repeat `dlq replay` or `dlq discard`']),
    `warehouse progress: ${progress.length === 0 ? 'that of the lake, counts conserved' : progress.join('; ')}`,
    '',
  ].join('\n')
}
