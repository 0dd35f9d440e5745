// Generated from contracts/pharma/LabResult by @sluice/schemas. Do not edit: change the contract.
import { z } from 'zod'
import type { Schema } from '@sluice/columnar'
import { freezeDeep, rowType, withRules, type Contract } from '../../generated-support.ts'

/** Result of one laboratory test of a batch. */
export interface LabResult {
  /** Identity of the test. */
  test_id: string
  /** Batch tested. */
  batch_id: string
  /** DISSOLUTION, WEIGHT_UNIFORMITY, HARDNESS or MOISTURE. */
  test_name: string
  /** Measured value, in unit. */
  test_result: number
  /** Unit of result and specification. */
  unit: string
  /** Lowest passing value. */
  specification_min: number
  /** Highest passing value. */
  specification_max: number
  /** Verdict of the analyst. */
  pass_fail: 'PASS' | 'FAIL' | 'CONDITIONAL'
  /** Analyst responsible. */
  analyst_id: string
  /** When the test ended, UTC. */
  test_timestamp: bigint
}

const versions: Contract['versions'] = /* @__PURE__ */ freezeDeep([
  {
    version: 1,
    schema: {
      type: 'record',
      name: 'LabResult',
      namespace: 'com.pharma.quality',
      doc: 'Result of one laboratory test of a batch.',
      fields: [
        { name: 'test_id', type: 'string', doc: 'Identity of the test.' },
        { name: 'batch_id', type: 'string', doc: 'Batch tested.' },
        { name: 'test_name', type: 'string', doc: 'DISSOLUTION, WEIGHT_UNIFORMITY, HARDNESS or MOISTURE.' },
        { name: 'test_result', type: 'double', doc: 'Measured value, in unit.' },
        { name: 'unit', type: 'string', doc: 'Unit of result and specification.' },
        { name: 'specification_min', type: 'double', doc: 'Lowest passing value.' },
        { name: 'specification_max', type: 'double', doc: 'Highest passing value.' },
        {
          name: 'pass_fail',
          type: { type: 'enum', name: 'TestResultEnum', symbols: ['PASS', 'FAIL', 'CONDITIONAL'] },
          doc: 'Verdict of the analyst.',
        },
        { name: 'analyst_id', type: 'string', doc: 'Analyst responsible.' },
        {
          name: 'test_timestamp',
          type: { type: 'long', logicalType: 'timestamp-millis' },
          doc: 'When the test ended, UTC.',
        },
      ],
    },
  },
])

/** Contract of pharma.LabResult: Laboratory test results per batch. */
export const labResultContract: Contract = /* @__PURE__ */ freezeDeep({
  name: 'pharma.LabResult',
  domain: 'pharma',
  event: 'LabResult',
  description: 'Laboratory test results per batch',
  topic: 'pharma.lab_results',
  table: 'lab_results',
  format: 'avro',
  subject: 'pharma.lab_results-value',
  key: ['test_id'],
  id: 'test_id',
  eventTime: 'test_timestamp',
  eventTimeUnit: 'milli',
  latenessMs: 259200000,
  tombstones: 'dead-letter',
  partitionBy: [
    { field: 'batch_id', transform: 'value', as: 'batch_id' },
    { field: 'test_timestamp', transform: 'day', as: 'date' },
    { field: 'test_timestamp', transform: 'hour', as: 'hour' },
  ],
  rules: [
    { name: 'batch_id_format', field: 'batch_id', pattern: '^BATCH-[0-9]{8}-[0-9]{4}$' },
    {
      name: 'test_name_known',
      field: 'test_name',
      oneOf: ['DISSOLUTION', 'WEIGHT_UNIFORMITY', 'HARDNESS', 'MOISTURE'],
    },
    { name: 'unit_present', field: 'unit', minLength: 1 },
    { name: 'test_result_plausible', field: 'test_result', min: -1000000, max: 1000000 },
    { name: 'specification_ordered', field: 'specification_max', notBefore: 'specification_min' },
  ],
  pii: { analyst_id: 'quasi' },
  fieldIds: {
    test_id: 1,
    batch_id: 2,
    test_name: 3,
    test_result: 4,
    unit: 5,
    specification_min: 6,
    specification_max: 7,
    pass_fail: 8,
    analyst_id: 9,
    test_timestamp: 10,
  },
  versions,
  schema: versions[0]!.schema,
})

/** Checks types and rules of a row. */
export const labResultValidator: z.ZodType<LabResult> = /* @__PURE__ */ withRules(
  z.strictObject({
    test_id: rowType.text(),
    batch_id: rowType.text(),
    test_name: rowType.text(),
    test_result: rowType.double(),
    unit: rowType.text(),
    specification_min: rowType.double(),
    specification_max: rowType.double(),
    pass_fail: z.enum(['PASS', 'FAIL', 'CONDITIONAL']),
    analyst_id: rowType.text(),
    test_timestamp: z.int64(),
  }),
  labResultContract,
)

/** Columns with stable field ids. */
export const labResultColumns: Schema = /* @__PURE__ */ freezeDeep({
  fields: [
    { name: 'test_id', type: { kind: 'utf8' }, nullable: false, fieldId: 1 },
    { name: 'batch_id', type: { kind: 'utf8' }, nullable: false, fieldId: 2 },
    { name: 'test_name', type: { kind: 'utf8' }, nullable: false, fieldId: 3 },
    { name: 'test_result', type: { kind: 'float64' }, nullable: false, fieldId: 4 },
    { name: 'unit', type: { kind: 'utf8' }, nullable: false, fieldId: 5 },
    { name: 'specification_min', type: { kind: 'float64' }, nullable: false, fieldId: 6 },
    { name: 'specification_max', type: { kind: 'float64' }, nullable: false, fieldId: 7 },
    {
      name: 'pass_fail',
      type: { kind: 'enum', symbols: ['PASS', 'FAIL', 'CONDITIONAL'] },
      nullable: false,
      fieldId: 8,
    },
    { name: 'analyst_id', type: { kind: 'utf8' }, nullable: false, fieldId: 9 },
    { name: 'test_timestamp', type: { kind: 'timestamp', unit: 'milli', utc: true }, nullable: false, fieldId: 10 },
  ],
})

/** Table of rows and their lineage. */
export const labResultPostgresDdl = `
CREATE TABLE IF NOT EXISTS "lab_results" (
  "test_id" text NOT NULL,
  "batch_id" text NOT NULL,
  "test_name" text NOT NULL,
  "test_result" double precision NOT NULL,
  "unit" text NOT NULL,
  "specification_min" double precision NOT NULL,
  "specification_max" double precision NOT NULL,
  "pass_fail" text NOT NULL CHECK ("pass_fail" IN ('PASS', 'FAIL', 'CONDITIONAL')),
  "analyst_id" text NOT NULL,
  "test_timestamp" timestamptz NOT NULL,
  "_topic" text NOT NULL,
  "_partition" integer NOT NULL,
  "_offset" bigint NOT NULL,
  "_timestamp" timestamptz,
  "_ingested_at" timestamptz NOT NULL,
  "_schema_id" integer
);
COMMENT ON TABLE "lab_results" IS 'Laboratory test results per batch';
`
