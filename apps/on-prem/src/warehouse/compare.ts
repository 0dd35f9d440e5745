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

type Digests = ReadonlyMap<string, string>

export function diffDigests(expected: Digests, found: Digests): TableDiff {
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
    `SELECT ${quoteIdentifier(key)} AS key, md5(concat_ws('|', ${columns.join(', ')})) AS digest FROM ${target}`,
  )
  return new Map(rows.map((row) => [String(row['key']), String(row['digest'])]))
}

/** The same of rows in the lake: of those with one key the first by `order`, over both lanes. */
export async function digestsOfLake(
  lake: Lake,
  { contract, key, order }: { readonly contract: Contract; readonly key: string; readonly order: string },
): Promise<Digests> {
  const lanes = [contract.table, `late_${contract.table}`].filter((view) => lake.views.includes(view))
  if (lanes.length === 0) return new Map()
  const from = copiedFrom(contract)
  const columns = columnsOf(contract).map((field) =>
    textSql(field, from.get(field.name) ?? quoteIdentifier(field.name), 'duckdb'),
  )
  const rows = lanes.map((view) => `select * from ${quoteIdentifier(view)}`).join(' union all by name ')
  const reader = await lake.connection.runAndReadAll(
    `select ${quoteIdentifier(key)} as key, md5(concat_ws('|', ${columns.join(', ')})) as digest from (${rows}) as landed
     qualify row_number() over (partition by ${quoteIdentifier(key)} order by ${order}) = 1`,
  )
  return new Map(reader.getRows().map(([name, digest]) => [String(name), String(digest)]))
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
