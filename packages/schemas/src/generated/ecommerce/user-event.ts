// Generated from contracts/ecommerce/UserEvent by @sluice/schemas. Do not edit: change the contract.
import { z } from 'zod'
import type { Schema } from '@sluice/columnar'
import { freezeDeep, rowType, withRules, type Contract } from '../../generated-support.ts'

/** Something a shop user did. */
export interface UserEvent {
  /** Identity of this event; a re-sent event keeps it. */
  event_id: string
  /** User, user_nnnn. */
  user_id: string
  /** What the user did. */
  event_type: 'PAGE_VIEW' | 'ADD_TO_CART' | 'REMOVE_FROM_CART' | 'PURCHASE' | 'SEARCH'
  /** When it happened, milliseconds since epoch, UTC. */
  timestamp: bigint
  /** Session the event belongs to. */
  session_id: string
  /** Product concerned; null for a search. */
  product_id: string | null
  /** Name of the product. */
  product_name: string | null
  /** Price of one piece, INR. */
  price: number | null
  /** Category of the product. */
  category: string | null
  /** Kind of device. */
  device_type: 'MOBILE' | 'DESKTOP' | 'TABLET' | null
  /** Country of the user. */
  country: string | null
}

const versions: Contract['versions'] = /* @__PURE__ */ freezeDeep([
  {
    version: 1,
    schema: {
      type: 'record',
      name: 'UserEvent',
      namespace: 'com.ecommerce.events',
      doc: 'Something a shop user did.',
      fields: [
        { name: 'event_id', type: 'string', doc: 'Identity of this event; a re-sent event keeps it.' },
        { name: 'user_id', type: 'string', doc: 'User, user_nnnn.' },
        {
          name: 'event_type',
          type: {
            type: 'enum',
            name: 'EventType',
            symbols: ['PAGE_VIEW', 'ADD_TO_CART', 'REMOVE_FROM_CART', 'PURCHASE', 'SEARCH'],
          },
          doc: 'What the user did.',
        },
        { name: 'timestamp', type: 'long', doc: 'When it happened, milliseconds since epoch, UTC.' },
        { name: 'session_id', type: 'string', doc: 'Session the event belongs to.' },
      ],
    },
  },
  {
    version: 2,
    schema: {
      type: 'record',
      name: 'UserEvent',
      namespace: 'com.ecommerce.events',
      doc: 'Something a shop user did.',
      fields: [
        { name: 'event_id', type: 'string', doc: 'Identity of this event; a re-sent event keeps it.' },
        { name: 'user_id', type: 'string', doc: 'User, user_nnnn.' },
        {
          name: 'event_type',
          type: {
            type: 'enum',
            name: 'EventType',
            symbols: ['PAGE_VIEW', 'ADD_TO_CART', 'REMOVE_FROM_CART', 'PURCHASE', 'SEARCH'],
          },
          doc: 'What the user did.',
        },
        { name: 'timestamp', type: 'long', doc: 'When it happened, milliseconds since epoch, UTC.' },
        { name: 'session_id', type: 'string', doc: 'Session the event belongs to.' },
        { name: 'product_id', type: ['null', 'string'], default: null, doc: 'Product concerned; null for a search.' },
        { name: 'product_name', type: ['null', 'string'], default: null, doc: 'Name of the product.' },
        { name: 'price', type: ['null', 'double'], default: null, doc: 'Price of one piece, INR.' },
        { name: 'category', type: ['null', 'string'], default: null, doc: 'Category of the product.' },
        {
          name: 'device_type',
          type: ['null', { type: 'enum', name: 'DeviceType', symbols: ['MOBILE', 'DESKTOP', 'TABLET'] }],
          default: null,
          doc: 'Kind of device.',
        },
        { name: 'country', type: ['null', 'string'], default: null, doc: 'Country of the user.' },
      ],
    },
  },
])

/** Contract of ecommerce.UserEvent: Actions of shop users; version 2 adds product, device and country. */
export const userEventContract: Contract = /* @__PURE__ */ freezeDeep({
  name: 'ecommerce.UserEvent',
  domain: 'ecommerce',
  event: 'UserEvent',
  description: 'Actions of shop users; version 2 adds product, device and country',
  topic: 'ecommerce-events',
  table: 'user_events',
  format: 'avro',
  subject: 'ecommerce-events-value',
  key: ['user_id'],
  id: 'event_id',
  eventTime: 'timestamp',
  eventTimeUnit: 'milli',
  latenessMs: 600000,
  tombstones: 'dead-letter',
  partitionBy: [
    { field: 'timestamp', transform: 'day', as: 'event_date' },
    { field: 'timestamp', transform: 'hour', as: 'event_hour' },
  ],
  rules: [
    { name: 'event_id_present', field: 'event_id', minLength: 1 },
    { name: 'user_id_present', field: 'user_id', minLength: 1 },
    { name: 'session_id_present', field: 'session_id', minLength: 1 },
    { name: 'timestamp_positive', field: 'timestamp', exclusiveMin: 0 },
    { name: 'price_not_negative', field: 'price', min: 0 },
    { name: 'country_known', field: 'country', oneOf: ['IN', 'US', 'UK', 'DE', 'CA', 'AU'] },
  ],
  pii: { user_id: 'quasi', session_id: 'quasi', country: 'quasi' },
  fieldIds: {
    event_id: 1,
    user_id: 2,
    event_type: 3,
    timestamp: 4,
    session_id: 5,
    product_id: 6,
    product_name: 7,
    price: 8,
    category: 9,
    device_type: 10,
    country: 11,
  },
  versions,
  schema: versions[1]!.schema,
})

/** Checks types and rules of a row. */
export const userEventValidator: z.ZodType<UserEvent> = /* @__PURE__ */ withRules(
  z.strictObject({
    event_id: rowType.text(),
    user_id: rowType.text(),
    event_type: z.enum(['PAGE_VIEW', 'ADD_TO_CART', 'REMOVE_FROM_CART', 'PURCHASE', 'SEARCH']),
    timestamp: z.int64(),
    session_id: rowType.text(),
    product_id: rowType.text().nullable(),
    product_name: rowType.text().nullable(),
    price: rowType.double().nullable(),
    category: rowType.text().nullable(),
    device_type: z.enum(['MOBILE', 'DESKTOP', 'TABLET']).nullable(),
    country: rowType.text().nullable(),
  }),
  userEventContract,
)

/** Columns with stable field ids. */
export const userEventColumns: Schema = /* @__PURE__ */ freezeDeep({
  fields: [
    { name: 'event_id', type: { kind: 'utf8' }, nullable: false, fieldId: 1 },
    { name: 'user_id', type: { kind: 'utf8' }, nullable: false, fieldId: 2 },
    {
      name: 'event_type',
      type: { kind: 'enum', symbols: ['PAGE_VIEW', 'ADD_TO_CART', 'REMOVE_FROM_CART', 'PURCHASE', 'SEARCH'] },
      nullable: false,
      fieldId: 3,
    },
    { name: 'timestamp', type: { kind: 'int64' }, nullable: false, fieldId: 4 },
    { name: 'session_id', type: { kind: 'utf8' }, nullable: false, fieldId: 5 },
    { name: 'product_id', type: { kind: 'utf8' }, nullable: true, fieldId: 6 },
    { name: 'product_name', type: { kind: 'utf8' }, nullable: true, fieldId: 7 },
    { name: 'price', type: { kind: 'float64' }, nullable: true, fieldId: 8 },
    { name: 'category', type: { kind: 'utf8' }, nullable: true, fieldId: 9 },
    {
      name: 'device_type',
      type: { kind: 'enum', symbols: ['MOBILE', 'DESKTOP', 'TABLET'] },
      nullable: true,
      fieldId: 10,
    },
    { name: 'country', type: { kind: 'utf8' }, nullable: true, fieldId: 11 },
  ],
})

/** Table of rows and their lineage. */
export const userEventPostgresDdl = `
CREATE TABLE IF NOT EXISTS "user_events" (
  "event_id" text NOT NULL,
  "user_id" text NOT NULL,
  "event_type" text NOT NULL CHECK ("event_type" IN ('PAGE_VIEW', 'ADD_TO_CART', 'REMOVE_FROM_CART', 'PURCHASE', 'SEARCH')),
  "timestamp" bigint NOT NULL,
  "session_id" text NOT NULL,
  "product_id" text,
  "product_name" text,
  "price" double precision,
  "category" text,
  "device_type" text CHECK ("device_type" IN ('MOBILE', 'DESKTOP', 'TABLET')),
  "country" text,
  "_topic" text NOT NULL,
  "_partition" integer NOT NULL,
  "_offset" bigint NOT NULL,
  "_timestamp" timestamptz,
  "_ingested_at" timestamptz NOT NULL,
  "_schema_id" integer
);
COMMENT ON TABLE "user_events" IS 'Actions of shop users; version 2 adds product, device and country';
`
