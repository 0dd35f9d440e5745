import { openLake, openLakeFiles, type Lake } from '@sluice/app-kit'
import { listCommittedFiles } from '@sluice/ingest-core'
import { quoteIdentifier } from '@sluice/schemas'
import { diffDigests, isSame, type TableDiff } from '../warehouse/compare.ts'
import type { WarehouseApp } from '../warehouse/warehouse-app.ts'
import { openDuck, parquetSql } from './duck.ts'
import { createSnapshotTable, type Snapshot } from './snapshot-table.ts'

/** What silver should hold, said in another way than the job does it. */
export interface SilverRule {
  readonly table: string
  readonly key: string
  /** Which row of a key it holds: the first in this order. */
  readonly order: string
  /** Whether rows of the late lane take part. */
  readonly late: boolean
}

export interface SilverVerification {
  readonly ok: boolean
  readonly snapshot: Snapshot | undefined
  /** Bronze files that the snapshot has not seen; then nothing was compared. */
  readonly behind: number
  readonly diff: TableDiff | undefined
}

/** Holds the newest snapshot against the bronze rows it stands for, by key and source position. */
export async function verifySilver(
  app: WarehouseApp,
  rule: SilverRule,
  signal: AbortSignal,
): Promise<SilverVerification> {
  const store = await app.openStore(signal)
  try {
    const snapshot = await createSnapshotTable({ store, table: rule.table }).latest(signal)
    if (snapshot === undefined) return { ok: true, snapshot, behind: 0, diff: undefined }
    const topics = app.contracts.map(({ topic }) => topic)
    const committed = await listCommittedFiles(store, { sinkId: app.sinkId, signal })
    const bronze = committed.filter(({ kind, topic }) => kind !== 'dead' && topics.includes(topic))
    const behind = bronze.filter(({ chain, position }) => position > (snapshot.inputs[chain] ?? -1)).length
    if (behind > 0) return { ok: true, snapshot, behind, diff: undefined }
    using lake = await openLake(app, bronze, signal)
    const expected = await positionsOfBronze(lake, app, rule)
    await using duck = await openDuck()
    const paths = await openLakeFiles(app, store).paths(snapshot.files, signal)
    const rows =
      paths.length === 0
        ? []
        : await duck.rows(
            `select ${quoteIdentifier(rule.key)} as key, _partition || '@' || _offset as position from ${parquetSql(paths)}`,
          )
    const found = new Map(rows.map(({ key, position }) => [String(key), String(position)]))
    const diff = diffDigests(expected, found)
    // A key twice would hide in the map.
    return { ok: isSame(diff) && rows.length === found.size, snapshot, behind, diff }
  } finally {
    await store.close()
  }
}

async function positionsOfBronze(lake: Lake, app: WarehouseApp, rule: SilverRule): Promise<Map<string, string>> {
  const { table } = app.contracts[0]!
  const lanes = [table, ...(rule.late ? [`late_${table}`] : [])].filter((view) => lake.views.includes(view))
  if (lanes.length === 0) return new Map()
  const rows = lanes.map((view) => `select * from ${quoteIdentifier(view)}`).join(' union all by name ')
  const key = quoteIdentifier(rule.key)
  const reader = await lake.connection.runAndReadAll(
    `select ${key}, _partition || '@' || _offset from (${rows}) as landed
     qualify row_number() over (partition by ${key} order by ${rule.order}) = 1`,
  )
  return new Map(reader.getRows().map(([name, position]) => [String(name), String(position)]))
}

/** Pure: text from figures. */
export function describeSilver({ snapshot, behind, diff }: SilverVerification): string {
  if (snapshot === undefined) return 'silver: not made yet\n'
  const rows = snapshot.files.reduce((sum, file) => sum + file.rows, 0)
  const head = `silver: snapshot ${snapshot.number}, ${rows.toLocaleString('en-US')} rows in ${snapshot.files.length} files`
  if (behind > 0) return `${head}; ${behind} bronze files behind, not compared\n`
  if (diff === undefined) return `${head}\n`
  const count = diff.missing.length + diff.unexpected.length + diff.different.length
  return `${head}; compared with bronze, ${count} differences\n`
}
