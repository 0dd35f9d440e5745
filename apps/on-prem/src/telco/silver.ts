import type { LakeFiles } from '@sluice/app-kit'
import type { CommittedFile, ObjectStore } from '@sluice/ingest-core'
import { openDuck, parquetSql, type Duck } from '../silver/duck.ts'
import { refresh, type BronzeInput, type RefreshInput, type RefreshOutput } from '../silver/refresh.ts'
import { createSnapshotTable, type Snapshot, type SnapshotFile } from '../silver/snapshot-table.ts'
import { customerSource } from './customer-table.ts'

export const customerSilver = 'silver_customers'
const job = 'telco-silver@1'

/** UTC, without depending on the time zone of the session. */
const updatedAt = 'make_timestamp(epoch_us(updated_at))'
const partition = `strftime(${updatedAt}, 'year=%Y/month=%m/day=%d/hour=%H')`

export interface SilverOptions {
  readonly store: ObjectStore
  readonly files: LakeFiles
  readonly sinkId: string
  /** Path before every key, without slashes at its ends. */
  readonly prefix?: string
}

/**
 * One row per customer, the one with the newest `updated_at`, then the later record; by year, month, day and hour of it.
 * Rows of the late lane take part: newest-wins does not depend on the order of arrival, so this equals the upsert in
 * PostgreSQL. Only partitions that gain or lose a row are written again.
 */
export async function refreshCustomers(options: SilverOptions, signal: AbortSignal): Promise<Snapshot | undefined> {
  const { store, prefix = '' } = options
  const table = createSnapshotTable({ store, table: customerSilver, prefix: prefix === '' ? '' : `${prefix}/` })
  const input: BronzeInput = { ...options, topic: customerSource.topic }

  async function work({ before, fresh }: RefreshInput): Promise<RefreshOutput> {
    await using duck = await openDuck()
    const old = before?.files ?? []
    await loadTables(duck, options.files, fresh, old, signal)
    const touched = new Set(
      (await duck.rows(`select distinct folder from touched`)).map(({ folder }) => String(folder)),
    )
    const written = await duck.writePartitions('select * from rewritten order by customer_id', 'folder')
    const files: SnapshotFile[] = old.filter((file) => !touched.has(file.partition))
    for (const { partition: folder, rows, bytes } of written) {
      files.push(await table.addFile(folder, bytes, rows, signal))
    }
    const customers = files.reduce((sum, { rows }) => sum + rows, 0)
    return { files, counts: { customers, partitionsWritten: written.length } }
  }
  return refresh(table, input, job, work, signal)
}

async function loadTables(
  duck: Duck,
  cache: LakeFiles,
  fresh: readonly CommittedFile[],
  old: readonly SnapshotFile[],
  signal: AbortSignal,
): Promise<void> {
  const arrived = parquetSql(await cache.paths(fresh, signal))
  const newest = `row_number() over (partition by customer_id order by ${updatedAt} desc, _offset desc, _partition desc) = 1`
  await duck.run(`create table newest as select *, ${partition} as folder from ${arrived} qualify ${newest}`)
  const oldPaths = await cache.paths(old, signal)
  const former = old.length === 0 ? 'select * exclude (folder) from newest where false' : `from ${parquetSql(oldPaths)}`
  await duck.run(`create view former as ${former}`)
  await duck.run(`
    create table winners as select newest.* from newest left join former using (customer_id)
    where former.customer_id is null or
      (newest.updated_at, newest._offset, newest._partition) > (former.updated_at, former._offset, former._partition);
    create table touched as
      select folder from winners union
      select ${partition} from former where customer_id in (select customer_id from winners);
    create view rewritten as
      select * from winners union all by name
      select *, ${partition} as folder from former
      where ${partition} in (select folder from touched) and customer_id not in (select customer_id from winners)`)
}
