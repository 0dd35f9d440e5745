import type { SqlSession } from '../session/session.ts'
import { ident, qualified } from '../sql/identifiers.ts'

/** Names of the tables the sink keeps beside those of the user, quoted. */
export interface Bookkeeping {
  readonly schema: string
  readonly progress: string
  readonly deadLetters: string
  /** Flushes whose letters a consumer has handed on. */
  readonly marks: string
  /** Which topic stands behind a name (faults 27, 28). */
  readonly topics: string
  /** Who writes to a table (fault 22). */
  readonly tables: string
}

export function bookkeepingOf(schema: string): Bookkeeping {
  return {
    schema,
    progress: qualified(schema, 'ingest_progress'),
    deadLetters: qualified(schema, 'ingest_dead_letter'),
    marks: qualified(schema, 'ingest_dead_letter_mark'),
    topics: qualified(schema, 'ingest_topic'),
    tables: qualified(schema, 'ingest_table'),
  }
}

/** Statements that make the bookkeeping tables, for those who do not let the sink do it. */
export function bookkeepingDdl(schema: string): string {
  const { progress, deadLetters, marks, topics, tables } = bookkeepingOf(schema)
  return `CREATE TABLE IF NOT EXISTS ${progress} (
  sink_id text NOT NULL, cluster_id text NOT NULL, topic_id text NOT NULL, partition integer NOT NULL,
  topic text NOT NULL, first_offset bigint NOT NULL, next_offset bigint NOT NULL,
  epoch bigint NOT NULL, leader_epoch integer, owner text NOT NULL, writer text NOT NULL,
  consumed bigint NOT NULL DEFAULT 0, stored bigint NOT NULL DEFAULT 0, duplicate bigint NOT NULL DEFAULT 0,
  filtered bigint NOT NULL DEFAULT 0, dead_lettered bigint NOT NULL DEFAULT 0,
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (sink_id, cluster_id, topic_id, partition)
);
CREATE TABLE IF NOT EXISTS ${deadLetters} (
  sink_id text NOT NULL, cluster_id text NOT NULL, topic_id text NOT NULL, topic text NOT NULL, partition integer NOT NULL,
  "offset" bigint NOT NULL, flush_start bigint NOT NULL, timestamp_ms bigint, key bytea, value bytea, headers bytea, schema_id integer,
  stage text NOT NULL, code text NOT NULL, path text NOT NULL, expected text NOT NULL, attempt integer NOT NULL,
  pipeline text NOT NULL, pipeline_version text NOT NULL, first_seen timestamptz NOT NULL,
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'landed', 'discarded')), decided_at timestamptz, reason text,
  PRIMARY KEY (cluster_id, topic_id, partition, "offset", pipeline)
);
CREATE INDEX IF NOT EXISTS ingest_dead_letter_flush ON ${deadLetters} (sink_id, cluster_id, topic_id, partition, flush_start);
CREATE TABLE IF NOT EXISTS ${marks} (
  sink_id text NOT NULL, consumer text NOT NULL, flush text NOT NULL, marked_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (sink_id, consumer, flush)
);
CREATE TABLE IF NOT EXISTS ${topics} (
  sink_id text NOT NULL, topic text NOT NULL, generation integer NOT NULL, cluster_id text NOT NULL, topic_id text NOT NULL,
  accepted_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (sink_id, topic, generation)
);
CREATE TABLE IF NOT EXISTS ${tables} (
  table_name text PRIMARY KEY, sink_id text NOT NULL, owner text NOT NULL, topic text NOT NULL
)`
}

/** Makes what is missing, inside the caller's transaction; writers that start together wait for each other. */
export async function prepareBookkeeping(session: SqlSession, schema: string, ddl: 'manage' | 'verify'): Promise<void> {
  if (ddl === 'verify') return
  await session.query(`SELECT pg_advisory_xact_lock(hashtextextended('sluice bookkeeping', 0))`)
  const names = bookkeepingOf(schema)
  const found = await session.query(
    `SELECT to_regclass($1) IS NOT NULL AND to_regclass($2) IS NOT NULL AND to_regclass($3) IS NOT NULL AND to_regclass($4) IS NOT NULL AND to_regclass($5) IS NOT NULL AS found`,
    [names.progress, names.deadLetters, names.marks, names.topics, names.tables],
  )
  if (found.rows[0]?.['found'] === true) return
  if (schema !== 'public') await session.query(`CREATE SCHEMA IF NOT EXISTS ${ident(schema)}`)
  await session.query(bookkeepingDdl(schema))
}
