// Generated from contracts/pharma/Deviation by @sluice/schemas. Do not edit: change the contract.
import { z } from 'zod'
import type { Schema } from '@sluice/columnar'
import { freezeDeep, rowType, withRules, type Contract } from '../../generated-support.ts'

/** State of a deviation after a change, with its corrective and preventive action (CAPA) when one is planned. */
export interface Deviation {
  /** Deviation, DEV-YYYYMMDD-NNNN. */
  deviation_id: string
  /** Batch affected. */
  batch_id: string
  /** Product affected. */
  product_id: string
  /** Equipment involved. */
  equipment_id: string | null
  /** Sensor whose readings opened it. */
  sensor_id: string | null
  /** Laboratory test that opened it. */
  test_id: string | null
  /** Where it belongs. */
  category: 'PROCESS' | 'EQUIPMENT' | 'ENVIRONMENT' | 'LABORATORY' | 'MATERIAL' | 'DOCUMENTATION'
  /** Risk to product quality. */
  severity: 'MINOR' | 'MAJOR' | 'CRITICAL'
  /** State after this change. */
  status: 'OPEN' | 'INVESTIGATING' | 'CAPA_IN_PROGRESS' | 'CLOSED' | 'CANCELLED'
  /** What was observed. */
  description: string
  /** Person who opened it. */
  opened_by: string
  /** When it was opened, UTC. */
  opened_at: bigint
  /** When it must be closed, UTC. */
  due_at: bigint
  /** When the investigation began, UTC. */
  investigation_started_at: bigint | null
  /** Cause found. */
  root_cause: string | null
  /** What happens to the batch. */
  batch_disposition: 'RELEASE' | 'REWORK' | 'REJECT' | null
  /** Person of quality assurance who closed it. */
  closed_by: string | null
  /** When it was closed, UTC. */
  closed_at: bigint | null
  /** Action planned against the cause. */
  capa: Capa | null
  /** When the state changed, UTC. */
  event_timestamp: bigint
}

/** Corrective and preventive action. */
export interface Capa {
  /** Action, CAPA-YYYYMMDD-NNNN. */
  capa_id: string
  /** What it is meant to do. */
  kind: 'CORRECTIVE' | 'PREVENTIVE' | 'BOTH'
  /** State of the action. */
  state: 'PLANNED' | 'IN_PROGRESS' | 'IMPLEMENTED' | 'VERIFIED' | 'INEFFECTIVE'
  /** What is done. */
  description: string
  /** Person responsible. */
  owner_id: string
  /** When it was planned, UTC. */
  planned_at: bigint
  /** When it must be in place, UTC. */
  due_at: bigint
  /** When it was in place, UTC. */
  implemented_at: bigint | null
  /** When its effect was verified, UTC. */
  verified_at: bigint | null
}

const versions: Contract['versions'] = /* @__PURE__ */ freezeDeep([
  {
    version: 1,
    schema: {
      type: 'record',
      name: 'Deviation',
      namespace: 'com.pharma.compliance',
      doc: 'State of a deviation after a change, with its corrective and preventive action (CAPA) when one is planned.',
      fields: [
        { name: 'deviation_id', type: 'string', doc: 'Deviation, DEV-YYYYMMDD-NNNN.' },
        { name: 'batch_id', type: 'string', doc: 'Batch affected.' },
        { name: 'product_id', type: 'string', doc: 'Product affected.' },
        { name: 'equipment_id', type: ['null', 'string'], default: null, doc: 'Equipment involved.' },
        { name: 'sensor_id', type: ['null', 'string'], default: null, doc: 'Sensor whose readings opened it.' },
        { name: 'test_id', type: ['null', 'string'], default: null, doc: 'Laboratory test that opened it.' },
        {
          name: 'category',
          type: {
            type: 'enum',
            name: 'DeviationCategoryEnum',
            symbols: ['PROCESS', 'EQUIPMENT', 'ENVIRONMENT', 'LABORATORY', 'MATERIAL', 'DOCUMENTATION'],
          },
          doc: 'Where it belongs.',
        },
        {
          name: 'severity',
          type: { type: 'enum', name: 'DeviationSeverityEnum', symbols: ['MINOR', 'MAJOR', 'CRITICAL'] },
          doc: 'Risk to product quality.',
        },
        {
          name: 'status',
          type: {
            type: 'enum',
            name: 'DeviationStatusEnum',
            symbols: ['OPEN', 'INVESTIGATING', 'CAPA_IN_PROGRESS', 'CLOSED', 'CANCELLED'],
          },
          doc: 'State after this change.',
        },
        { name: 'description', type: 'string', doc: 'What was observed.' },
        { name: 'opened_by', type: 'string', doc: 'Person who opened it.' },
        { name: 'opened_at', type: { type: 'long', logicalType: 'timestamp-millis' }, doc: 'When it was opened, UTC.' },
        {
          name: 'due_at',
          type: { type: 'long', logicalType: 'timestamp-millis' },
          doc: 'When it must be closed, UTC.',
        },
        {
          name: 'investigation_started_at',
          type: ['null', { type: 'long', logicalType: 'timestamp-millis' }],
          default: null,
          doc: 'When the investigation began, UTC.',
        },
        { name: 'root_cause', type: ['null', 'string'], default: null, doc: 'Cause found.' },
        {
          name: 'batch_disposition',
          type: ['null', { type: 'enum', name: 'BatchDispositionEnum', symbols: ['RELEASE', 'REWORK', 'REJECT'] }],
          default: null,
          doc: 'What happens to the batch.',
        },
        {
          name: 'closed_by',
          type: ['null', 'string'],
          default: null,
          doc: 'Person of quality assurance who closed it.',
        },
        {
          name: 'closed_at',
          type: ['null', { type: 'long', logicalType: 'timestamp-millis' }],
          default: null,
          doc: 'When it was closed, UTC.',
        },
        {
          name: 'capa',
          type: [
            'null',
            {
              type: 'record',
              name: 'Capa',
              doc: 'Corrective and preventive action.',
              fields: [
                { name: 'capa_id', type: 'string', doc: 'Action, CAPA-YYYYMMDD-NNNN.' },
                {
                  name: 'kind',
                  type: { type: 'enum', name: 'CapaKindEnum', symbols: ['CORRECTIVE', 'PREVENTIVE', 'BOTH'] },
                  doc: 'What it is meant to do.',
                },
                {
                  name: 'state',
                  type: {
                    type: 'enum',
                    name: 'CapaStateEnum',
                    symbols: ['PLANNED', 'IN_PROGRESS', 'IMPLEMENTED', 'VERIFIED', 'INEFFECTIVE'],
                  },
                  doc: 'State of the action.',
                },
                { name: 'description', type: 'string', doc: 'What is done.' },
                { name: 'owner_id', type: 'string', doc: 'Person responsible.' },
                {
                  name: 'planned_at',
                  type: { type: 'long', logicalType: 'timestamp-millis' },
                  doc: 'When it was planned, UTC.',
                },
                {
                  name: 'due_at',
                  type: { type: 'long', logicalType: 'timestamp-millis' },
                  doc: 'When it must be in place, UTC.',
                },
                {
                  name: 'implemented_at',
                  type: ['null', { type: 'long', logicalType: 'timestamp-millis' }],
                  default: null,
                  doc: 'When it was in place, UTC.',
                },
                {
                  name: 'verified_at',
                  type: ['null', { type: 'long', logicalType: 'timestamp-millis' }],
                  default: null,
                  doc: 'When its effect was verified, UTC.',
                },
              ],
            },
          ],
          default: null,
          doc: 'Action planned against the cause.',
        },
        {
          name: 'event_timestamp',
          type: { type: 'long', logicalType: 'timestamp-millis' },
          doc: 'When the state changed, UTC.',
        },
      ],
    },
  },
])

/** Contract of pharma.Deviation: Deviations from opening to closure, with CAPA state. */
export const deviationContract: Contract = /* @__PURE__ */ freezeDeep({
  name: 'pharma.Deviation',
  domain: 'pharma',
  event: 'Deviation',
  description: 'Deviations from opening to closure, with CAPA state',
  topic: 'pharma.deviations',
  table: 'deviations',
  format: 'avro',
  subject: 'pharma.deviations-value',
  key: ['deviation_id'],
  eventTime: 'event_timestamp',
  eventTimeUnit: 'milli',
  latenessMs: 259200000,
  tombstones: 'dead-letter',
  partitionBy: [
    { field: 'batch_id', transform: 'value', as: 'batch_id' },
    { field: 'event_timestamp', transform: 'day', as: 'date' },
    { field: 'event_timestamp', transform: 'hour', as: 'hour' },
  ],
  rules: [
    { name: 'deviation_id_format', field: 'deviation_id', pattern: '^DEV-[0-9]{8}-[0-9]{4}$' },
    { name: 'batch_id_format', field: 'batch_id', pattern: '^BATCH-[0-9]{8}-[0-9]{4}$' },
    { name: 'description_present', field: 'description', minLength: 1 },
    { name: 'due_after_opened', field: 'due_at', notBefore: 'opened_at' },
    { name: 'investigation_after_opened', field: 'investigation_started_at', notBefore: 'opened_at' },
    {
      name: 'investigating_has_start',
      field: 'investigation_started_at',
      required: true,
      when: { status: ['INVESTIGATING', 'CAPA_IN_PROGRESS', 'CLOSED'] },
    },
    {
      name: 'capa_in_progress_has_capa',
      field: 'capa.capa_id',
      required: true,
      when: { status: ['CAPA_IN_PROGRESS'] },
    },
    { name: 'closed_has_time', field: 'closed_at', required: true, when: { status: ['CLOSED'] } },
    { name: 'closed_has_person', field: 'closed_by', required: true, when: { status: ['CLOSED'] } },
    { name: 'closed_has_root_cause', field: 'root_cause', required: true, when: { status: ['CLOSED'] } },
    { name: 'closed_after_opened', field: 'closed_at', notBefore: 'opened_at' },
    { name: 'capa_due_after_planned', field: 'capa.due_at', notBefore: 'capa.planned_at' },
    {
      name: 'capa_implemented_has_time',
      field: 'capa.implemented_at',
      required: true,
      when: { 'capa.state': ['IMPLEMENTED', 'VERIFIED'] },
    },
    { name: 'capa_verified_has_time', field: 'capa.verified_at', required: true, when: { 'capa.state': ['VERIFIED'] } },
    { name: 'capa_verified_after_implemented', field: 'capa.verified_at', notBefore: 'capa.implemented_at' },
  ],
  pii: { opened_by: 'quasi', closed_by: 'quasi', 'capa.owner_id': 'quasi' },
  fieldIds: {
    deviation_id: 1,
    batch_id: 2,
    product_id: 3,
    equipment_id: 4,
    sensor_id: 5,
    test_id: 6,
    category: 7,
    severity: 8,
    status: 9,
    description: 10,
    opened_by: 11,
    opened_at: 12,
    due_at: 13,
    investigation_started_at: 14,
    root_cause: 15,
    batch_disposition: 16,
    closed_by: 17,
    closed_at: 18,
    capa: 19,
    event_timestamp: 20,
    'capa.capa_id': 21,
    'capa.kind': 22,
    'capa.state': 23,
    'capa.description': 24,
    'capa.owner_id': 25,
    'capa.planned_at': 26,
    'capa.due_at': 27,
    'capa.implemented_at': 28,
    'capa.verified_at': 29,
  },
  versions,
  schema: versions[0]!.schema,
})

/** Checks types and rules of a row. */
export const deviationValidator: z.ZodType<Deviation> = /* @__PURE__ */ withRules(
  z.strictObject({
    deviation_id: rowType.text(),
    batch_id: rowType.text(),
    product_id: rowType.text(),
    equipment_id: rowType.text().nullable(),
    sensor_id: rowType.text().nullable(),
    test_id: rowType.text().nullable(),
    category: z.enum(['PROCESS', 'EQUIPMENT', 'ENVIRONMENT', 'LABORATORY', 'MATERIAL', 'DOCUMENTATION']),
    severity: z.enum(['MINOR', 'MAJOR', 'CRITICAL']),
    status: z.enum(['OPEN', 'INVESTIGATING', 'CAPA_IN_PROGRESS', 'CLOSED', 'CANCELLED']),
    description: rowType.text(),
    opened_by: rowType.text(),
    opened_at: z.int64(),
    due_at: z.int64(),
    investigation_started_at: z.int64().nullable(),
    root_cause: rowType.text().nullable(),
    batch_disposition: z.enum(['RELEASE', 'REWORK', 'REJECT']).nullable(),
    closed_by: rowType.text().nullable(),
    closed_at: z.int64().nullable(),
    capa: z.nullable(
      z.strictObject({
        capa_id: rowType.text(),
        kind: z.enum(['CORRECTIVE', 'PREVENTIVE', 'BOTH']),
        state: z.enum(['PLANNED', 'IN_PROGRESS', 'IMPLEMENTED', 'VERIFIED', 'INEFFECTIVE']),
        description: rowType.text(),
        owner_id: rowType.text(),
        planned_at: z.int64(),
        due_at: z.int64(),
        implemented_at: z.int64().nullable(),
        verified_at: z.int64().nullable(),
      }),
    ),
    event_timestamp: z.int64(),
  }),
  deviationContract,
)

/** Columns with stable field ids. */
export const deviationColumns: Schema = /* @__PURE__ */ freezeDeep({
  fields: [
    { name: 'deviation_id', type: { kind: 'utf8' }, nullable: false, fieldId: 1 },
    { name: 'batch_id', type: { kind: 'utf8' }, nullable: false, fieldId: 2 },
    { name: 'product_id', type: { kind: 'utf8' }, nullable: false, fieldId: 3 },
    { name: 'equipment_id', type: { kind: 'utf8' }, nullable: true, fieldId: 4 },
    { name: 'sensor_id', type: { kind: 'utf8' }, nullable: true, fieldId: 5 },
    { name: 'test_id', type: { kind: 'utf8' }, nullable: true, fieldId: 6 },
    {
      name: 'category',
      type: {
        kind: 'enum',
        symbols: ['PROCESS', 'EQUIPMENT', 'ENVIRONMENT', 'LABORATORY', 'MATERIAL', 'DOCUMENTATION'],
      },
      nullable: false,
      fieldId: 7,
    },
    { name: 'severity', type: { kind: 'enum', symbols: ['MINOR', 'MAJOR', 'CRITICAL'] }, nullable: false, fieldId: 8 },
    {
      name: 'status',
      type: { kind: 'enum', symbols: ['OPEN', 'INVESTIGATING', 'CAPA_IN_PROGRESS', 'CLOSED', 'CANCELLED'] },
      nullable: false,
      fieldId: 9,
    },
    { name: 'description', type: { kind: 'utf8' }, nullable: false, fieldId: 10 },
    { name: 'opened_by', type: { kind: 'utf8' }, nullable: false, fieldId: 11 },
    { name: 'opened_at', type: { kind: 'timestamp', unit: 'milli', utc: true }, nullable: false, fieldId: 12 },
    { name: 'due_at', type: { kind: 'timestamp', unit: 'milli', utc: true }, nullable: false, fieldId: 13 },
    {
      name: 'investigation_started_at',
      type: { kind: 'timestamp', unit: 'milli', utc: true },
      nullable: true,
      fieldId: 14,
    },
    { name: 'root_cause', type: { kind: 'utf8' }, nullable: true, fieldId: 15 },
    {
      name: 'batch_disposition',
      type: { kind: 'enum', symbols: ['RELEASE', 'REWORK', 'REJECT'] },
      nullable: true,
      fieldId: 16,
    },
    { name: 'closed_by', type: { kind: 'utf8' }, nullable: true, fieldId: 17 },
    { name: 'closed_at', type: { kind: 'timestamp', unit: 'milli', utc: true }, nullable: true, fieldId: 18 },
    {
      name: 'capa',
      type: {
        kind: 'struct',
        fields: [
          { name: 'capa_id', type: { kind: 'utf8' }, nullable: false, fieldId: 21 },
          {
            name: 'kind',
            type: { kind: 'enum', symbols: ['CORRECTIVE', 'PREVENTIVE', 'BOTH'] },
            nullable: false,
            fieldId: 22,
          },
          {
            name: 'state',
            type: { kind: 'enum', symbols: ['PLANNED', 'IN_PROGRESS', 'IMPLEMENTED', 'VERIFIED', 'INEFFECTIVE'] },
            nullable: false,
            fieldId: 23,
          },
          { name: 'description', type: { kind: 'utf8' }, nullable: false, fieldId: 24 },
          { name: 'owner_id', type: { kind: 'utf8' }, nullable: false, fieldId: 25 },
          { name: 'planned_at', type: { kind: 'timestamp', unit: 'milli', utc: true }, nullable: false, fieldId: 26 },
          { name: 'due_at', type: { kind: 'timestamp', unit: 'milli', utc: true }, nullable: false, fieldId: 27 },
          {
            name: 'implemented_at',
            type: { kind: 'timestamp', unit: 'milli', utc: true },
            nullable: true,
            fieldId: 28,
          },
          { name: 'verified_at', type: { kind: 'timestamp', unit: 'milli', utc: true }, nullable: true, fieldId: 29 },
        ],
      },
      nullable: true,
      fieldId: 19,
    },
    { name: 'event_timestamp', type: { kind: 'timestamp', unit: 'milli', utc: true }, nullable: false, fieldId: 20 },
  ],
})

/** Table of rows and their lineage. */
export const deviationPostgresDdl = `
CREATE TABLE IF NOT EXISTS "deviations" (
  "deviation_id" text NOT NULL,
  "batch_id" text NOT NULL,
  "product_id" text NOT NULL,
  "equipment_id" text,
  "sensor_id" text,
  "test_id" text,
  "category" text NOT NULL CHECK ("category" IN ('PROCESS', 'EQUIPMENT', 'ENVIRONMENT', 'LABORATORY', 'MATERIAL', 'DOCUMENTATION')),
  "severity" text NOT NULL CHECK ("severity" IN ('MINOR', 'MAJOR', 'CRITICAL')),
  "status" text NOT NULL CHECK ("status" IN ('OPEN', 'INVESTIGATING', 'CAPA_IN_PROGRESS', 'CLOSED', 'CANCELLED')),
  "description" text NOT NULL,
  "opened_by" text NOT NULL,
  "opened_at" timestamptz NOT NULL,
  "due_at" timestamptz NOT NULL,
  "investigation_started_at" timestamptz,
  "root_cause" text,
  "batch_disposition" text CHECK ("batch_disposition" IN ('RELEASE', 'REWORK', 'REJECT')),
  "closed_by" text,
  "closed_at" timestamptz,
  "capa" jsonb,
  "event_timestamp" timestamptz NOT NULL,
  "_topic" text NOT NULL,
  "_partition" integer NOT NULL,
  "_offset" bigint NOT NULL,
  "_timestamp" timestamptz,
  "_ingested_at" timestamptz NOT NULL,
  "_schema_id" integer
);
COMMENT ON TABLE "deviations" IS 'Deviations from opening to closure, with CAPA state';
`
