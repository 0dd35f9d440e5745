import { quoteText } from '@sluice/schemas'
import type { ReadyTable } from '../table/prepare-table.ts'
import type { PlannedColumn } from '../table/table-options.ts'

/** Rows of the flush; gone at the end of the transaction. */
export const stage = 'pg_temp.sluice_rows'
/** Keys and times of a history that a merge has to look at again. */
export const touched = 'pg_temp.sluice_touched'

/** What is the same for all rows of a flush. */
export interface FlushConstants {
  readonly topic: string
  readonly partition: number
  /** ms since epoch. */
  readonly ingestedAt: number
}

/** A statement of a merge. */
export interface MergeStatement {
  readonly sql: string
  /** Rows it writes count as changed. */
  readonly counts: boolean
}

/** Offsets `[from, to)` of the staged rows. */
export interface StageRange {
  readonly from: number
  readonly to: number
}

export function rangeSql(range: StageRange | undefined): string {
  return range === undefined ? '' : `WHERE _offset >= ${range.from} AND _offset < ${range.to}`
}

/** The value of a target column, from staged row `s`. */
export function valueSql(column: PlannedColumn, table: ReadyTable, flush: FlushConstants): string {
  switch (column.source) {
    case 'topic':
      return quoteText(flush.topic)
    case 'partition':
      return String(flush.partition)
    case 'ingested':
      return `${quoteText(new Date(flush.ingestedAt).toISOString())}::timestamptz`
    case 'row': {
      const cast = table.limits.get(column)?.cast
      return `s.${column.sql}${cast === undefined ? '' : `::${cast}`}`
    }
  }
}

/** `a.k1 = b.k1 AND a.k2 = b.k2` */
export function sameKey(key: readonly PlannedColumn[], a: string, b: string): string {
  return key.map(({ sql }) => `${a}.${sql} = ${b}.${sql}`).join(' AND ')
}

export function listSql(columns: readonly { readonly sql: string }[], alias?: string): string {
  return columns.map(({ sql }) => (alias === undefined ? sql : `${alias}.${sql}`)).join(', ')
}
