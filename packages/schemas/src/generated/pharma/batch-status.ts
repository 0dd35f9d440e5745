// Generated from contracts/pharma/BatchStatus by @sluice/schemas. Do not edit: change the contract.
import { z } from 'zod'
import type { Schema } from '@sluice/columnar'
import { freezeDeep, rowType, withRules, type Contract } from '../../generated-support.ts'

/** State of a production batch after a change. */
export interface BatchStatus {
  /** Batch, BATCH-YYYYMMDD-NNNN. */
  batch_id: string
  /** Product made, e.g. PROD-500MG. */
  product_id: string
  /** State after this change. */
  status: 'QUEUED' | 'IN_PROGRESS' | 'COMPLETED' | 'FAILED' | 'ON_HOLD'
  /** Equipment the batch runs on. */
  equipment_id: string
  /** Size, kg. */
  batch_size: number
  /** Start of production, UTC. */
  start_time: bigint
  /** End of production, UTC; null until it ended. */
  end_time: bigint | null
  /** Operator responsible. */
  operator_id: string
  /** When the state changed, UTC. */
  event_timestamp: bigint
}

const versions: Contract['versions'] = /* @__PURE__ */ freezeDeep([
  {
    version: 1,
    schema: {
      type: 'record',
      name: 'BatchStatus',
      namespace: 'com.pharma.production',
      doc: 'State of a production batch after a change.',
      fields: [
        { name: 'batch_id', type: 'string', doc: 'Batch, BATCH-YYYYMMDD-NNNN.' },
        { name: 'product_id', type: 'string', doc: 'Product made, e.g. PROD-500MG.' },
        {
          name: 'status',
          type: {
            type: 'enum',
            name: 'BatchStatusEnum',
            symbols: ['QUEUED', 'IN_PROGRESS', 'COMPLETED', 'FAILED', 'ON_HOLD'],
          },
          doc: 'State after this change.',
        },
        { name: 'equipment_id', type: 'string', doc: 'Equipment the batch runs on.' },
        { name: 'batch_size', type: 'double', doc: 'Size, kg.' },
        {
          name: 'start_time',
          type: { type: 'long', logicalType: 'timestamp-millis' },
          doc: 'Start of production, UTC.',
        },
        {
          name: 'end_time',
          type: ['null', { type: 'long', logicalType: 'timestamp-millis' }],
          default: null,
          doc: 'End of production, UTC; null until it ended.',
        },
        { name: 'operator_id', type: 'string', doc: 'Operator responsible.' },
        {
          name: 'event_timestamp',
          type: { type: 'long', logicalType: 'timestamp-millis' },
          doc: 'When the state changed, UTC.',
        },
      ],
    },
  },
])

/** Contract of pharma.BatchStatus: Production batches and their changes of state. */
export const batchStatusContract: Contract = /* @__PURE__ */ freezeDeep({
  name: 'pharma.BatchStatus',
  domain: 'pharma',
  event: 'BatchStatus',
  description: 'Production batches and their changes of state',
  topic: 'pharma.batch_status',
  table: 'batch_status',
  format: 'avro',
  subject: 'pharma.batch_status-value',
  key: ['batch_id'],
  eventTime: 'event_timestamp',
  eventTimeUnit: 'milli',
  latenessMs: 86400000,
  tombstones: 'dead-letter',
  partitionBy: [
    { field: 'batch_id', transform: 'value', as: 'batch_id' },
    { field: 'event_timestamp', transform: 'day', as: 'date' },
    { field: 'event_timestamp', transform: 'hour', as: 'hour' },
  ],
  rules: [
    { name: 'batch_id_format', field: 'batch_id', pattern: '^BATCH-[0-9]{8}-[0-9]{4}$' },
    { name: 'batch_size_positive', field: 'batch_size', exclusiveMin: 0 },
    { name: 'end_after_start', field: 'end_time', notBefore: 'start_time' },
    { name: 'completed_has_end', field: 'end_time', required: true, when: { status: ['COMPLETED'] } },
  ],
  pii: { operator_id: 'quasi' },
  fieldIds: {
    batch_id: 1,
    product_id: 2,
    status: 3,
    equipment_id: 4,
    batch_size: 5,
    start_time: 6,
    end_time: 7,
    operator_id: 8,
    event_timestamp: 9,
  },
  versions,
  schema: versions[0]!.schema,
})

/** Checks types and rules of a row. */
export const batchStatusValidator: z.ZodType<BatchStatus> = /* @__PURE__ */ withRules(
  z.strictObject({
    batch_id: rowType.text(),
    product_id: rowType.text(),
    status: z.enum(['QUEUED', 'IN_PROGRESS', 'COMPLETED', 'FAILED', 'ON_HOLD']),
    equipment_id: rowType.text(),
    batch_size: rowType.double(),
    start_time: z.int64(),
    end_time: z.int64().nullable(),
    operator_id: rowType.text(),
    event_timestamp: z.int64(),
  }),
  batchStatusContract,
)

/** Columns with stable field ids. */
export const batchStatusColumns: Schema = /* @__PURE__ */ freezeDeep({
  fields: [
    { name: 'batch_id', type: { kind: 'utf8' }, nullable: false, fieldId: 1 },
    { name: 'product_id', type: { kind: 'utf8' }, nullable: false, fieldId: 2 },
    {
      name: 'status',
      type: { kind: 'enum', symbols: ['QUEUED', 'IN_PROGRESS', 'COMPLETED', 'FAILED', 'ON_HOLD'] },
      nullable: false,
      fieldId: 3,
    },
    { name: 'equipment_id', type: { kind: 'utf8' }, nullable: false, fieldId: 4 },
    { name: 'batch_size', type: { kind: 'float64' }, nullable: false, fieldId: 5 },
    { name: 'start_time', type: { kind: 'timestamp', unit: 'milli', utc: true }, nullable: false, fieldId: 6 },
    { name: 'end_time', type: { kind: 'timestamp', unit: 'milli', utc: true }, nullable: true, fieldId: 7 },
    { name: 'operator_id', type: { kind: 'utf8' }, nullable: false, fieldId: 8 },
    { name: 'event_timestamp', type: { kind: 'timestamp', unit: 'milli', utc: true }, nullable: false, fieldId: 9 },
  ],
})

/** Table of rows and their lineage. */
export const batchStatusPostgresDdl = `
CREATE TABLE IF NOT EXISTS "batch_status" (
  "batch_id" text NOT NULL,
  "product_id" text NOT NULL,
  "status" text NOT NULL CHECK ("status" IN ('QUEUED', 'IN_PROGRESS', 'COMPLETED', 'FAILED', 'ON_HOLD')),
  "equipment_id" text NOT NULL,
  "batch_size" double precision NOT NULL,
  "start_time" timestamptz NOT NULL,
  "end_time" timestamptz,
  "operator_id" text NOT NULL,
  "event_timestamp" timestamptz NOT NULL,
  "_topic" text NOT NULL,
  "_partition" integer NOT NULL,
  "_offset" bigint NOT NULL,
  "_timestamp" timestamptz,
  "_ingested_at" timestamptz NOT NULL,
  "_schema_id" integer
);
COMMENT ON TABLE "batch_status" IS 'Production batches and their changes of state';
`
