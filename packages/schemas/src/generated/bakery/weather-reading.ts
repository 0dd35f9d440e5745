// Generated from contracts/bakery/WeatherReading by @sluice/schemas. Do not edit: change the contract.
import { z } from 'zod'
import type { Schema } from '@sluice/columnar'
import { freezeDeep, rowType, withRules, type Contract } from '../../generated-support.ts'

/** Weather at a store, observed by the nearest station or forecast. */
export interface WeatherReading {
  /** Identity of this event; a re-sent event keeps it. */
  event_id: string
  /** Store the reading is for, STORE-nnn. */
  store_id: string
  /** Weather station. */
  station_id: string
  /** Time the reading is valid for, UTC. */
  observed_at: bigint
  /** True for a forecast, false for an observation. */
  is_forecast: boolean
  /** Weather in one word. */
  condition: 'CLEAR' | 'CLOUDY' | 'FOG' | 'DRIZZLE' | 'RAIN' | 'SNOW' | 'THUNDERSTORM'
  /** Air temperature, degrees Celsius. */
  temperature_c: number
  /** Apparent temperature, degrees Celsius. */
  feels_like_c: number | null
  /** Relative humidity, percent. */
  humidity_pct: number
  /** Precipitation in the last hour, mm. */
  precipitation_mm: number
  /** Wind speed, km/h. */
  wind_speed_kmh: number
  /** Direction the wind comes from, degrees from north. */
  wind_direction_deg: number | null
  /** Pressure at sea level, hPa. */
  pressure_hpa: number | null
  /** Cloud cover, percent. */
  cloud_cover_pct: number | null
}

const versions: Contract['versions'] = /* @__PURE__ */ freezeDeep([
  {
    version: 1,
    schema: {
      type: 'record',
      name: 'WeatherReading',
      namespace: 'com.bakery.weather',
      doc: 'Weather at a store, observed by the nearest station or forecast.',
      fields: [
        {
          name: 'event_id',
          type: { type: 'string', logicalType: 'uuid' },
          doc: 'Identity of this event; a re-sent event keeps it.',
        },
        { name: 'store_id', type: 'string', doc: 'Store the reading is for, STORE-nnn.' },
        { name: 'station_id', type: 'string', doc: 'Weather station.' },
        {
          name: 'observed_at',
          type: { type: 'long', logicalType: 'timestamp-millis' },
          doc: 'Time the reading is valid for, UTC.',
        },
        { name: 'is_forecast', type: 'boolean', default: false, doc: 'True for a forecast, false for an observation.' },
        {
          name: 'condition',
          type: {
            type: 'enum',
            name: 'WeatherCondition',
            symbols: ['CLEAR', 'CLOUDY', 'FOG', 'DRIZZLE', 'RAIN', 'SNOW', 'THUNDERSTORM'],
          },
          doc: 'Weather in one word.',
        },
        { name: 'temperature_c', type: 'double', doc: 'Air temperature, degrees Celsius.' },
        {
          name: 'feels_like_c',
          type: ['null', 'double'],
          default: null,
          doc: 'Apparent temperature, degrees Celsius.',
        },
        { name: 'humidity_pct', type: 'double', doc: 'Relative humidity, percent.' },
        { name: 'precipitation_mm', type: 'double', doc: 'Precipitation in the last hour, mm.' },
        { name: 'wind_speed_kmh', type: 'double', doc: 'Wind speed, km/h.' },
        {
          name: 'wind_direction_deg',
          type: ['null', 'int'],
          default: null,
          doc: 'Direction the wind comes from, degrees from north.',
        },
        { name: 'pressure_hpa', type: ['null', 'double'], default: null, doc: 'Pressure at sea level, hPa.' },
        { name: 'cloud_cover_pct', type: ['null', 'int'], default: null, doc: 'Cloud cover, percent.' },
      ],
    },
  },
])

/** Contract of bakery.WeatherReading: Hourly weather per store, for demand forecasting. */
export const weatherReadingContract: Contract = /* @__PURE__ */ freezeDeep({
  name: 'bakery.WeatherReading',
  domain: 'bakery',
  event: 'WeatherReading',
  description: 'Hourly weather per store, for demand forecasting',
  topic: 'bakery.weather_data',
  table: 'weather_data',
  format: 'avro',
  subject: 'bakery.weather_data-value',
  key: ['store_id'],
  id: 'event_id',
  eventTime: 'observed_at',
  eventTimeUnit: 'milli',
  latenessMs: 43200000,
  tombstones: 'dead-letter',
  partitionBy: [{ field: 'observed_at', transform: 'day', as: 'date' }],
  rules: [
    { name: 'store_id_format', field: 'store_id', pattern: '^STORE-[0-9]{3}$' },
    { name: 'temperature_range', field: 'temperature_c', min: -60, max: 60 },
    { name: 'feels_like_range', field: 'feels_like_c', min: -90, max: 80 },
    { name: 'humidity_range', field: 'humidity_pct', min: 0, max: 100 },
    { name: 'precipitation_range', field: 'precipitation_mm', min: 0, max: 500 },
    { name: 'wind_speed_range', field: 'wind_speed_kmh', min: 0, max: 450 },
    { name: 'wind_direction_range', field: 'wind_direction_deg', min: 0, max: 360 },
    { name: 'pressure_range', field: 'pressure_hpa', min: 850, max: 1100 },
    { name: 'cloud_cover_range', field: 'cloud_cover_pct', min: 0, max: 100 },
  ],
  pii: {},
  fieldIds: {
    event_id: 1,
    store_id: 2,
    station_id: 3,
    observed_at: 4,
    is_forecast: 5,
    condition: 6,
    temperature_c: 7,
    feels_like_c: 8,
    humidity_pct: 9,
    precipitation_mm: 10,
    wind_speed_kmh: 11,
    wind_direction_deg: 12,
    pressure_hpa: 13,
    cloud_cover_pct: 14,
  },
  versions,
  schema: versions[0]!.schema,
})

/** Checks types and rules of a row. */
export const weatherReadingValidator: z.ZodType<WeatherReading> = /* @__PURE__ */ withRules(
  z.strictObject({
    event_id: rowType.uuid(),
    store_id: rowType.text(),
    station_id: rowType.text(),
    observed_at: z.int64(),
    is_forecast: z.boolean(),
    condition: z.enum(['CLEAR', 'CLOUDY', 'FOG', 'DRIZZLE', 'RAIN', 'SNOW', 'THUNDERSTORM']),
    temperature_c: rowType.double(),
    feels_like_c: rowType.double().nullable(),
    humidity_pct: rowType.double(),
    precipitation_mm: rowType.double(),
    wind_speed_kmh: rowType.double(),
    wind_direction_deg: z.int32().nullable(),
    pressure_hpa: rowType.double().nullable(),
    cloud_cover_pct: z.int32().nullable(),
  }),
  weatherReadingContract,
)

/** Columns with stable field ids. */
export const weatherReadingColumns: Schema = /* @__PURE__ */ freezeDeep({
  fields: [
    { name: 'event_id', type: { kind: 'uuid' }, nullable: false, fieldId: 1 },
    { name: 'store_id', type: { kind: 'utf8' }, nullable: false, fieldId: 2 },
    { name: 'station_id', type: { kind: 'utf8' }, nullable: false, fieldId: 3 },
    { name: 'observed_at', type: { kind: 'timestamp', unit: 'milli', utc: true }, nullable: false, fieldId: 4 },
    { name: 'is_forecast', type: { kind: 'boolean' }, nullable: false, fieldId: 5 },
    {
      name: 'condition',
      type: { kind: 'enum', symbols: ['CLEAR', 'CLOUDY', 'FOG', 'DRIZZLE', 'RAIN', 'SNOW', 'THUNDERSTORM'] },
      nullable: false,
      fieldId: 6,
    },
    { name: 'temperature_c', type: { kind: 'float64' }, nullable: false, fieldId: 7 },
    { name: 'feels_like_c', type: { kind: 'float64' }, nullable: true, fieldId: 8 },
    { name: 'humidity_pct', type: { kind: 'float64' }, nullable: false, fieldId: 9 },
    { name: 'precipitation_mm', type: { kind: 'float64' }, nullable: false, fieldId: 10 },
    { name: 'wind_speed_kmh', type: { kind: 'float64' }, nullable: false, fieldId: 11 },
    { name: 'wind_direction_deg', type: { kind: 'int32' }, nullable: true, fieldId: 12 },
    { name: 'pressure_hpa', type: { kind: 'float64' }, nullable: true, fieldId: 13 },
    { name: 'cloud_cover_pct', type: { kind: 'int32' }, nullable: true, fieldId: 14 },
  ],
})

/** Table of rows and their lineage. */
export const weatherReadingPostgresDdl = `
CREATE TABLE IF NOT EXISTS "weather_data" (
  "event_id" uuid NOT NULL,
  "store_id" text NOT NULL,
  "station_id" text NOT NULL,
  "observed_at" timestamptz NOT NULL,
  "is_forecast" boolean NOT NULL,
  "condition" text NOT NULL CHECK ("condition" IN ('CLEAR', 'CLOUDY', 'FOG', 'DRIZZLE', 'RAIN', 'SNOW', 'THUNDERSTORM')),
  "temperature_c" double precision NOT NULL,
  "feels_like_c" double precision,
  "humidity_pct" double precision NOT NULL,
  "precipitation_mm" double precision NOT NULL,
  "wind_speed_kmh" double precision NOT NULL,
  "wind_direction_deg" integer,
  "pressure_hpa" double precision,
  "cloud_cover_pct" integer,
  "_topic" text NOT NULL,
  "_partition" integer NOT NULL,
  "_offset" bigint NOT NULL,
  "_timestamp" timestamptz,
  "_ingested_at" timestamptz NOT NULL,
  "_schema_id" integer
);
COMMENT ON TABLE "weather_data" IS 'Hourly weather per store, for demand forecasting';
`
