import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative, sep } from 'node:path'
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api'

/** DuckDB in memory with a folder for what it writes; both are gone at the end. */
export interface Duck extends AsyncDisposable {
  run(sql: string): Promise<void>
  /** Rows as objects of JavaScript values; for few and small ones. */
  rows(sql: string): Promise<Record<string, unknown>[]>
  /** Writes a query as one Parquet file per value of `partition`, a column that holds a folder such as `date=2026-01-05`. */
  writePartitions(query: string, partition: string): Promise<WrittenPartition[]>
}

export interface WrittenPartition {
  readonly partition: string
  readonly rows: number
  readonly path: string
  readonly bytes: Uint8Array
}

export function sqlText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** `read_parquet` over files named one by one; folders in their names are no columns. */
export function parquetSql(paths: readonly string[], more = ''): string {
  return `read_parquet([${paths.map(sqlText).join(', ')}], union_by_name = true, hive_partitioning = false${more})`
}

export async function openDuck(): Promise<Duck> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-silver-'))
  const instance = await DuckDBInstance.create(':memory:', { autoinstall_known_extensions: 'false' })
  const connection: DuckDBConnection = await instance.connect()
  // With more threads, or files closed early, a partition would be written in several files.
  await connection.run('set threads = 1; set partitioned_write_max_open_files = 1000000')
  let writes = 0

  const rows = async (sql: string): Promise<Record<string, unknown>[]> => {
    const reader = await connection.runAndReadAll(sql)
    return reader.getRowObjectsJS()
  }

  return {
    async run(sql) {
      await connection.run(sql)
    },
    rows,
    async writePartitions(query, partition) {
      const target = join(folder, `write-${(writes += 1)}`)
      await connection.run(
        `copy (${query}) to ${sqlText(target)} (format parquet, compression zstd, partition_by (${partition}), overwrite_or_ignore)`,
      )
      const written: WrittenPartition[] = []
      for (const path of await parquetFiles(target)) {
        const [row] = await rows(`select count(*)::double as n from ${parquetSql([path])}`)
        // `<partition column>=<value, percent-encoded>`
        const name = relative(target, path).split(sep)[0]!
        const value = decodeURIComponent(name.slice(partition.length + 1))
        written.push({ partition: value, rows: Number(row!['n']), path, bytes: await readFile(path) })
      }
      if (new Set(written.map((each) => each.partition)).size < written.length) {
        throw new TypeError('DuckDB wrote a partition in several files')
      }
      return written.sort((a, b) => (a.partition < b.partition ? -1 : 1))
    },
    async [Symbol.asyncDispose]() {
      connection.closeSync()
      instance.closeSync()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Nothing was written when the query had no rows. */
async function parquetFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
}
