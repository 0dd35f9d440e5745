// Generated from contracts/bakery/EquipmentMetric by @sluice/schemas. Do not edit: change the contract.
import { z } from 'zod'
import type { Schema } from '@sluice/columnar'
import { freezeDeep, rowType, withRules, type Contract } from '../../generated-support.ts'

/** Measurements of one machine at one moment. */
export interface EquipmentMetric {
  /** Identity of this event; a re-sent event keeps it. */
  event_id: string
  /** Machine, EQUIP-nnnn. */
  equipment_id: string
  /** Store it stands in, STORE-nnn. */
  store_id: string
  /** Kind of machine. */
  equipment_type: 'OVEN' | 'MIXER' | 'PROOFER' | 'SHEETER' | 'FRIDGE' | 'FREEZER'
  /** State at the moment of measuring. */
  status: 'RUNNING' | 'IDLE' | 'HEATING' | 'MAINTENANCE' | 'FAULT' | 'OFF'
  /** Chamber temperature, degrees Celsius. */
  temperature_c: number | null
  /** Chamber humidity, percent. */
  humidity_pct: number | null
  /** Vibration velocity, RMS, mm/s. */
  vibration_mm_s: number | null
  /** Power drawn, kW. */
  power_kw: number
  /** Door state of ovens and cold rooms. */
  door_open: boolean | null
  /** Seconds in operation since installation. */
  run_seconds: bigint
  /** Baking, mixing or cooling cycles since installation. */
  cycle_count: bigint
  /** Active error codes. */
  error_codes: string[]
  /** Further sensors of the maker, by their name. */
  extra_readings: Record<string, number>
  /** Firmware that measured. */
  firmware_version: string
  /** When it was measured, UTC. */
  measured_at: bigint
}

const versions: Contract['versions'] = /* @__PURE__ */ freezeDeep([
  {
    version: 1,
    schema: {
      type: 'record',
      name: 'EquipmentMetric',
      namespace: 'com.bakery.equipment',
      doc: 'Measurements of one machine at one moment.',
      fields: [
        {
          name: 'event_id',
          type: { type: 'string', logicalType: 'uuid' },
          doc: 'Identity of this event; a re-sent event keeps it.',
        },
        { name: 'equipment_id', type: 'string', doc: 'Machine, EQUIP-nnnn.' },
        { name: 'store_id', type: 'string', doc: 'Store it stands in, STORE-nnn.' },
        {
          name: 'equipment_type',
          type: {
            type: 'enum',
            name: 'EquipmentType',
            symbols: ['OVEN', 'MIXER', 'PROOFER', 'SHEETER', 'FRIDGE', 'FREEZER'],
          },
          doc: 'Kind of machine.',
        },
        {
          name: 'status',
          type: {
            type: 'enum',
            name: 'EquipmentStatus',
            symbols: ['RUNNING', 'IDLE', 'HEATING', 'MAINTENANCE', 'FAULT', 'OFF'],
          },
          doc: 'State at the moment of measuring.',
        },
        {
          name: 'temperature_c',
          type: ['null', 'double'],
          default: null,
          doc: 'Chamber temperature, degrees Celsius.',
        },
        { name: 'humidity_pct', type: ['null', 'double'], default: null, doc: 'Chamber humidity, percent.' },
        { name: 'vibration_mm_s', type: ['null', 'double'], default: null, doc: 'Vibration velocity, RMS, mm/s.' },
        { name: 'power_kw', type: 'double', doc: 'Power drawn, kW.' },
        { name: 'door_open', type: ['null', 'boolean'], default: null, doc: 'Door state of ovens and cold rooms.' },
        { name: 'run_seconds', type: 'long', doc: 'Seconds in operation since installation.' },
        { name: 'cycle_count', type: 'long', doc: 'Baking, mixing or cooling cycles since installation.' },
        { name: 'error_codes', type: { type: 'array', items: 'string' }, default: [], doc: 'Active error codes.' },
        {
          name: 'extra_readings',
          type: { type: 'map', values: 'double' },
          default: {},
          doc: 'Further sensors of the maker, by their name.',
        },
        { name: 'firmware_version', type: 'string', doc: 'Firmware that measured.' },
        {
          name: 'measured_at',
          type: { type: 'long', logicalType: 'timestamp-micros' },
          doc: 'When it was measured, UTC.',
        },
      ],
    },
  },
])

/** Contract of bakery.EquipmentMetric: Machine measurements, for equipment performance and maintenance prediction. */
export const equipmentMetricContract: Contract = /* @__PURE__ */ freezeDeep({
  name: 'bakery.EquipmentMetric',
  domain: 'bakery',
  event: 'EquipmentMetric',
  description: 'Machine measurements, for equipment performance and maintenance prediction',
  topic: 'bakery.equipment_metrics',
  table: 'equipment_metrics',
  format: 'avro',
  subject: 'bakery.equipment_metrics-value',
  key: ['equipment_id'],
  id: 'event_id',
  eventTime: 'measured_at',
  eventTimeUnit: 'micro',
  latenessMs: 21600000,
  tombstones: 'dead-letter',
  partitionBy: [{ field: 'measured_at', transform: 'day', as: 'date' }],
  rules: [
    { name: 'store_id_format', field: 'store_id', pattern: '^STORE-[0-9]{3}$' },
    { name: 'equipment_id_format', field: 'equipment_id', pattern: '^EQUIP-[0-9]{4}$' },
    { name: 'temperature_range', field: 'temperature_c', min: -60, max: 500 },
    { name: 'humidity_range', field: 'humidity_pct', min: 0, max: 100 },
    { name: 'vibration_range', field: 'vibration_mm_s', min: 0, max: 100 },
    { name: 'power_range', field: 'power_kw', min: 0, max: 200 },
    { name: 'run_seconds_not_negative', field: 'run_seconds', min: 0 },
    { name: 'cycle_count_not_negative', field: 'cycle_count', min: 0 },
    { name: 'fault_has_error_code', field: 'error_codes', minLength: 1, when: { status: ['FAULT'] } },
  ],
  pii: {},
  fieldIds: {
    event_id: 1,
    equipment_id: 2,
    store_id: 3,
    equipment_type: 4,
    status: 5,
    temperature_c: 6,
    humidity_pct: 7,
    vibration_mm_s: 8,
    power_kw: 9,
    door_open: 10,
    run_seconds: 11,
    cycle_count: 12,
    error_codes: 13,
    extra_readings: 14,
    firmware_version: 15,
    measured_at: 16,
    'error_codes.element': 17,
    'extra_readings.key': 18,
    'extra_readings.value': 19,
  },
  versions,
  schema: versions[0]!.schema,
})

/** Checks types and rules of a row. */
export const equipmentMetricValidator: z.ZodType<EquipmentMetric> = /* @__PURE__ */ withRules(
  z.strictObject({
    event_id: rowType.uuid(),
    equipment_id: rowType.text(),
    store_id: rowType.text(),
    equipment_type: z.enum(['OVEN', 'MIXER', 'PROOFER', 'SHEETER', 'FRIDGE', 'FREEZER']),
    status: z.enum(['RUNNING', 'IDLE', 'HEATING', 'MAINTENANCE', 'FAULT', 'OFF']),
    temperature_c: rowType.double().nullable(),
    humidity_pct: rowType.double().nullable(),
    vibration_mm_s: rowType.double().nullable(),
    power_kw: rowType.double(),
    door_open: z.boolean().nullable(),
    run_seconds: z.int64(),
    cycle_count: z.int64(),
    error_codes: z.array(rowType.text()),
    extra_readings: rowType.map(rowType.double()),
    firmware_version: rowType.text(),
    measured_at: z.int64(),
  }),
  equipmentMetricContract,
)

/** Columns with stable field ids. */
export const equipmentMetricColumns: Schema = /* @__PURE__ */ freezeDeep({
  fields: [
    { name: 'event_id', type: { kind: 'uuid' }, nullable: false, fieldId: 1 },
    { name: 'equipment_id', type: { kind: 'utf8' }, nullable: false, fieldId: 2 },
    { name: 'store_id', type: { kind: 'utf8' }, nullable: false, fieldId: 3 },
    {
      name: 'equipment_type',
      type: { kind: 'enum', symbols: ['OVEN', 'MIXER', 'PROOFER', 'SHEETER', 'FRIDGE', 'FREEZER'] },
      nullable: false,
      fieldId: 4,
    },
    {
      name: 'status',
      type: { kind: 'enum', symbols: ['RUNNING', 'IDLE', 'HEATING', 'MAINTENANCE', 'FAULT', 'OFF'] },
      nullable: false,
      fieldId: 5,
    },
    { name: 'temperature_c', type: { kind: 'float64' }, nullable: true, fieldId: 6 },
    { name: 'humidity_pct', type: { kind: 'float64' }, nullable: true, fieldId: 7 },
    { name: 'vibration_mm_s', type: { kind: 'float64' }, nullable: true, fieldId: 8 },
    { name: 'power_kw', type: { kind: 'float64' }, nullable: false, fieldId: 9 },
    { name: 'door_open', type: { kind: 'boolean' }, nullable: true, fieldId: 10 },
    { name: 'run_seconds', type: { kind: 'int64' }, nullable: false, fieldId: 11 },
    { name: 'cycle_count', type: { kind: 'int64' }, nullable: false, fieldId: 12 },
    {
      name: 'error_codes',
      type: { kind: 'list', item: { name: 'element', type: { kind: 'utf8' }, nullable: false, fieldId: 17 } },
      nullable: false,
      fieldId: 13,
    },
    {
      name: 'extra_readings',
      type: {
        kind: 'map',
        value: { name: 'value', type: { kind: 'float64' }, nullable: false, fieldId: 19 },
        keyFieldId: 18,
      },
      nullable: false,
      fieldId: 14,
    },
    { name: 'firmware_version', type: { kind: 'utf8' }, nullable: false, fieldId: 15 },
    { name: 'measured_at', type: { kind: 'timestamp', unit: 'micro', utc: true }, nullable: false, fieldId: 16 },
  ],
})

/** Table of rows and their lineage. */
export const equipmentMetricPostgresDdl = `
CREATE TABLE IF NOT EXISTS "equipment_metrics" (
  "event_id" uuid NOT NULL,
  "equipment_id" text NOT NULL,
  "store_id" text NOT NULL,
  "equipment_type" text NOT NULL CHECK ("equipment_type" IN ('OVEN', 'MIXER', 'PROOFER', 'SHEETER', 'FRIDGE', 'FREEZER')),
  "status" text NOT NULL CHECK ("status" IN ('RUNNING', 'IDLE', 'HEATING', 'MAINTENANCE', 'FAULT', 'OFF')),
  "temperature_c" double precision,
  "humidity_pct" double precision,
  "vibration_mm_s" double precision,
  "power_kw" double precision NOT NULL,
  "door_open" boolean,
  "run_seconds" bigint NOT NULL,
  "cycle_count" bigint NOT NULL,
  "error_codes" jsonb NOT NULL,
  "extra_readings" jsonb NOT NULL,
  "firmware_version" text NOT NULL,
  "measured_at" timestamptz NOT NULL,
  "_topic" text NOT NULL,
  "_partition" integer NOT NULL,
  "_offset" bigint NOT NULL,
  "_timestamp" timestamptz,
  "_ingested_at" timestamptz NOT NULL,
  "_schema_id" integer
);
COMMENT ON TABLE "equipment_metrics" IS 'Machine measurements, for equipment performance and maintenance prediction';
`
