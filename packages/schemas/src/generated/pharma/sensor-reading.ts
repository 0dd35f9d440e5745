// Generated from contracts/pharma/SensorReading by @sluice/schemas. Do not edit: change the contract.
import { z } from 'zod'
import type { Schema } from '@sluice/columnar'
import { freezeDeep, rowType, withRules, type Contract } from '../../generated-support.ts'

/** One value of one sensor, with the specification valid for it. */
export interface SensorReading {
  /** Sensor, SENSOR-nnn. */
  sensor_id: string
  /** Batch running on the equipment. */
  batch_id: string
  /** Equipment the sensor sits on. */
  equipment_id: string
  /** What is measured. */
  sensor_type: 'TEMPERATURE' | 'HUMIDITY' | 'PRESSURE' | 'VIBRATION'
  /** Measured value, in unit. */
  value: number
  /** Unit of value and specification. */
  unit: string
  /** Lowest value inside specification. */
  specification_min: number
  /** Highest value inside specification. */
  specification_max: number
  /** Value lies outside the specification, as judged by the sensor. */
  is_out_of_spec: boolean
  /** When it was measured, UTC. */
  reading_timestamp: bigint
}

const versions: Contract['versions'] = /* @__PURE__ */ freezeDeep([
  {
    version: 1,
    schema: {
      type: 'record',
      name: 'SensorReading',
      namespace: 'com.pharma.equipment',
      doc: 'One value of one sensor, with the specification valid for it.',
      fields: [
        { name: 'sensor_id', type: 'string', doc: 'Sensor, SENSOR-nnn.' },
        { name: 'batch_id', type: 'string', doc: 'Batch running on the equipment.' },
        { name: 'equipment_id', type: 'string', doc: 'Equipment the sensor sits on.' },
        {
          name: 'sensor_type',
          type: { type: 'enum', name: 'SensorTypeEnum', symbols: ['TEMPERATURE', 'HUMIDITY', 'PRESSURE', 'VIBRATION'] },
          doc: 'What is measured.',
        },
        { name: 'value', type: 'double', doc: 'Measured value, in unit.' },
        { name: 'unit', type: 'string', doc: 'Unit of value and specification.' },
        { name: 'specification_min', type: 'double', doc: 'Lowest value inside specification.' },
        { name: 'specification_max', type: 'double', doc: 'Highest value inside specification.' },
        {
          name: 'is_out_of_spec',
          type: 'boolean',
          doc: 'Value lies outside the specification, as judged by the sensor.',
        },
        {
          name: 'reading_timestamp',
          type: { type: 'long', logicalType: 'timestamp-millis' },
          doc: 'When it was measured, UTC.',
        },
      ],
    },
  },
])

/** Contract of pharma.SensorReading: Readings of temperature, humidity, pressure and vibration during production. */
export const sensorReadingContract: Contract = /* @__PURE__ */ freezeDeep({
  name: 'pharma.SensorReading',
  domain: 'pharma',
  event: 'SensorReading',
  description: 'Readings of temperature, humidity, pressure and vibration during production',
  topic: 'pharma.sensor_data',
  table: 'sensor_data',
  format: 'avro',
  subject: 'pharma.sensor_data-value',
  key: ['sensor_id'],
  eventTime: 'reading_timestamp',
  eventTimeUnit: 'milli',
  latenessMs: 86400000,
  tombstones: 'dead-letter',
  partitionBy: [
    { field: 'batch_id', transform: 'value', as: 'batch_id' },
    { field: 'reading_timestamp', transform: 'day', as: 'date' },
    { field: 'reading_timestamp', transform: 'hour', as: 'hour' },
  ],
  rules: [
    { name: 'sensor_id_format', field: 'sensor_id', pattern: '^SENSOR-[0-9]{3}$' },
    { name: 'batch_id_format', field: 'batch_id', pattern: '^BATCH-[0-9]{8}-[0-9]{4}$' },
    { name: 'unit_present', field: 'unit', minLength: 1 },
    { name: 'value_plausible', field: 'value', min: -1000000, max: 1000000 },
    { name: 'specification_ordered', field: 'specification_max', notBefore: 'specification_min' },
  ],
  pii: {},
  fieldIds: {
    sensor_id: 1,
    batch_id: 2,
    equipment_id: 3,
    sensor_type: 4,
    value: 5,
    unit: 6,
    specification_min: 7,
    specification_max: 8,
    is_out_of_spec: 9,
    reading_timestamp: 10,
  },
  versions,
  schema: versions[0]!.schema,
})

/** Checks types and rules of a row. */
export const sensorReadingValidator: z.ZodType<SensorReading> = /* @__PURE__ */ withRules(
  z.strictObject({
    sensor_id: rowType.text(),
    batch_id: rowType.text(),
    equipment_id: rowType.text(),
    sensor_type: z.enum(['TEMPERATURE', 'HUMIDITY', 'PRESSURE', 'VIBRATION']),
    value: rowType.double(),
    unit: rowType.text(),
    specification_min: rowType.double(),
    specification_max: rowType.double(),
    is_out_of_spec: z.boolean(),
    reading_timestamp: z.int64(),
  }),
  sensorReadingContract,
)

/** Columns with stable field ids. */
export const sensorReadingColumns: Schema = /* @__PURE__ */ freezeDeep({
  fields: [
    { name: 'sensor_id', type: { kind: 'utf8' }, nullable: false, fieldId: 1 },
    { name: 'batch_id', type: { kind: 'utf8' }, nullable: false, fieldId: 2 },
    { name: 'equipment_id', type: { kind: 'utf8' }, nullable: false, fieldId: 3 },
    {
      name: 'sensor_type',
      type: { kind: 'enum', symbols: ['TEMPERATURE', 'HUMIDITY', 'PRESSURE', 'VIBRATION'] },
      nullable: false,
      fieldId: 4,
    },
    { name: 'value', type: { kind: 'float64' }, nullable: false, fieldId: 5 },
    { name: 'unit', type: { kind: 'utf8' }, nullable: false, fieldId: 6 },
    { name: 'specification_min', type: { kind: 'float64' }, nullable: false, fieldId: 7 },
    { name: 'specification_max', type: { kind: 'float64' }, nullable: false, fieldId: 8 },
    { name: 'is_out_of_spec', type: { kind: 'boolean' }, nullable: false, fieldId: 9 },
    { name: 'reading_timestamp', type: { kind: 'timestamp', unit: 'milli', utc: true }, nullable: false, fieldId: 10 },
  ],
})

/** Table of rows and their lineage. */
export const sensorReadingPostgresDdl = `
CREATE TABLE IF NOT EXISTS "sensor_data" (
  "sensor_id" text NOT NULL,
  "batch_id" text NOT NULL,
  "equipment_id" text NOT NULL,
  "sensor_type" text NOT NULL CHECK ("sensor_type" IN ('TEMPERATURE', 'HUMIDITY', 'PRESSURE', 'VIBRATION')),
  "value" double precision NOT NULL,
  "unit" text NOT NULL,
  "specification_min" double precision NOT NULL,
  "specification_max" double precision NOT NULL,
  "is_out_of_spec" boolean NOT NULL,
  "reading_timestamp" timestamptz NOT NULL,
  "_topic" text NOT NULL,
  "_partition" integer NOT NULL,
  "_offset" bigint NOT NULL,
  "_timestamp" timestamptz,
  "_ingested_at" timestamptz NOT NULL,
  "_schema_id" integer
);
COMMENT ON TABLE "sensor_data" IS 'Readings of temperature, humidity, pressure and vibration during production';
`
