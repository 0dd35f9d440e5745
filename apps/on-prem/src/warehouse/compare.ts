import type { Lake } from '@sluice/app-kit'
import type { Field } from '@sluice/columnar'
import { arrowSchemaOf, quoteIdentifier, quoteText, type Contract } from '@sluice/schemas'
import type { SqlSession } from '@sluice/sink-postgres'

/** Keys whose rows differ between two places, or are in one only. */
export interface TableDiff {
  readonly compared: number
  readonly missing: readonly string[]
  readonly unexpected: readonly string[]
  readonly different: readonly string[]
}

/** Where a row came from, `partition@offset`. */
export type Position = string

/** Digests of rows by key, and where each row came from. */
export interface Digests {
  readonly digests: ReadonlyMap<string, string>
  readonly positions: ReadonlyMap<string, Position>
}

export function diffDigests(expected: ReadonlyMap<string, string>, found: ReadonlyMap<string, string>): TableDiff {
  const missing: string[] = []
  const different: string[] = []
  for (const [key, digest] of expected) {
    const there = found.get(key)
    if (there === undefined) missing.push(key)
    else if (there !== digest) different.push(key)
  }
  return {
    compared: expected.size,
    missing,
    unexpected: [...found.keys()].filter((key) => !expected.has(key)),
    different,
  }
}

export function isSame({ missing, unexpected, different }: TableDiff): boolean {
  return missing.length === 0 && unexpected.length === 0 && different.length === 0
}

/** Rows of a table in the warehouse as digests by key: every column of its contract and where the row came from. */
export async function digestsOfWarehouse(
  session: SqlSession,
  target: string,
  contract: Contract,
  key: string,
): Promise<Digests> {
  const columns = columnsOf(contract).map((field) => textSql(field, quoteIdentifier(field.name), 'postgres'))
  const { rows } = await session.query(
    `SELECT ${quoteIdentifier(key)} AS key, md5(concat_ws('|', ${columns.join(', ')})) AS digest,
       _partition || '@' || _offset AS position FROM ${target}`,
  )
  return digestsOf(rows.map(({ key: name, digest, position }) => [name, digest, position]))
}

export interface LakeRows {
  readonly contract: Contract
  readonly key: string
  /** Which row of a key stands: the first in this order. `_replayed_at` is null for rows that came by the stream. */
  readonly order: string
  /** Rows that a replay of dead letters landed. */
  readonly replayed: Iterable<Position>
  /** Rows that do not take part. */
  readonly without: Iterable<Position>
}

/** The same of rows in the lake, over both lanes. */
export async function digestsOfLake(
  lake: Lake,
  { contract, key, order, replayed, without }: LakeRows,
): Promise<Digests> {
  const lanes = [contract.table, `late_${contract.table}`].filter((view) => lake.views.includes(view))
  if (lanes.length === 0) return digestsOf([])
  await lake.connection.run(`create or replace temp table replayed as ${positionsSql(replayed)}`)
  await lake.connection.run(`create or replace temp table left_out as ${positionsSql(without)}`)
  const from = copiedFrom(contract)
  const columns = columnsOf(contract).map((field) =>
    textSql(field, from.get(field.name) ?? quoteIdentifier(field.name), 'duckdb'),
  )
  const rows = lanes.map((view) => `select * from ${quoteIdentifier(view)}`).join(' union all by name ')
  const position = `_partition || '@' || _offset`
  const reader = await lake.connection.runAndReadAll(
    `with landed as (
       select *, case when ${position} in (from replayed) then _ingested_at end as _replayed_at from (${rows})
       where ${position} not in (from left_out))
     select ${quoteIdentifier(key)} as key, md5(concat_ws('|', ${columns.join(', ')})) as digest, ${position} as position from landed
     qualify row_number() over (partition by ${quoteIdentifier(key)} order by ${order}) = 1`,
  )
  return digestsOf(reader.getRows())
}

function digestsOf(rows: readonly (readonly unknown[])[]): Digests {
  return {
    digests: new Map(rows.map(([key, digest]) => [String(key), String(digest)])),
    positions: new Map(rows.map(([key, , position]) => [String(key), String(position)])),
  }
}

function positionsSql(positions: Iterable<Position>): string {
  return `select unnest([${[...positions].map(quoteText).join(', ')}]::varchar[]) as position`
}

/** Where the lake holds what steps have copied out of records. */
function copiedFrom({ derived }: Contract): Map<string, string> {
  const copies = (derived?.steps ?? []).filter((step) => step.op === 'copy')
  return new Map(copies.map(({ from, as }) => [as, from.split('.').map(quoteIdentifier).join('.')]))
}

function columnsOf(contract: Contract): Field[] {
  const position = ['_partition', '_offset'].map((name): Field => ({ name, type: { kind: 'int64' }, nullable: false }))
  return [...arrowSchemaOf(contract).fields, ...position]
}

const absent = quoteText('\u2205')

/** A value as text that both engines write alike; null apart from the empty text. */
function textSql(field: Field, value: string, dialect: 'postgres' | 'duckdb'): string {
  const { kind } = field.type
  const text = dialect === 'postgres' ? 'text' : 'varchar'
  if (kind === 'timestamp') {
    const millis = dialect === 'postgres' ? `floor(extract(epoch from ${value}) * 1000)::bigint` : `epoch_ms(${value})`
    return `coalesce((${millis})::${text}, ${absent})`
  }
  if (['float32', 'float64', 'list', 'map', 'struct', 'binary', 'fixed'].includes(kind)) {
    throw new TypeError(`column ${field.name}: a ${kind} has no text that both engines write alike`)
  }
  return `coalesce((${value})::${text}, ${absent})`
}
