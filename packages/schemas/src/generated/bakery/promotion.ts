// Generated from contracts/bakery/Promotion by @sluice/schemas. Do not edit: change the contract.
import { z } from 'zod'
import type { Schema } from '@sluice/columnar'
import { freezeDeep, rowType, withRules, type Contract } from '../../generated-support.ts'

/** State of a promotion after a change; the newest updated_at is the valid one. */
export interface Promotion {
  /** Identity of this event; a re-sent event keeps it. */
  event_id: string
  /** Promotion, PROMO-nnnn. */
  promotion_id: string
  /** Name shown to customers. */
  name: string
  /** How the discount works. */
  kind: 'PERCENT_OFF' | 'AMOUNT_OFF' | 'BUY_X_GET_Y' | 'BUNDLE_PRICE'
  /** State after this change. */
  status: 'PLANNED' | 'ACTIVE' | 'PAUSED' | 'ENDED' | 'CANCELLED'
  /** Percent taken off, for PERCENT_OFF. */
  discount_percent: string | null
  /** Amount taken off, for AMOUNT_OFF, or the price of the bundle. */
  discount_amount: string | null
  /** Pieces to buy before it applies. */
  min_quantity: number
  /** Stores that take part; empty means all. */
  store_ids: string[]
  /** Products it applies to, PROD-nnnn. */
  product_ids: string[]
  /** Code a customer must give. */
  coupon_code: string | null
  /** Most that may be given away. */
  budget: string | null
  /** First moment it applies, UTC. */
  starts_at: bigint
  /** Last moment it applies, UTC. */
  ends_at: bigint
  /** When this state was set, UTC. */
  updated_at: bigint
}

const versions: Contract['versions'] = /* @__PURE__ */ freezeDeep([
  {
    version: 1,
    schema: {
      type: 'record',
      name: 'Promotion',
      namespace: 'com.bakery.promotions',
      doc: 'State of a promotion after a change; the newest updated_at is the valid one.',
      fields: [
        {
          name: 'event_id',
          type: { type: 'string', logicalType: 'uuid' },
          doc: 'Identity of this event; a re-sent event keeps it.',
        },
        { name: 'promotion_id', type: 'string', doc: 'Promotion, PROMO-nnnn.' },
        { name: 'name', type: 'string', doc: 'Name shown to customers.' },
        {
          name: 'kind',
          type: {
            type: 'enum',
            name: 'PromotionKind',
            symbols: ['PERCENT_OFF', 'AMOUNT_OFF', 'BUY_X_GET_Y', 'BUNDLE_PRICE'],
          },
          doc: 'How the discount works.',
        },
        {
          name: 'status',
          type: {
            type: 'enum',
            name: 'PromotionStatus',
            symbols: ['PLANNED', 'ACTIVE', 'PAUSED', 'ENDED', 'CANCELLED'],
          },
          doc: 'State after this change.',
        },
        {
          name: 'discount_percent',
          type: ['null', { type: 'bytes', logicalType: 'decimal', precision: 5, scale: 2 }],
          default: null,
          doc: 'Percent taken off, for PERCENT_OFF.',
        },
        {
          name: 'discount_amount',
          type: ['null', { type: 'bytes', logicalType: 'decimal', precision: 10, scale: 2 }],
          default: null,
          doc: 'Amount taken off, for AMOUNT_OFF, or the price of the bundle.',
        },
        { name: 'min_quantity', type: 'int', default: 1, doc: 'Pieces to buy before it applies.' },
        {
          name: 'store_ids',
          type: { type: 'array', items: 'string' },
          default: [],
          doc: 'Stores that take part; empty means all.',
        },
        { name: 'product_ids', type: { type: 'array', items: 'string' }, doc: 'Products it applies to, PROD-nnnn.' },
        { name: 'coupon_code', type: ['null', 'string'], default: null, doc: 'Code a customer must give.' },
        {
          name: 'budget',
          type: ['null', { type: 'bytes', logicalType: 'decimal', precision: 12, scale: 2 }],
          default: null,
          doc: 'Most that may be given away.',
        },
        {
          name: 'starts_at',
          type: { type: 'long', logicalType: 'timestamp-millis' },
          doc: 'First moment it applies, UTC.',
        },
        {
          name: 'ends_at',
          type: { type: 'long', logicalType: 'timestamp-millis' },
          doc: 'Last moment it applies, UTC.',
        },
        {
          name: 'updated_at',
          type: { type: 'long', logicalType: 'timestamp-micros' },
          doc: 'When this state was set, UTC.',
        },
      ],
    },
  },
])

/** Contract of bakery.Promotion: Promotions and their changes of state. */
export const promotionContract: Contract = /* @__PURE__ */ freezeDeep({
  name: 'bakery.Promotion',
  domain: 'bakery',
  event: 'Promotion',
  description: 'Promotions and their changes of state',
  topic: 'bakery.promotions',
  table: 'promotions',
  format: 'avro',
  subject: 'bakery.promotions-value',
  key: ['promotion_id'],
  id: 'event_id',
  eventTime: 'updated_at',
  eventTimeUnit: 'micro',
  latenessMs: 86400000,
  tombstones: 'dead-letter',
  partitionBy: [{ field: 'updated_at', transform: 'day', as: 'date' }],
  rules: [
    { name: 'promotion_id_format', field: 'promotion_id', pattern: '^PROMO-[0-9]{4}$' },
    { name: 'name_length', field: 'name', minLength: 1, maxLength: 200 },
    { name: 'discount_percent_range', field: 'discount_percent', max: 100, exclusiveMin: 0 },
    { name: 'discount_amount_positive', field: 'discount_amount', exclusiveMin: 0 },
    { name: 'percent_off_has_percent', field: 'discount_percent', required: true, when: { kind: ['PERCENT_OFF'] } },
    {
      name: 'amount_has_amount',
      field: 'discount_amount',
      required: true,
      when: { kind: ['AMOUNT_OFF', 'BUNDLE_PRICE'] },
    },
    { name: 'min_quantity_positive', field: 'min_quantity', min: 1 },
    { name: 'has_products', field: 'product_ids', minLength: 1 },
    { name: 'product_ids_format', field: 'product_ids[]', pattern: '^PROD-[0-9]{4}$' },
    { name: 'budget_not_negative', field: 'budget', min: 0 },
    { name: 'ends_after_start', field: 'ends_at', notBefore: 'starts_at' },
  ],
  pii: {},
  fieldIds: {
    event_id: 1,
    promotion_id: 2,
    name: 3,
    kind: 4,
    status: 5,
    discount_percent: 6,
    discount_amount: 7,
    min_quantity: 8,
    store_ids: 9,
    product_ids: 10,
    coupon_code: 11,
    budget: 12,
    starts_at: 13,
    ends_at: 14,
    updated_at: 15,
    'store_ids.element': 16,
    'product_ids.element': 17,
  },
  versions,
  schema: versions[0]!.schema,
})

/** Checks types and rules of a row. */
export const promotionValidator: z.ZodType<Promotion> = /* @__PURE__ */ withRules(
  z.strictObject({
    event_id: rowType.uuid(),
    promotion_id: rowType.text(),
    name: rowType.text(),
    kind: z.enum(['PERCENT_OFF', 'AMOUNT_OFF', 'BUY_X_GET_Y', 'BUNDLE_PRICE']),
    status: z.enum(['PLANNED', 'ACTIVE', 'PAUSED', 'ENDED', 'CANCELLED']),
    discount_percent: rowType.decimal(5, 2).nullable(),
    discount_amount: rowType.decimal(10, 2).nullable(),
    min_quantity: z.int32(),
    store_ids: z.array(rowType.text()),
    product_ids: z.array(rowType.text()),
    coupon_code: rowType.text().nullable(),
    budget: rowType.decimal(12, 2).nullable(),
    starts_at: z.int64(),
    ends_at: z.int64(),
    updated_at: z.int64(),
  }),
  promotionContract,
)

/** Columns with stable field ids. */
export const promotionColumns: Schema = /* @__PURE__ */ freezeDeep({
  fields: [
    { name: 'event_id', type: { kind: 'uuid' }, nullable: false, fieldId: 1 },
    { name: 'promotion_id', type: { kind: 'utf8' }, nullable: false, fieldId: 2 },
    { name: 'name', type: { kind: 'utf8' }, nullable: false, fieldId: 3 },
    {
      name: 'kind',
      type: { kind: 'enum', symbols: ['PERCENT_OFF', 'AMOUNT_OFF', 'BUY_X_GET_Y', 'BUNDLE_PRICE'] },
      nullable: false,
      fieldId: 4,
    },
    {
      name: 'status',
      type: { kind: 'enum', symbols: ['PLANNED', 'ACTIVE', 'PAUSED', 'ENDED', 'CANCELLED'] },
      nullable: false,
      fieldId: 5,
    },
    { name: 'discount_percent', type: { kind: 'decimal', precision: 5, scale: 2 }, nullable: true, fieldId: 6 },
    { name: 'discount_amount', type: { kind: 'decimal', precision: 10, scale: 2 }, nullable: true, fieldId: 7 },
    { name: 'min_quantity', type: { kind: 'int32' }, nullable: false, fieldId: 8 },
    {
      name: 'store_ids',
      type: { kind: 'list', item: { name: 'element', type: { kind: 'utf8' }, nullable: false, fieldId: 16 } },
      nullable: false,
      fieldId: 9,
    },
    {
      name: 'product_ids',
      type: { kind: 'list', item: { name: 'element', type: { kind: 'utf8' }, nullable: false, fieldId: 17 } },
      nullable: false,
      fieldId: 10,
    },
    { name: 'coupon_code', type: { kind: 'utf8' }, nullable: true, fieldId: 11 },
    { name: 'budget', type: { kind: 'decimal', precision: 12, scale: 2 }, nullable: true, fieldId: 12 },
    { name: 'starts_at', type: { kind: 'timestamp', unit: 'milli', utc: true }, nullable: false, fieldId: 13 },
    { name: 'ends_at', type: { kind: 'timestamp', unit: 'milli', utc: true }, nullable: false, fieldId: 14 },
    { name: 'updated_at', type: { kind: 'timestamp', unit: 'micro', utc: true }, nullable: false, fieldId: 15 },
  ],
})

/** Table of rows and their lineage. */
export const promotionPostgresDdl = `
CREATE TABLE IF NOT EXISTS "promotions" (
  "event_id" uuid NOT NULL,
  "promotion_id" text NOT NULL,
  "name" text NOT NULL,
  "kind" text NOT NULL CHECK ("kind" IN ('PERCENT_OFF', 'AMOUNT_OFF', 'BUY_X_GET_Y', 'BUNDLE_PRICE')),
  "status" text NOT NULL CHECK ("status" IN ('PLANNED', 'ACTIVE', 'PAUSED', 'ENDED', 'CANCELLED')),
  "discount_percent" numeric(5, 2),
  "discount_amount" numeric(10, 2),
  "min_quantity" integer NOT NULL,
  "store_ids" jsonb NOT NULL,
  "product_ids" jsonb NOT NULL,
  "coupon_code" text,
  "budget" numeric(12, 2),
  "starts_at" timestamptz NOT NULL,
  "ends_at" timestamptz NOT NULL,
  "updated_at" timestamptz NOT NULL,
  "_topic" text NOT NULL,
  "_partition" integer NOT NULL,
  "_offset" bigint NOT NULL,
  "_timestamp" timestamptz,
  "_ingested_at" timestamptz NOT NULL,
  "_schema_id" integer
);
COMMENT ON TABLE "promotions" IS 'Promotions and their changes of state';
`
