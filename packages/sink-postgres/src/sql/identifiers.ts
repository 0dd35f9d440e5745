import { createHash } from 'node:crypto'
import { quoteIdentifier } from '@sluice/schemas'

const maxBytes = 63

/**
 * A name as PostgreSQL can hold it: names over 63 bytes are cut at a character and end in `_` and eight hex digits of
 * their SHA-256, instead of being cut silently by the server (RELIABILITY input 14).
 * @throws TypeError for the empty name and for NUL
 */
export function sqlName(name: string): string {
  if (name === '' || name.includes('\0')) throw new TypeError('an SQL name has at least one character and no NUL')
  if (Buffer.byteLength(name) <= maxBytes) return name
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 8)
  let cut = ''
  for (const character of name) {
    if (Buffer.byteLength(cut + character) > maxBytes - 9) break
    cut += character
  }
  return `${cut}_${hash}`
}

/** `sqlName`, quoted. */
export function ident(name: string): string {
  return quoteIdentifier(sqlName(name))
}

/** Schema and table, each quoted. */
export function qualified(schema: string, table: string): string {
  return `${ident(schema)}.${ident(table)}`
}

const systemColumns = new Set(['tableoid', 'xmin', 'cmin', 'xmax', 'cmax', 'ctid'])

/**
 * SQL names of a list of columns, checked together: none may be a system column, no two the same, also not when case is
 * ignored, as one of them would be lost by the first tool that folds case (input 13).
 * @throws TypeError naming both
 */
export function columnNames(names: readonly string[], where: string): string[] {
  const seen = new Map<string, string>()
  return names.map((name) => {
    const sql = sqlName(name)
    if (systemColumns.has(sql)) throw new TypeError(`${where}: ${name} is a system column of PostgreSQL`)
    const before = seen.get(sql.toLowerCase())
    if (before !== undefined) throw new TypeError(`${where}: the columns ${before} and ${name} have the same SQL name`)
    seen.set(sql.toLowerCase(), name)
    return sql
  })
}
