import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api'
import type { CommittedFile } from '@sluice/ingest-core'
import type { Contract } from '@sluice/schemas'
import { openLakeFiles } from './file-cache.ts'
import type { LakeApp } from './lake-app.ts'

/** One file of the lake that a finished flush or replay names. Files that are named nowhere do not exist for readers. */
export type LakeFile = Pick<CommittedFile, 'kind' | 'topic' | 'key' | 'rows' | 'bytes' | 'sha256'>

export interface Lake extends Disposable {
  /** The one for queries of the caller. */
  readonly connection: DuckDBConnection
  /** A second one, to write while a result of the first is still being read. */
  connect(): Promise<DuckDBConnection>
  /** Views that exist, e.g. `sales_events`, `late_sales_events`, `dead_letters`. */
  readonly views: readonly string[]
}

/** Opens the lake of an app: its files are fetched when they lie elsewhere, see `openLakeViews`. */
export async function openLake(app: LakeApp, files: readonly LakeFile[], signal: AbortSignal): Promise<Lake> {
  const store = await app.openStore(signal)
  try {
    const paths = await openLakeFiles(app, store).paths(files, signal)
    return await openLakeViews(
      app.contracts,
      files.map((file, i) => ({ ...file, path: paths[i]! })),
    )
  } finally {
    await store.close()
  }
}

/**
 * DuckDB, in memory, with one view for each table that holds files: `<table>`, `late_<table>` and `dead_letters`.
 * Partition folders (`date=...`) are columns too, except of late rows. Files are listed one by one, so a flush in progress is never seen.
 */
export async function openLakeViews(
  contracts: readonly Contract[],
  files: readonly (Pick<LakeFile, 'kind' | 'topic'> & { readonly path: string })[],
): Promise<Lake> {
  const instance = await DuckDBInstance.create(':memory:', { autoinstall_known_extensions: 'false' })
  const connection = await instance.connect()
  const views: string[] = []
  const addView = async (name: string, reader: string, members: typeof files, options: string): Promise<void> => {
    if (members.length === 0) return
    const paths = members.map(({ path }) => sqlText(path)).join(', ')
    await connection.run(`create view "${name}" as select * from ${reader}([${paths}], ${options})`)
    views.push(name)
  }
  for (const { topic, table } of contracts) {
    for (const kind of ['data', 'late'] as const) {
      const name = kind === 'data' ? table : `late_${table}`
      const members = files.filter((file) => file.kind === kind && file.topic === topic)
      // Late files may lie in folders of several kinds: by their own partitions, or by the day they came.
      await addView(name, 'read_parquet', members, `hive_partitioning = ${kind === 'data'}, union_by_name = true`)
    }
  }
  const letters = files.filter(({ kind }) => kind === 'dead')
  await addView('dead_letters', 'read_json', letters, "format = 'newline_delimited', union_by_name = true")
  return {
    connection,
    connect: () => instance.connect(),
    views,
    [Symbol.dispose]() {
      connection.closeSync()
      instance.closeSync()
    },
  }
}

/** A SQL string literal. */
function sqlText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
