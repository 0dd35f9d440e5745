import { letterKey } from '@sluice/ingest-core'
import type { DeadLetter, LetterSelection, LetterState, LetterStatus, RejectStage } from '@sluice/ingest-core'
import type { Bookkeeping } from '../progress/bookkeeping.ts'
import type { SqlParam, SqlSession } from '../session/session.ts'

/** Columns of a letter, as `statusOf` reads them. */
export const letterColumns =
  `cluster_id, topic_id, topic, partition, "offset"::text AS at, timestamp_ms::text AS ms, encode(key, 'base64') AS key, ` +
  `encode(value, 'base64') AS value, encode(headers, 'base64') AS headers, schema_id, stage, code, path, expected, attempt, ` +
  `pipeline, pipeline_version, (extract(epoch FROM first_seen) * 1000000)::bigint::text AS seen, state`

/** Letters of a sink in the order of topic, partition and offset, with their state. */
export async function readLetters(
  session: SqlSession,
  tables: Bookkeeping,
  sinkId: string,
  selection: LetterSelection,
): Promise<LetterStatus[]> {
  const params: SqlParam[] = [sinkId]
  const conditions = ['sink_id = $1']
  const add = (condition: (param: string) => string, value: SqlParam): void => {
    params.push(value)
    conditions.push(condition(`$${params.length}`))
  }
  if (selection.topic !== undefined) add((param) => `topic = ${param}`, selection.topic)
  if (selection.code !== undefined) add((param) => `code = ${param}`, selection.code)
  if (selection.since !== undefined) {
    add((param) => `first_seen >= ${param}::timestamptz`, new Date(selection.since).toISOString())
  }
  if (selection.keys !== undefined) {
    add((param) => `"offset" = ANY(${param}::text::bigint[])`, `{${offsetsOf(selection.keys).join(',')}}`)
  }
  // Before the first partition was opened there is no table, and so no letter.
  const there = await session.query('SELECT to_regclass($1) IS NOT NULL AS there', [tables.deadLetters])
  if (there.rows[0]!['there'] !== true) return []
  const limit =
    selection.keys === undefined && selection.limit !== undefined ? ` LIMIT ${Math.trunc(selection.limit)}` : ''
  const found = await session.query(
    `SELECT ${letterColumns} FROM ${tables.deadLetters} WHERE ${conditions.join(' AND ')} ` +
      `ORDER BY topic, cluster_id, topic_id, partition, "offset", pipeline${limit}`,
    params,
  )
  const letters = found.rows.map(statusOf)
  if (selection.keys === undefined) return letters
  const keys = new Set(selection.keys)
  return letters.filter(({ key }) => keys.has(key)).slice(0, selection.limit)
}

function offsetsOf(keys: readonly string[]): string[] {
  return keys.map((key) => key.split('/')[3] ?? '').filter((text) => /^\d{1,19}$/.test(text))
}

export function statusOf(row: Readonly<Record<string, unknown>>): LetterStatus {
  const letter: DeadLetter = {
    partition: {
      clusterId: String(row['cluster_id']),
      topicId: String(row['topic_id']),
      topic: String(row['topic']),
      partition: Number(row['partition']),
    },
    offset: Number(row['at']),
    timestamp: row['ms'] === null ? -1 : Number(row['ms']),
    key: bytesOf(row['key']),
    value: bytesOf(row['value']),
    headers: bytesOf(row['headers']),
    schemaId: row['schema_id'] === null ? null : Number(row['schema_id']),
    stage: row['stage'] as RejectStage,
    code: String(row['code']),
    path: String(row['path']),
    expected: String(row['expected']),
    attempt: Number(row['attempt']),
    pipeline: String(row['pipeline']),
    pipelineVersion: String(row['pipeline_version']),
    firstSeen: BigInt(String(row['seen'])),
  }
  return { letter, state: row['state'] as LetterState, key: letterKey(letter) }
}

function bytesOf(base64: unknown): Uint8Array | null {
  return typeof base64 === 'string' ? Uint8Array.from(Buffer.from(base64, 'base64')) : null
}

/** What becomes of a letter. */
export type Verdict =
  | { readonly state: 'landed' | 'discarded'; readonly reason: string | null }
  | {
      readonly state: 'open'
      readonly stage: string
      readonly code: string
      readonly path: string
      readonly expected: string
    }

const matches = `cluster_id = $1 AND topic_id = $2 AND partition = $3 AND "offset" = $4 AND pipeline = $5`

function identity({ partition, offset, pipeline }: DeadLetter): SqlParam[] {
  return [partition.clusterId, partition.topicId, partition.partition, offset, pipeline]
}

/** Locks letters that are still open and were tried as often as when they were read: others decided meanwhile. */
export async function lockOpen(
  session: SqlSession,
  tables: Bookkeeping,
  letters: readonly LetterStatus[],
): Promise<Set<string>> {
  const locked = new Set<string>()
  for (const { letter, key } of letters) {
    const found = await session.query(
      `SELECT 1 AS found FROM ${tables.deadLetters} WHERE ${matches} AND state = 'open' AND attempt = $6 FOR UPDATE`,
      [...identity(letter), letter.attempt],
    )
    if (found.rows.length > 0) locked.add(key)
  }
  return locked
}

export async function decideLetter(
  session: SqlSession,
  tables: Bookkeeping,
  letter: DeadLetter,
  verdict: Verdict,
): Promise<void> {
  if (verdict.state === 'open') {
    await session.query(
      `UPDATE ${tables.deadLetters} SET attempt = attempt + 1, stage = $6, code = $7, path = $8, expected = $9 WHERE ${matches}`,
      [...identity(letter), verdict.stage, verdict.code, verdict.path, verdict.expected],
    )
    return
  }
  await session.query(`UPDATE ${tables.deadLetters} SET state = $6, reason = $7, decided_at = now() WHERE ${matches}`, [
    ...identity(letter),
    verdict.state,
    verdict.reason,
  ])
}
