// Generated from contracts/sluice/DeadLetter by @sluice/schemas. Do not edit: change the contract.
import { z } from 'zod'
import type { Schema } from '@sluice/columnar'
import { freezeDeep, rowType, withRules, type Contract } from '../../generated-support.ts'

/** A record that could not become a row, kept as received, and why. */
export interface DeadLetter {
  /** Kafka cluster id, or the id of the log folder. */
  cluster_id: string
  /** Topic id; unlike the name it is never used twice. */
  topic_id: string
  /** Topic name. */
  topic: string
  /** Partition. */
  partition: number
  /** Offset. */
  offset: bigint
  /** Timestamp of the record; null when it had none. */
  timestamp: bigint | null
  /** Key as received. */
  key: Uint8Array | null
  /** Value as received; null for a tombstone. */
  value: Uint8Array | null
  /** Encoded Kafka header section as received. */
  headers: Uint8Array | null
  /** Schema id of the envelope, when it could be read. */
  schema_id: number | null
  /** Step that refused it. */
  stage: 'envelope' | 'schema' | 'decode' | 'rule' | 'sink'
  /** Stable code of the reason. */
  code: string
  /** Field concerned; empty for the whole record. */
  path: string
  /** What was expected there; never contents of the record. */
  expected: string
  /** How often it was tried, from 1. */
  attempt: number
  /** Pipeline that refused it. */
  pipeline: string
  /** Version of that pipeline. */
  pipeline_version: string
  /** When it was first refused, UTC. */
  first_seen: bigint
}

const versions: Contract['versions'] = /* @__PURE__ */ freezeDeep([
  {
    version: 1,
    schema: {
      type: 'record',
      name: 'DeadLetter',
      namespace: 'com.sluice',
      doc: 'A record that could not become a row, kept as received, and why.',
      fields: [
        { name: 'cluster_id', type: 'string', doc: 'Kafka cluster id, or the id of the log folder.' },
        { name: 'topic_id', type: 'string', doc: 'Topic id; unlike the name it is never used twice.' },
        { name: 'topic', type: 'string', doc: 'Topic name.' },
        { name: 'partition', type: 'int', doc: 'Partition.' },
        { name: 'offset', type: 'long', doc: 'Offset.' },
        {
          name: 'timestamp',
          type: ['null', { type: 'long', logicalType: 'timestamp-millis' }],
          default: null,
          doc: 'Timestamp of the record; null when it had none.',
        },
        { name: 'key', type: ['null', 'bytes'], default: null, doc: 'Key as received.' },
        { name: 'value', type: ['null', 'bytes'], default: null, doc: 'Value as received; null for a tombstone.' },
        { name: 'headers', type: ['null', 'bytes'], default: null, doc: 'Encoded Kafka header section as received.' },
        {
          name: 'schema_id',
          type: ['null', 'int'],
          default: null,
          doc: 'Schema id of the envelope, when it could be read.',
        },
        {
          name: 'stage',
          type: { type: 'enum', name: 'RejectStage', symbols: ['envelope', 'schema', 'decode', 'rule', 'sink'] },
          doc: 'Step that refused it.',
        },
        { name: 'code', type: 'string', doc: 'Stable code of the reason.' },
        { name: 'path', type: 'string', doc: 'Field concerned; empty for the whole record.' },
        { name: 'expected', type: 'string', doc: 'What was expected there; never contents of the record.' },
        { name: 'attempt', type: 'int', doc: 'How often it was tried, from 1.' },
        { name: 'pipeline', type: 'string', doc: 'Pipeline that refused it.' },
        { name: 'pipeline_version', type: 'string', doc: 'Version of that pipeline.' },
        {
          name: 'first_seen',
          type: { type: 'long', logicalType: 'timestamp-micros' },
          doc: 'When it was first refused, UTC.',
        },
      ],
    },
  },
])

/** Contract of sluice.DeadLetter: Records that could not become rows, as received, with stage, code, path and expectation. */
export const deadLetterContract: Contract = /* @__PURE__ */ freezeDeep({
  name: 'sluice.DeadLetter',
  domain: 'sluice',
  event: 'DeadLetter',
  description: 'Records that could not become rows, as received, with stage, code, path and expectation',
  topic: 'sluice.dead_letters',
  table: 'dead_letters',
  format: 'avro',
  subject: 'sluice.dead_letters-value',
  key: ['cluster_id', 'topic_id', 'partition', 'offset', 'pipeline'],
  eventTime: 'first_seen',
  eventTimeUnit: 'micro',
  latenessMs: 3153600000000,
  tombstones: 'skip',
  partitionBy: [
    { field: 'topic', transform: 'value', as: 'topic' },
    { field: 'first_seen', transform: 'day', as: 'date' },
  ],
  rules: [
    { name: 'partition_not_negative', field: 'partition', min: 0 },
    { name: 'offset_not_negative', field: 'offset', min: 0 },
    { name: 'code_format', field: 'code', pattern: '^[a-z][a-z0-9_]*$' },
    { name: 'attempt_positive', field: 'attempt', min: 1 },
    { name: 'pipeline_present', field: 'pipeline', minLength: 1 },
  ],
  pii: { key: 'sensitive', value: 'sensitive', headers: 'sensitive' },
  fieldIds: {
    cluster_id: 1,
    topic_id: 2,
    topic: 3,
    partition: 4,
    offset: 5,
    timestamp: 6,
    key: 7,
    value: 8,
    headers: 9,
    schema_id: 10,
    stage: 11,
    code: 12,
    path: 13,
    expected: 14,
    attempt: 15,
    pipeline: 16,
    pipeline_version: 17,
    first_seen: 18,
  },
  versions,
  schema: versions[0]!.schema,
})

/** Checks types and rules of a row. */
export const deadLetterValidator: z.ZodType<DeadLetter> = /* @__PURE__ */ withRules(
  z.strictObject({
    cluster_id: rowType.text(),
    topic_id: rowType.text(),
    topic: rowType.text(),
    partition: z.int32(),
    offset: z.int64(),
    timestamp: z.int64().nullable(),
    key: rowType.bytes().nullable(),
    value: rowType.bytes().nullable(),
    headers: rowType.bytes().nullable(),
    schema_id: z.int32().nullable(),
    stage: z.enum(['envelope', 'schema', 'decode', 'rule', 'sink']),
    code: rowType.text(),
    path: rowType.text(),
    expected: rowType.text(),
    attempt: z.int32(),
    pipeline: rowType.text(),
    pipeline_version: rowType.text(),
    first_seen: z.int64(),
  }),
  deadLetterContract,
)

/** Columns with stable field ids. */
export const deadLetterColumns: Schema = /* @__PURE__ */ freezeDeep({
  fields: [
    { name: 'cluster_id', type: { kind: 'utf8' }, nullable: false, fieldId: 1 },
    { name: 'topic_id', type: { kind: 'utf8' }, nullable: false, fieldId: 2 },
    { name: 'topic', type: { kind: 'utf8' }, nullable: false, fieldId: 3 },
    { name: 'partition', type: { kind: 'int32' }, nullable: false, fieldId: 4 },
    { name: 'offset', type: { kind: 'int64' }, nullable: false, fieldId: 5 },
    { name: 'timestamp', type: { kind: 'timestamp', unit: 'milli', utc: true }, nullable: true, fieldId: 6 },
    { name: 'key', type: { kind: 'binary' }, nullable: true, fieldId: 7 },
    { name: 'value', type: { kind: 'binary' }, nullable: true, fieldId: 8 },
    { name: 'headers', type: { kind: 'binary' }, nullable: true, fieldId: 9 },
    { name: 'schema_id', type: { kind: 'int32' }, nullable: true, fieldId: 10 },
    {
      name: 'stage',
      type: { kind: 'enum', symbols: ['envelope', 'schema', 'decode', 'rule', 'sink'] },
      nullable: false,
      fieldId: 11,
    },
    { name: 'code', type: { kind: 'utf8' }, nullable: false, fieldId: 12 },
    { name: 'path', type: { kind: 'utf8' }, nullable: false, fieldId: 13 },
    { name: 'expected', type: { kind: 'utf8' }, nullable: false, fieldId: 14 },
    { name: 'attempt', type: { kind: 'int32' }, nullable: false, fieldId: 15 },
    { name: 'pipeline', type: { kind: 'utf8' }, nullable: false, fieldId: 16 },
    { name: 'pipeline_version', type: { kind: 'utf8' }, nullable: false, fieldId: 17 },
    { name: 'first_seen', type: { kind: 'timestamp', unit: 'micro', utc: true }, nullable: false, fieldId: 18 },
  ],
})

/** Table of rows and their lineage. */
export const deadLetterPostgresDdl = `
CREATE TABLE IF NOT EXISTS "dead_letters" (
  "cluster_id" text NOT NULL,
  "topic_id" text NOT NULL,
  "topic" text NOT NULL,
  "partition" integer NOT NULL,
  "offset" bigint NOT NULL,
  "timestamp" timestamptz,
  "key" bytea,
  "value" bytea,
  "headers" bytea,
  "schema_id" integer,
  "stage" text NOT NULL CHECK ("stage" IN ('envelope', 'schema', 'decode', 'rule', 'sink')),
  "code" text NOT NULL,
  "path" text NOT NULL,
  "expected" text NOT NULL,
  "attempt" integer NOT NULL,
  "pipeline" text NOT NULL,
  "pipeline_version" text NOT NULL,
  "first_seen" timestamptz NOT NULL,
  "_topic" text NOT NULL,
  "_partition" integer NOT NULL,
  "_offset" bigint NOT NULL,
  "_timestamp" timestamptz,
  "_ingested_at" timestamptz NOT NULL,
  "_schema_id" integer
);
COMMENT ON TABLE "dead_letters" IS 'Records that could not become rows, as received, with stage, code, path and expectation';
`
