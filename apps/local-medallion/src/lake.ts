import { join } from 'node:path'
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api'
import type { Contract } from '@sluice/schemas'

/** One file of the lake that a finished flush or replay names. Files that are named nowhere do not exist for readers. */
export interface LakeFile {
  readonly kind: 'data' | 'late' | 'dead'
  readonly topic: string
  readonly key: string
  readonly rows: number
  readonly bytes: number
}

export interface Lake extends Disposable {
  readonly connection: DuckDBConnection
  /** Views that exist, e.g. `sales_events`, `late_sales_events`, `dead_letters`. */
  readonly views: readonly string[]
}

/**
 * DuckDB, in memory, with one view for each table that holds files: `<table>`, `late_<table>` and `dead_letters`.
 * Partition folders (`date=…`) are columns too. Files are listed one by one, so a flush in progress is never seen.
 */
export async function openLake(
  root: string,
  contracts: readonly Contract[],
  files: readonly LakeFile[],
): Promise<Lake> {
  const instance = await DuckDBInstance.create(':memory:', { autoinstall_known_extensions: 'false' })
  const connection = await instance.connect()
  const views: string[] = []
  const addView = async (name: string, reader: string, members: readonly LakeFile[], options: string) => {
    if (members.length === 0) return
    const paths = members.map(({ key }) => sqlText(join(root, key))).join(', ')
    await connection.run(`create view "${name}" as select * from ${reader}([${paths}], ${options})`)
    views.push(name)
  }
  for (const { topic, table } of contracts) {
    for (const kind of ['data', 'late'] as const) {
      const name = kind === 'data' ? table : `late_${table}`
      const members = files.filter((file) => file.kind === kind && file.topic === topic)
      await addView(name, 'read_parquet', members, 'hive_partitioning = true, union_by_name = true')
    }
  }
  const letters = files.filter(({ kind }) => kind === 'dead')
  await addView('dead_letters', 'read_json', letters, "format = 'newline_delimited', union_by_name = true")
  return {
    connection,
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
