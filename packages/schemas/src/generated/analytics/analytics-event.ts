// Generated from contracts/analytics/AnalyticsEvent by @sluice/schemas. Do not edit: change the contract.
import { z } from 'zod'
import type { Schema } from '@sluice/columnar'
import { freezeDeep, rowType, withRules, type Contract } from '../../generated-support.ts'

/** Something a user did or that happened to a user, as sent by web and mobile clients. */
export interface AnalyticsEvent {
  /** Version of this shape, v1. */
  schema_version: string
  /** What happened; decides which payload fields are set. */
  event_type: 'user_signup' | 'page_view' | 'purchase' | 'payment_failed'
  /** Identity of this event. */
  event_id: string
  /** Same for every send of the same fact; silver keeps one row for it. */
  idempotency_key: string
  /** User. */
  user_id: string
  /** Session as the client sees it. */
  session_id: string | null
  /** Device. */
  device: Device
  /** When it happened, UTC. */
  occurred_at: bigint
  /** When the client sent it, UTC. */
  produced_at: bigint
  /** Payload. */
  payload: Payload
}

/** Device the event was sent from. */
export interface Device {
  /** Kind of device. */
  type: 'mobile' | 'desktop' | 'tablet' | 'other'
  /** Operating system. */
  os: string | null
  /** Browser or app. */
  browser: string | null
  /** Version of the app. */
  app_version: string | null
}

/** What is particular to the type of event. */
export interface Payload {
  /** Plan chosen at sign-up or bought: free, basic, pro, enterprise. */
  plan: string | null
  /** Page seen. */
  url: string | null
  /** Page before. */
  referrer: string | null
  /** Amount bought or tried. */
  amount: string | null
  /** ISO 4217 code of amount. */
  currency: string | null
  /** Why the payment failed. */
  failure_reason: string | null
}

const versions: Contract['versions'] = /* @__PURE__ */ freezeDeep([
  {
    version: 1,
    schema: {
      type: 'record',
      name: 'AnalyticsEvent',
      namespace: 'com.analytics.events',
      doc: 'Something a user did or that happened to a user, as sent by web and mobile clients.',
      fields: [
        { name: 'schema_version', type: 'string', doc: 'Version of this shape, v1.' },
        {
          name: 'event_type',
          type: {
            type: 'enum',
            name: 'AnalyticsEventType',
            symbols: ['user_signup', 'page_view', 'purchase', 'payment_failed'],
          },
          doc: 'What happened; decides which payload fields are set.',
        },
        { name: 'event_id', type: 'string', doc: 'Identity of this event.' },
        {
          name: 'idempotency_key',
          type: 'string',
          doc: 'Same for every send of the same fact; silver keeps one row for it.',
        },
        { name: 'user_id', type: 'string', doc: 'User.' },
        { name: 'session_id', type: ['null', 'string'], default: null, doc: 'Session as the client sees it.' },
        {
          name: 'device',
          type: {
            type: 'record',
            name: 'Device',
            doc: 'Device the event was sent from.',
            fields: [
              {
                name: 'type',
                type: { type: 'enum', name: 'AnalyticsDeviceType', symbols: ['mobile', 'desktop', 'tablet', 'other'] },
                doc: 'Kind of device.',
              },
              { name: 'os', type: ['null', 'string'], default: null, doc: 'Operating system.' },
              { name: 'browser', type: ['null', 'string'], default: null, doc: 'Browser or app.' },
              { name: 'app_version', type: ['null', 'string'], default: null, doc: 'Version of the app.' },
            ],
          },
          doc: 'Device.',
        },
        { name: 'occurred_at', type: { type: 'long', logicalType: 'timestamp-millis' }, doc: 'When it happened, UTC.' },
        {
          name: 'produced_at',
          type: { type: 'long', logicalType: 'timestamp-millis' },
          doc: 'When the client sent it, UTC.',
        },
        {
          name: 'payload',
          type: {
            type: 'record',
            name: 'Payload',
            doc: 'What is particular to the type of event.',
            fields: [
              {
                name: 'plan',
                type: ['null', 'string'],
                default: null,
                doc: 'Plan chosen at sign-up or bought: free, basic, pro, enterprise.',
              },
              { name: 'url', type: ['null', 'string'], default: null, doc: 'Page seen.' },
              { name: 'referrer', type: ['null', 'string'], default: null, doc: 'Page before.' },
              {
                name: 'amount',
                type: ['null', { type: 'bytes', logicalType: 'decimal', precision: 12, scale: 2 }],
                default: null,
                doc: 'Amount bought or tried.',
              },
              { name: 'currency', type: ['null', 'string'], default: null, doc: 'ISO 4217 code of amount.' },
              { name: 'failure_reason', type: ['null', 'string'], default: null, doc: 'Why the payment failed.' },
            ],
          },
          doc: 'Payload.',
        },
      ],
    },
  },
])

/** Contract of analytics.AnalyticsEvent: Sign-ups, page views, purchases and failed payments of the analytics platform. */
export const analyticsEventContract: Contract = /* @__PURE__ */ freezeDeep({
  name: 'analytics.AnalyticsEvent',
  domain: 'analytics',
  event: 'AnalyticsEvent',
  description: 'Sign-ups, page views, purchases and failed payments of the analytics platform',
  topic: 'events_raw',
  table: 'events',
  format: 'json',
  subject: 'events_raw-value',
  key: ['user_id'],
  id: 'idempotency_key',
  eventTime: 'occurred_at',
  eventTimeUnit: 'milli',
  latenessMs: 3600000,
  tombstones: 'dead-letter',
  partitionBy: [
    { field: 'occurred_at', transform: 'day', as: 'date' },
    { field: 'event_type', transform: 'value', as: 'event_type' },
  ],
  rules: [
    { name: 'schema_version_known', field: 'schema_version', oneOf: ['v1'] },
    { name: 'event_id_present', field: 'event_id', minLength: 1 },
    { name: 'idempotency_key_present', field: 'idempotency_key', minLength: 1 },
    { name: 'user_id_present', field: 'user_id', minLength: 1 },
    { name: 'plan_known', field: 'payload.plan', oneOf: ['free', 'basic', 'pro', 'enterprise'] },
    { name: 'signup_has_plan', field: 'payload.plan', required: true, when: { event_type: ['user_signup'] } },
    {
      name: 'page_view_has_url',
      field: 'payload.url',
      minLength: 1,
      required: true,
      when: { event_type: ['page_view'] },
    },
    {
      name: 'purchase_has_amount',
      field: 'payload.amount',
      exclusiveMin: 0,
      required: true,
      when: { event_type: ['purchase'] },
    },
    {
      name: 'payment_has_currency',
      field: 'payload.currency',
      required: true,
      when: { event_type: ['purchase', 'payment_failed'] },
    },
    { name: 'currency_code', field: 'payload.currency', pattern: '^[A-Z]{3}$' },
    { name: 'amount_not_negative', field: 'payload.amount', min: 0 },
    {
      name: 'payment_failed_has_reason',
      field: 'payload.failure_reason',
      minLength: 1,
      required: true,
      when: { event_type: ['payment_failed'] },
    },
    { name: 'produced_after_occurred', field: 'produced_at', notBefore: 'occurred_at' },
  ],
  pii: { user_id: 'quasi', session_id: 'quasi', 'payload.url': 'quasi', 'payload.referrer': 'quasi' },
  fieldIds: {
    schema_version: 1,
    event_type: 2,
    event_id: 3,
    idempotency_key: 4,
    user_id: 5,
    session_id: 6,
    device: 7,
    occurred_at: 8,
    produced_at: 9,
    payload: 10,
    'device.type': 11,
    'device.os': 12,
    'device.browser': 13,
    'device.app_version': 14,
    'payload.plan': 15,
    'payload.url': 16,
    'payload.referrer': 17,
    'payload.amount': 18,
    'payload.currency': 19,
    'payload.failure_reason': 20,
  },
  versions,
  schema: versions[0]!.schema,
})

/** Checks types and rules of a row. */
export const analyticsEventValidator: z.ZodType<AnalyticsEvent> = /* @__PURE__ */ withRules(
  z.strictObject({
    schema_version: rowType.text(),
    event_type: z.enum(['user_signup', 'page_view', 'purchase', 'payment_failed']),
    event_id: rowType.text(),
    idempotency_key: rowType.text(),
    user_id: rowType.text(),
    session_id: rowType.text().nullable(),
    device: z.strictObject({
      type: z.enum(['mobile', 'desktop', 'tablet', 'other']),
      os: rowType.text().nullable(),
      browser: rowType.text().nullable(),
      app_version: rowType.text().nullable(),
    }),
    occurred_at: z.int64(),
    produced_at: z.int64(),
    payload: z.strictObject({
      plan: rowType.text().nullable(),
      url: rowType.text().nullable(),
      referrer: rowType.text().nullable(),
      amount: rowType.decimal(12, 2).nullable(),
      currency: rowType.text().nullable(),
      failure_reason: rowType.text().nullable(),
    }),
  }),
  analyticsEventContract,
)

/** Columns with stable field ids. */
export const analyticsEventColumns: Schema = /* @__PURE__ */ freezeDeep({
  fields: [
    { name: 'schema_version', type: { kind: 'utf8' }, nullable: false, fieldId: 1 },
    {
      name: 'event_type',
      type: { kind: 'enum', symbols: ['user_signup', 'page_view', 'purchase', 'payment_failed'] },
      nullable: false,
      fieldId: 2,
    },
    { name: 'event_id', type: { kind: 'utf8' }, nullable: false, fieldId: 3 },
    { name: 'idempotency_key', type: { kind: 'utf8' }, nullable: false, fieldId: 4 },
    { name: 'user_id', type: { kind: 'utf8' }, nullable: false, fieldId: 5 },
    { name: 'session_id', type: { kind: 'utf8' }, nullable: true, fieldId: 6 },
    {
      name: 'device',
      type: {
        kind: 'struct',
        fields: [
          {
            name: 'type',
            type: { kind: 'enum', symbols: ['mobile', 'desktop', 'tablet', 'other'] },
            nullable: false,
            fieldId: 11,
          },
          { name: 'os', type: { kind: 'utf8' }, nullable: true, fieldId: 12 },
          { name: 'browser', type: { kind: 'utf8' }, nullable: true, fieldId: 13 },
          { name: 'app_version', type: { kind: 'utf8' }, nullable: true, fieldId: 14 },
        ],
      },
      nullable: false,
      fieldId: 7,
    },
    { name: 'occurred_at', type: { kind: 'timestamp', unit: 'milli', utc: true }, nullable: false, fieldId: 8 },
    { name: 'produced_at', type: { kind: 'timestamp', unit: 'milli', utc: true }, nullable: false, fieldId: 9 },
    {
      name: 'payload',
      type: {
        kind: 'struct',
        fields: [
          { name: 'plan', type: { kind: 'utf8' }, nullable: true, fieldId: 15 },
          { name: 'url', type: { kind: 'utf8' }, nullable: true, fieldId: 16 },
          { name: 'referrer', type: { kind: 'utf8' }, nullable: true, fieldId: 17 },
          { name: 'amount', type: { kind: 'decimal', precision: 12, scale: 2 }, nullable: true, fieldId: 18 },
          { name: 'currency', type: { kind: 'utf8' }, nullable: true, fieldId: 19 },
          { name: 'failure_reason', type: { kind: 'utf8' }, nullable: true, fieldId: 20 },
        ],
      },
      nullable: false,
      fieldId: 10,
    },
  ],
})

/** Table of rows and their lineage. */
export const analyticsEventPostgresDdl = `
CREATE TABLE IF NOT EXISTS "events" (
  "schema_version" text NOT NULL,
  "event_type" text NOT NULL CHECK ("event_type" IN ('user_signup', 'page_view', 'purchase', 'payment_failed')),
  "event_id" text NOT NULL,
  "idempotency_key" text NOT NULL,
  "user_id" text NOT NULL,
  "session_id" text,
  "device" jsonb NOT NULL,
  "occurred_at" timestamptz NOT NULL,
  "produced_at" timestamptz NOT NULL,
  "payload" jsonb NOT NULL,
  "_topic" text NOT NULL,
  "_partition" integer NOT NULL,
  "_offset" bigint NOT NULL,
  "_timestamp" timestamptz,
  "_ingested_at" timestamptz NOT NULL,
  "_schema_id" integer
);
COMMENT ON TABLE "events" IS 'Sign-ups, page views, purchases and failed payments of the analytics platform';
`
