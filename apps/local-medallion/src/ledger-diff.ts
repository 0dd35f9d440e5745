import type { DuckDBConnection } from '@duckdb/node-api'

/** What became of one record, as found in the lake. */
export interface Outcome {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly outcome: 'stored' | 'late' | 'dead-letter'
  readonly code: string | null
  readonly rowHash: string | null
}

/** Next offset of each partition the sink has made durable; records at or above it are pending, not missing. */
export interface Reached {
  readonly topic: string
  readonly partition: number
  readonly next: number
}

export type DifferenceKind = 'missing' | 'unexpected' | 'repeated' | 'outcome' | 'code' | 'content'

export interface Difference {
  readonly kind: DifferenceKind
  readonly topic: string
  readonly count: number
  /** One place where it shows, `partition@offset`, with what was expected and found. */
  readonly example: string
}

export interface LedgerDiff {
  readonly compared: number
  /** Produced, but beyond what the sink has made durable. */
  readonly pending: number
  readonly differences: readonly Difference[]
}

const APPEND_FLUSH_ROWS = 20_000

/**
 * Compares the ledger with what the lake holds, record by record, in DuckDB (so memory stays bounded by its spilling).
 * A record must be found exactly once with the outcome, code and row hash the ledger states; a `filtered` one not at all.
 */
export async function diffLedger(
  connection: DuckDBConnection,
  ledgerFile: string,
  outcomes: AsyncIterable<Outcome>,
  reached: readonly Reached[],
): Promise<LedgerDiff> {
  await connection.run(`create or replace temp table ledger as
    select topic, "partition" as part, "offset" as pos, expect, code, rowHash as row_hash
    from read_json(${sqlText(ledgerFile)}, format = 'newline_delimited', columns = {
      topic: 'varchar', "partition": 'integer', "offset": 'bigint', expect: 'varchar', code: 'varchar', rowHash: 'varchar' })`)
  await connection.run('create or replace temp table reached (topic varchar, part integer, next bigint)')
  await connection.run(
    'create or replace temp table found (topic varchar, part integer, pos bigint, outcome varchar, code varchar, row_hash varchar)',
  )
  const next = await connection.createAppender('reached')
  for (const { topic, partition, next: end } of reached) {
    next.appendVarchar(topic)
    next.appendInteger(partition)
    next.appendBigInt(BigInt(end))
    next.endRow()
  }
  next.closeSync()
  const found = await connection.createAppender('found')
  let rows = 0
  for await (const { topic, partition, offset, outcome, code, rowHash } of outcomes) {
    found.appendVarchar(topic)
    found.appendInteger(partition)
    found.appendBigInt(BigInt(offset))
    found.appendVarchar(outcome)
    if (code === null) found.appendNull()
    else found.appendVarchar(code)
    if (rowHash === null) found.appendNull()
    else found.appendVarchar(rowHash)
    found.endRow()
    if (++rows % APPEND_FLUSH_ROWS === 0) found.flushSync()
  }
  found.closeSync()

  const totals = await connection.runAndReadAll(`
    select count(*) filter (pos < coalesce(next, 0)) as compared, count(*) filter (pos >= coalesce(next, 0)) as pending
    from ledger left join reached using (topic, part)`)
  const [compared, pending] = totals.getRows()[0]!.map(Number) as [number, number]
  const reader = await connection.runAndReadAll(DIFFERENCES)
  const differences = reader.getRows().map(([kind, topic, count, example]) => ({
    kind: kind as DifferenceKind,
    topic: String(topic),
    count: Number(count),
    example: String(example),
  }))
  return { compared, pending, differences }
}

const DIFFERENCES = `
  with
    due as (
      select ledger.* from ledger join reached using (topic, part) where pos < next and expect <> 'filtered'),
    met as (
      select topic, part, pos, count(*) as times, any_value(outcome) as outcome, any_value(code) as code,
        any_value(row_hash) as row_hash
      from found group by topic, part, pos),
    pairs as (
      select topic, part, pos, due.expect, due.code as want_code, due.row_hash as want_hash,
        met.times, met.outcome, met.code, met.row_hash
      from due full join met using (topic, part, pos)),
    judged as (
      select topic, part, pos, expect, want_code, outcome, code, case
        when times is null then 'missing'
        when expect is null then 'unexpected'
        when times > 1 then 'repeated'
        when outcome <> expect then 'outcome'
        when code is distinct from want_code then 'code'
        when row_hash is distinct from want_hash then 'content'
      end as kind
      from pairs)
  select kind, topic, count(*), arg_min(
    part || '@' || pos || ': expected ' || coalesce(expect, 'nothing') || coalesce(' ' || want_code, '') ||
    ', found ' || coalesce(outcome, 'nothing') || coalesce(' ' || code, ''), (part, pos))
  from judged where kind is not null group by kind, topic order by kind, topic`

/** A SQL string literal. */
export function sqlText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
