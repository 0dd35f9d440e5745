import type { Field } from '@sluice/columnar'
import { arrowSchemaOf, lineageFields, postgresType } from '@sluice/schemas'
import type { Contract } from '@sluice/schemas'
import { columnNames, ident, qualified, sqlName } from '../sql/identifiers.ts'

/**
 * What a row does to the table.
 *
 * `append`: becomes a row. `insert-ignore`: becomes a row unless its key is there. `upsert`: one row per key, the newest
 * by event time, then source position. `scd2`: one row per key and event time with the interval it held for.
 */
export type WriteMode = 'append' | 'insert-ignore' | 'upsert' | 'scd2'

/** Values that a contract allows and PostgreSQL, or its users, may not want. `reject` makes a dead letter of the record. */
export interface ValuePolicy {
  /** U+0000 in text, also inside jsonb: PostgreSQL cannot hold it. `replace` writes U+FFFD. Default `reject`. */
  readonly nul?: 'reject' | 'replace'
  /** NaN and infinities in float columns. Default `keep`. */
  readonly nonFinite?: 'keep' | 'reject' | 'null'
  /** Dates and times outside of what the column can hold. Default `reject`. */
  readonly outOfRange?: 'reject' | 'null'
}

export interface PostgresTable {
  readonly contract: Contract
  readonly mode: WriteMode
  /** Table name. Default that of the contract. */
  readonly table?: string
  /** Default that of the sink. */
  readonly schema?: string
  /** Key of `insert-ignore`, `upsert` and `scd2`. Default the contract's. */
  readonly key?: readonly string[]
  /**
   * Columns that say where a row came from: `all`, `position` (`_partition`, `_offset`), or `none`, which `upsert` and
   * `scd2` cannot do with. Default `all`.
   */
  readonly lineage?: 'all' | 'position' | 'none'
  /** `scd2`: fields whose change makes a new version. Default every event is a version. */
  readonly track?: readonly string[]
  /**
   * Two events with one key and one event time: the later source `position` wins, or the greater `content`, which does
   * not depend on the order of arrival. Default `position` for `upsert`, `content` for `scd2`.
   */
  readonly ties?: 'position' | 'content'
  readonly values?: ValuePolicy
  /**
   * Copy a flush straight into the table when all its keys are new, which is several times cheaper for the server than a
   * merge. A flush that meets a key that is there leaves dead rows behind, seldom; `false` always merges. Default true.
   */
  readonly direct?: boolean
}

/** How the value of a target column comes about: encoded with the row, or the same for the whole flush. */
export type ColumnSource = 'row' | 'topic' | 'partition' | 'ingested'

export interface PlannedColumn {
  readonly field: Field
  /** Name in the catalog, and quoted. */
  readonly name: string
  readonly sql: string
  /** Type in the staging table, and in tables that the sink creates. */
  readonly pgType: string
  readonly source: ColumnSource
  /** Of the contract, not lineage. */
  readonly own: boolean
}

export interface TablePlan {
  readonly contract: Contract
  readonly mode: WriteMode
  readonly schema: string
  readonly table: string
  /** Schema and table, quoted. */
  readonly target: string
  readonly columns: readonly PlannedColumn[]
  readonly key: readonly PlannedColumn[]
  readonly eventTime: PlannedColumn
  readonly deletes: boolean
  readonly track: readonly PlannedColumn[] | undefined
  readonly ties: 'position' | 'content'
  readonly values: Required<ValuePolicy>
  readonly direct: boolean
  /** Quoted name of the table beside the target: events of `scd2`, deletions of `upsert`. */
  readonly side: { readonly name: string; readonly sql: string } | undefined
}

/** Columns that `scd2` adds. */
export const historyColumns = ['valid_from', 'valid_to', 'is_current'] as const

/** @throws TypeError for options that cannot work */
export function planTable(options: PostgresTable, defaultSchema: string): TablePlan {
  const { contract, mode } = options
  const schema = options.schema ?? defaultSchema
  const table = sqlName(options.table ?? contract.table)
  const where = `table ${schema}.${table}`
  const lineage = options.lineage ?? 'all'
  const columns = plannedColumns(contract, lineage, where, mode === 'scd2' ? historyColumns : [])
  const named = (name: string, what: string): PlannedColumn => {
    const column = columns.find((each) => each.own && each.field.name === name)
    if (column !== undefined) return column
    throw new TypeError(`${where}: ${what} names ${name}, which the contract ${contract.name} does not have`)
  }
  const key = mode === 'append' ? [] : (options.key ?? contract.key).map((name) => named(name, 'key'))
  if (mode !== 'append' && key.length === 0) throw new TypeError(`${where}: mode ${mode} needs a key`)
  const nested = key.find((column) => ['list', 'map', 'struct'].includes(column.field.type.kind))
  if (nested !== undefined) throw new TypeError(`${where}: ${nested.field.name} is nested and cannot be a key`)
  const ordered = mode === 'upsert' || mode === 'scd2'
  if (ordered && lineage === 'none') throw new TypeError(`${where}: mode ${mode} needs lineage, at least 'position'`)
  const deletes = contract.tombstones === 'delete'
  if (deletes && !ordered) throw new TypeError(`${where}: mode ${mode} cannot delete on tombstones`)
  if (options.track !== undefined && mode !== 'scd2') throw new TypeError(`${where}: track is for scd2`)
  if (options.ties !== undefined && !ordered) throw new TypeError(`${where}: ties is for upsert and scd2`)
  const track = options.track?.map((name) => named(name, 'track'))
  const side = mode === 'scd2' && (track !== undefined || deletes) ? 'events' : deletes ? 'deleted' : undefined
  const sideName = side === undefined ? undefined : sqlName(`${options.table ?? contract.table}_${side}`)
  return {
    contract,
    mode,
    schema,
    table,
    target: qualified(schema, table),
    columns,
    key,
    eventTime: named(contract.eventTime, 'eventTime'),
    deletes,
    track,
    ties: options.ties ?? (mode === 'scd2' ? 'content' : 'position'),
    values: {
      nul: options.values?.nul ?? 'reject',
      nonFinite: options.values?.nonFinite ?? 'keep',
      outOfRange: options.values?.outOfRange ?? 'reject',
    },
    direct: options.direct ?? true,
    side: sideName === undefined ? undefined : { name: sideName, sql: qualified(schema, sideName) },
  }
}

const sources: Readonly<Record<string, ColumnSource>> = {
  _topic: 'topic',
  _partition: 'partition',
  _ingested_at: 'ingested',
}

function plannedColumns(
  contract: Contract,
  lineage: 'all' | 'position' | 'none',
  where: string,
  more: readonly string[],
): PlannedColumn[] {
  const own = arrowSchemaOf(contract).fields
  const kept = lineageFields.filter(({ name }) =>
    lineage === 'none' ? false : lineage === 'all' || name === '_partition' || name === '_offset',
  )
  const fields = [...own, ...kept]
  // Staging always has these, and history columns share the table with the others.
  const names = columnNames([...fields.map((field) => field.name), ...more], where)
  return fields.map((field, i) => ({
    field,
    name: names[i]!,
    sql: ident(names[i]!),
    pgType: postgresType(field.type),
    source: i < own.length ? 'row' : (sources[field.name] ?? 'row'),
    own: i < own.length,
  }))
}
