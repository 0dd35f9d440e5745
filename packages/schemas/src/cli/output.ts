/** Where a command writes, and what it ends with when that is not 0. */
export interface Output {
  readonly out: (text: string) => void
  readonly env: Readonly<Record<string, string | undefined>>
  exitCode?: number
}

/** Columns of equal width, for people. */
export function columnsText(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows) row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, cell.length)))
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, i) => cell.padEnd(widths[i]!))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('')
}

export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}
