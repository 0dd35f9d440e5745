import Table from 'cli-table3'

export interface TableColumn<Row> {
  readonly title: string
  readonly value: (row: Row) => string | number | bigint
  readonly align?: 'left' | 'right'
}

/** Rows as a text table with thin rules; numbers get digit groups and stand to the right. */
export function renderTable<Row>(columns: readonly TableColumn<Row>[], rows: readonly Row[]): string {
  const numeric = columns.map(
    (column) => column.align ?? (rows.some((row) => typeof column.value(row) === 'string') ? 'left' : 'right'),
  )
  const table = new Table({
    head: columns.map((column) => column.title),
    colAligns: numeric,
    style: { head: [], border: [], compact: true },
  })
  for (const row of rows) table.push(columns.map((column) => cell(column.value(row))))
  return table.toString()
}

function cell(value: string | number | bigint): string {
  return typeof value === 'string' ? escapeControls(value) : value.toLocaleString('en-US')
}

/** Terminal escapes in data must not reach the terminal (input 33). */
function escapeControls(text: string): string {
  return text.replace(/\p{Cc}/gu, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** `1536` -> `1.5 KiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`
}
