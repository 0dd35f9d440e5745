// Generated from contracts/bakery/CustomerFeedback by @sluice/schemas. Do not edit: change the contract.
import { z } from 'zod'
import type { Schema } from '@sluice/columnar'
import { freezeDeep, rowType, withRules, type Contract } from '../../generated-support.ts'

/** What a customer said about a visit or a product. */
export interface CustomerFeedback {
  /** Identity of this event; a re-sent event keeps it. */
  event_id: string
  /** Number of the feedback in the customer system. */
  feedback_id: string
  /** Store, STORE-nnn. */
  store_id: string
  /** Loyalty customer, CUST-nnnnnn; null when anonymous. */
  customer_id: string | null
  /** Product the feedback is about, PROD-nnnn; null when about the visit. */
  product_id: string | null
  /** Receipt of the visit, when known. */
  receipt_number: string | null
  /** Where it was given. */
  channel: 'APP' | 'WEB' | 'EMAIL' | 'IN_STORE' | 'PHONE'
  /** Stars, 1 to 5. */
  rating: number
  /** Net promoter answer, 0 to 10. */
  recommend_score: number | null
  /** Free text as written. */
  comment: string | null
  /** ISO 639-1 code of the comment. */
  language: string | null
  /** Topics picked or detected: taste, freshness, service, price, ... */
  topics: string[]
  /** Address for an answer. */
  contact_email: string | null
  /** The customer agreed to be contacted. */
  contact_allowed: boolean
  /** When it was sent, UTC. */
  submitted_at: bigint
}

const versions: Contract['versions'] = /* @__PURE__ */ freezeDeep([
  {
    version: 1,
    schema: {
      type: 'record',
      name: 'CustomerFeedback',
      namespace: 'com.bakery.feedback',
      doc: 'What a customer said about a visit or a product.',
      fields: [
        {
          name: 'event_id',
          type: { type: 'string', logicalType: 'uuid' },
          doc: 'Identity of this event; a re-sent event keeps it.',
        },
        { name: 'feedback_id', type: 'string', doc: 'Number of the feedback in the customer system.' },
        { name: 'store_id', type: 'string', doc: 'Store, STORE-nnn.' },
        {
          name: 'customer_id',
          type: ['null', 'string'],
          default: null,
          doc: 'Loyalty customer, CUST-nnnnnn; null when anonymous.',
        },
        {
          name: 'product_id',
          type: ['null', 'string'],
          default: null,
          doc: 'Product the feedback is about, PROD-nnnn; null when about the visit.',
        },
        { name: 'receipt_number', type: ['null', 'string'], default: null, doc: 'Receipt of the visit, when known.' },
        {
          name: 'channel',
          type: { type: 'enum', name: 'FeedbackChannel', symbols: ['APP', 'WEB', 'EMAIL', 'IN_STORE', 'PHONE'] },
          doc: 'Where it was given.',
        },
        { name: 'rating', type: 'int', doc: 'Stars, 1 to 5.' },
        { name: 'recommend_score', type: ['null', 'int'], default: null, doc: 'Net promoter answer, 0 to 10.' },
        { name: 'comment', type: ['null', 'string'], default: null, doc: 'Free text as written.' },
        { name: 'language', type: ['null', 'string'], default: null, doc: 'ISO 639-1 code of the comment.' },
        {
          name: 'topics',
          type: { type: 'array', items: 'string' },
          default: [],
          doc: 'Topics picked or detected: taste, freshness, service, price, ...',
        },
        { name: 'contact_email', type: ['null', 'string'], default: null, doc: 'Address for an answer.' },
        { name: 'contact_allowed', type: 'boolean', default: false, doc: 'The customer agreed to be contacted.' },
        {
          name: 'submitted_at',
          type: { type: 'long', logicalType: 'timestamp-millis' },
          doc: 'When it was sent, UTC.',
        },
      ],
    },
  },
])

/** Contract of bakery.CustomerFeedback: Ratings and comments from customers about visits and products. */
export const customerFeedbackContract: Contract = /* @__PURE__ */ freezeDeep({
  name: 'bakery.CustomerFeedback',
  domain: 'bakery',
  event: 'CustomerFeedback',
  description: 'Ratings and comments from customers about visits and products',
  topic: 'bakery.customer_feedback',
  table: 'customer_feedback',
  format: 'avro',
  subject: 'bakery.customer_feedback-value',
  key: ['store_id'],
  id: 'event_id',
  eventTime: 'submitted_at',
  eventTimeUnit: 'milli',
  latenessMs: 259200000,
  tombstones: 'dead-letter',
  partitionBy: [{ field: 'submitted_at', transform: 'day', as: 'date' }],
  rules: [
    { name: 'store_id_format', field: 'store_id', pattern: '^STORE-[0-9]{3}$' },
    { name: 'product_id_format', field: 'product_id', pattern: '^PROD-[0-9]{4}$' },
    { name: 'rating_range', field: 'rating', min: 1, max: 5 },
    { name: 'recommend_score_range', field: 'recommend_score', min: 0, max: 10 },
    { name: 'comment_length', field: 'comment', minLength: 1, maxLength: 4000 },
    { name: 'language_code', field: 'language', pattern: '^[a-z]{2}$' },
    { name: 'contact_email_format', field: 'contact_email', pattern: '^[^@ ]+@[^@ ]+\\.[^@ .]+$' },
  ],
  pii: { customer_id: 'quasi', comment: 'sensitive', contact_email: 'direct' },
  fieldIds: {
    event_id: 1,
    feedback_id: 2,
    store_id: 3,
    customer_id: 4,
    product_id: 5,
    receipt_number: 6,
    channel: 7,
    rating: 8,
    recommend_score: 9,
    comment: 10,
    language: 11,
    topics: 12,
    contact_email: 13,
    contact_allowed: 14,
    submitted_at: 15,
    'topics.element': 16,
  },
  versions,
  schema: versions[0]!.schema,
})

/** Checks types and rules of a row. */
export const customerFeedbackValidator: z.ZodType<CustomerFeedback> = /* @__PURE__ */ withRules(
  z.strictObject({
    event_id: rowType.uuid(),
    feedback_id: rowType.text(),
    store_id: rowType.text(),
    customer_id: rowType.text().nullable(),
    product_id: rowType.text().nullable(),
    receipt_number: rowType.text().nullable(),
    channel: z.enum(['APP', 'WEB', 'EMAIL', 'IN_STORE', 'PHONE']),
    rating: z.int32(),
    recommend_score: z.int32().nullable(),
    comment: rowType.text().nullable(),
    language: rowType.text().nullable(),
    topics: z.array(rowType.text()),
    contact_email: rowType.text().nullable(),
    contact_allowed: z.boolean(),
    submitted_at: z.int64(),
  }),
  customerFeedbackContract,
)

/** Columns with stable field ids. */
export const customerFeedbackColumns: Schema = /* @__PURE__ */ freezeDeep({
  fields: [
    { name: 'event_id', type: { kind: 'uuid' }, nullable: false, fieldId: 1 },
    { name: 'feedback_id', type: { kind: 'utf8' }, nullable: false, fieldId: 2 },
    { name: 'store_id', type: { kind: 'utf8' }, nullable: false, fieldId: 3 },
    { name: 'customer_id', type: { kind: 'utf8' }, nullable: true, fieldId: 4 },
    { name: 'product_id', type: { kind: 'utf8' }, nullable: true, fieldId: 5 },
    { name: 'receipt_number', type: { kind: 'utf8' }, nullable: true, fieldId: 6 },
    {
      name: 'channel',
      type: { kind: 'enum', symbols: ['APP', 'WEB', 'EMAIL', 'IN_STORE', 'PHONE'] },
      nullable: false,
      fieldId: 7,
    },
    { name: 'rating', type: { kind: 'int32' }, nullable: false, fieldId: 8 },
    { name: 'recommend_score', type: { kind: 'int32' }, nullable: true, fieldId: 9 },
    { name: 'comment', type: { kind: 'utf8' }, nullable: true, fieldId: 10 },
    { name: 'language', type: { kind: 'utf8' }, nullable: true, fieldId: 11 },
    {
      name: 'topics',
      type: { kind: 'list', item: { name: 'element', type: { kind: 'utf8' }, nullable: false, fieldId: 16 } },
      nullable: false,
      fieldId: 12,
    },
    { name: 'contact_email', type: { kind: 'utf8' }, nullable: true, fieldId: 13 },
    { name: 'contact_allowed', type: { kind: 'boolean' }, nullable: false, fieldId: 14 },
    { name: 'submitted_at', type: { kind: 'timestamp', unit: 'milli', utc: true }, nullable: false, fieldId: 15 },
  ],
})

/** Table of rows and their lineage. */
export const customerFeedbackPostgresDdl = `
CREATE TABLE IF NOT EXISTS "customer_feedback" (
  "event_id" uuid NOT NULL,
  "feedback_id" text NOT NULL,
  "store_id" text NOT NULL,
  "customer_id" text,
  "product_id" text,
  "receipt_number" text,
  "channel" text NOT NULL CHECK ("channel" IN ('APP', 'WEB', 'EMAIL', 'IN_STORE', 'PHONE')),
  "rating" integer NOT NULL,
  "recommend_score" integer,
  "comment" text,
  "language" text,
  "topics" jsonb NOT NULL,
  "contact_email" text,
  "contact_allowed" boolean NOT NULL,
  "submitted_at" timestamptz NOT NULL,
  "_topic" text NOT NULL,
  "_partition" integer NOT NULL,
  "_offset" bigint NOT NULL,
  "_timestamp" timestamptz,
  "_ingested_at" timestamptz NOT NULL,
  "_schema_id" integer
);
COMMENT ON TABLE "customer_feedback" IS 'Ratings and comments from customers about visits and products';
`
