import { renderTable } from '@sluice/runtime'
import type { Lake } from './lake.ts'

/** Runs one query over the lake and gives its rows as a text table, values as DuckDB prints them. */
export async function queryLake(lake: Lake, query: string): Promise<string> {
  const reader = await lake.connection.runAndReadAll(query)
  const names = reader.deduplicatedColumnNames()
  const rows = reader.getRows()
  const columns = names.map((title, index) => ({
    title,
    value: (row: (typeof rows)[number]) => {
      const value = row[index]
      if (typeof value === 'number' || typeof value === 'bigint') return value
      return value === null || value === undefined ? '' : String(value)
    },
  }))
  return `${renderTable(columns, rows)}\n${rows.length} ${rows.length === 1 ? 'row' : 'rows'}\n`
}
