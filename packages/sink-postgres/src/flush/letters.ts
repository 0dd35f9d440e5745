import { findRecords } from '@sluice/ingest-core'
import type { FoundRecord, PartitionId, Reject } from '@sluice/ingest-core'
import { readSchemaId } from '@sluice/schemas'
import type { Contract } from '@sluice/schemas'
import type { Bookkeeping } from '../progress/bookkeeping.ts'
import type { SqlSession } from '../session/session.ts'
import type { FlushBuffer, RefusedRow } from './buffer.ts'

export interface LetterContext {
  readonly tables: Bookkeeping
  readonly sinkId: string
  readonly partition: PartitionId
  /** Start of the flush that decided them. */
  readonly flushStart: number
  readonly pipeline: { readonly name: string; readonly version: string }
  /** ms since epoch. */
  readonly firstSeen: number
}

/** Text of one statement at most, so that a flush of large records does not become one huge parameter. */
const maxTextBytes = 8 * 1024 * 1024

/** Refused rows as dead letters, with the bytes of their records as they were received. */
export function rejectsOfRows(rows: readonly RefusedRow[], { origins }: FlushBuffer, contract: Contract): Reject[] {
  const offsets = new Set(rows.map((row) => row.offset))
  const records = new Map<number, FoundRecord>()
  for (const origin of origins) {
    const mine = new Set([...offsets].filter((offset) => offset >= origin.start && offset < origin.end))
    for (const [offset, record] of findRecords(origin, mine)) records.set(offset, record)
  }
  return rows.map((row) => rejectOf(row, records.get(row.offset), contract))
}

function rejectOf(row: RefusedRow, record: FoundRecord | undefined, { format }: Contract): Reject {
  const value = record?.value ?? null
  const id = value === null || format === 'json' ? -1 : readSchemaId(value, 0, value.length)
  return {
    offset: row.offset,
    timestamp: record?.timestamp ?? -1,
    key: record?.key ?? null,
    value,
    headers: record?.headers ?? null,
    schemaId: id < 0 ? null : id,
    stage: 'sink',
    code: `sqlstate_${row.state.toLowerCase()}`,
    path: row.column,
    expected: row.expected,
  }
}

/** Writes dead letters in the transaction of their flush. A letter that is there already, from an earlier decision, stays. */
export async function storeLetters(
  session: SqlSession,
  context: LetterContext,
  rejects: readonly Reject[],
): Promise<void> {
  let batch: string[] = []
  let bytes = 0
  const send = async (): Promise<void> => {
    if (batch.length > 0) await insert(session, context, `[${batch.join(',')}]`)
    batch = []
    bytes = 0
  }
  for (const reject of rejects) {
    const text = JSON.stringify(jsonOf(reject))
    batch.push(text)
    bytes += text.length
    if (bytes >= maxTextBytes) await send()
  }
  await send()
}

function jsonOf(reject: Reject): Readonly<Record<string, unknown>> {
  return {
    o: reject.offset,
    t: reject.timestamp < 0 ? null : reject.timestamp,
    k: base64(reject.key),
    v: base64(reject.value),
    h: base64(reject.headers),
    s: reject.schemaId,
    g: reject.stage,
    c: clean(reject.code),
    p: clean(reject.path),
    e: clean(reject.expected),
  }
}

function base64(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')
}

/** Paths can hold names from the record: what PostgreSQL cannot hold must not stop the flush. */
function clean(text: string): string {
  return text.replaceAll('\0', '\ufffd').toWellFormed()
}

async function insert(session: SqlSession, context: LetterContext, json: string): Promise<void> {
  const { partition, pipeline } = context
  await session.query(
    `INSERT INTO ${context.tables.deadLetters} (sink_id, cluster_id, topic_id, topic, partition, pipeline, pipeline_version, first_seen, flush_start, ` +
      `attempt, "offset", timestamp_ms, key, value, headers, schema_id, stage, code, path, expected) ` +
      `SELECT $2, $3, $4, $5, $6, $7, $8, $9::timestamptz, $10::bigint, 1, r.o, r.t, decode(r.k, 'base64'), decode(r.v, 'base64'), ` +
      `decode(r.h, 'base64'), r.s, r.g, r.c, r.p, r.e ` +
      `FROM json_to_recordset($1::json) AS r(o bigint, t bigint, k text, v text, h text, s integer, g text, c text, p text, e text) ` +
      `ON CONFLICT (cluster_id, topic_id, partition, "offset", pipeline) DO NOTHING`,
    [
      json,
      context.sinkId,
      partition.clusterId,
      partition.topicId,
      partition.topic,
      partition.partition,
      pipeline.name,
      pipeline.version,
      new Date(context.firstSeen).toISOString(),
      context.flushStart,
    ],
  )
}
