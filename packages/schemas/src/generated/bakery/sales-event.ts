// Generated from contracts/bakery/SalesEvent by @sluice/schemas. Do not edit: change the contract.
import { z } from 'zod'
import type { Schema } from '@sluice/columnar'
import { freezeDeep, rowType, withRules, type Contract } from '../../generated-support.ts'

/** One receipt at a till or online checkout, with its lines and payment. */
export interface SalesEvent {
  /** Identity of this event; a re-sent event keeps it. */
  event_id: string
  /** Store where the sale was rung up, STORE-nnn. */
  store_id: string
  /** Till, or the online checkout. */
  register_id: string
  /** Number printed on the receipt, unique per store. */
  receipt_number: string
  /** A refund has positive quantities and amounts, too; the type carries the sign. */
  sale_type: 'SALE' | 'REFUND'
  /** Receipt that a refund gives back. */
  original_receipt_number: string | null
  /** How the order came in. */
  channel: 'IN_STORE' | 'ONLINE' | 'DELIVERY' | 'WHOLESALE'
  /** Member of staff; null for online orders. */
  cashier_id: string | null
  /** Loyalty customer, CUST-nnnnnn; null for anonymous sales. */
  customer_id: string | null
  /** ISO 4217 code of every amount in the event. */
  currency: string
  /** Products on the receipt, at least one. */
  lines: SaleLine[]
  /** Sum of quantity x unit_price. */
  subtotal: string
  /** Sum of the line discounts. */
  discount_total: string
  /** Tax contained in total. */
  tax_total: string
  /** subtotal - discount_total: what the customer pays or gets back. */
  total: string
  /** Settlement of the receipt. */
  payment: Payment
  /** When the receipt was closed, UTC. */
  sold_at: bigint
}

/** One product on a receipt. */
export interface SaleLine {
  /** Position on the receipt, from 1. */
  line_number: number
  /** Product sold, PROD-nnnn. */
  product_id: string
  /** Pieces sold. */
  quantity: number
  /** Price of one piece before discount, tax included. */
  unit_price: string
  /** Discount on the whole line. */
  discount: string
  /** quantity x unit_price - discount. */
  line_total: string
  /** Promotion that gave the discount. */
  promotion_id: string | null
}

/** How the receipt was settled. */
export interface Payment {
  /** Means of payment. */
  method: 'CASH' | 'CARD' | 'MOBILE' | 'GIFT_CARD' | 'INVOICE'
  /** visa, mastercard, ...; set for card payments. */
  card_scheme: string | null
  /** Amount settled, equal to total. */
  amount: string
  /** Tip on top of amount. */
  tip: string
}

const versions: Contract['versions'] = /* @__PURE__ */ freezeDeep([
  {
    version: 1,
    schema: {
      type: 'record',
      name: 'SalesEvent',
      namespace: 'com.bakery.sales',
      doc: 'One receipt at a till or online checkout, with its lines and payment.',
      fields: [
        {
          name: 'event_id',
          type: { type: 'string', logicalType: 'uuid' },
          doc: 'Identity of this event; a re-sent event keeps it.',
        },
        { name: 'store_id', type: 'string', doc: 'Store where the sale was rung up, STORE-nnn.' },
        { name: 'register_id', type: 'string', doc: 'Till, or the online checkout.' },
        { name: 'receipt_number', type: 'string', doc: 'Number printed on the receipt, unique per store.' },
        {
          name: 'sale_type',
          type: { type: 'enum', name: 'SaleType', symbols: ['SALE', 'REFUND'] },
          doc: 'A refund has positive quantities and amounts, too; the type carries the sign.',
        },
        {
          name: 'original_receipt_number',
          type: ['null', 'string'],
          default: null,
          doc: 'Receipt that a refund gives back.',
        },
        {
          name: 'channel',
          type: { type: 'enum', name: 'SalesChannel', symbols: ['IN_STORE', 'ONLINE', 'DELIVERY', 'WHOLESALE'] },
          doc: 'How the order came in.',
        },
        {
          name: 'cashier_id',
          type: ['null', 'string'],
          default: null,
          doc: 'Member of staff; null for online orders.',
        },
        {
          name: 'customer_id',
          type: ['null', 'string'],
          default: null,
          doc: 'Loyalty customer, CUST-nnnnnn; null for anonymous sales.',
        },
        { name: 'currency', type: 'string', doc: 'ISO 4217 code of every amount in the event.' },
        {
          name: 'lines',
          type: {
            type: 'array',
            items: {
              type: 'record',
              name: 'SaleLine',
              doc: 'One product on a receipt.',
              fields: [
                { name: 'line_number', type: 'int', doc: 'Position on the receipt, from 1.' },
                { name: 'product_id', type: 'string', doc: 'Product sold, PROD-nnnn.' },
                { name: 'quantity', type: 'int', doc: 'Pieces sold.' },
                {
                  name: 'unit_price',
                  type: { type: 'bytes', logicalType: 'decimal', precision: 10, scale: 2 },
                  doc: 'Price of one piece before discount, tax included.',
                },
                {
                  name: 'discount',
                  type: { type: 'bytes', logicalType: 'decimal', precision: 10, scale: 2 },
                  doc: 'Discount on the whole line.',
                },
                {
                  name: 'line_total',
                  type: { type: 'bytes', logicalType: 'decimal', precision: 12, scale: 2 },
                  doc: 'quantity x unit_price - discount.',
                },
                {
                  name: 'promotion_id',
                  type: ['null', 'string'],
                  default: null,
                  doc: 'Promotion that gave the discount.',
                },
              ],
            },
          },
          doc: 'Products on the receipt, at least one.',
        },
        {
          name: 'subtotal',
          type: { type: 'bytes', logicalType: 'decimal', precision: 12, scale: 2 },
          doc: 'Sum of quantity x unit_price.',
        },
        {
          name: 'discount_total',
          type: { type: 'bytes', logicalType: 'decimal', precision: 12, scale: 2 },
          doc: 'Sum of the line discounts.',
        },
        {
          name: 'tax_total',
          type: { type: 'bytes', logicalType: 'decimal', precision: 12, scale: 2 },
          doc: 'Tax contained in total.',
        },
        {
          name: 'total',
          type: { type: 'bytes', logicalType: 'decimal', precision: 12, scale: 2 },
          doc: 'subtotal - discount_total: what the customer pays or gets back.',
        },
        {
          name: 'payment',
          type: {
            type: 'record',
            name: 'Payment',
            doc: 'How the receipt was settled.',
            fields: [
              {
                name: 'method',
                type: {
                  type: 'enum',
                  name: 'PaymentMethod',
                  symbols: ['CASH', 'CARD', 'MOBILE', 'GIFT_CARD', 'INVOICE'],
                },
                doc: 'Means of payment.',
              },
              {
                name: 'card_scheme',
                type: ['null', 'string'],
                default: null,
                doc: 'visa, mastercard, ...; set for card payments.',
              },
              {
                name: 'amount',
                type: { type: 'bytes', logicalType: 'decimal', precision: 12, scale: 2 },
                doc: 'Amount settled, equal to total.',
              },
              {
                name: 'tip',
                type: { type: 'bytes', logicalType: 'decimal', precision: 10, scale: 2 },
                default: '\u0000',
                doc: 'Tip on top of amount.',
              },
            ],
          },
          doc: 'Settlement of the receipt.',
        },
        {
          name: 'sold_at',
          type: { type: 'long', logicalType: 'timestamp-micros' },
          doc: 'When the receipt was closed, UTC.',
        },
      ],
    },
  },
])

/** Contract of bakery.SalesEvent: Sales receipts with lines and payment, from tills and online checkout. */
export const salesEventContract: Contract = /* @__PURE__ */ freezeDeep({
  name: 'bakery.SalesEvent',
  domain: 'bakery',
  event: 'SalesEvent',
  description: 'Sales receipts with lines and payment, from tills and online checkout',
  topic: 'bakery.sales_events',
  table: 'sales_events',
  format: 'avro',
  subject: 'bakery.sales_events-value',
  key: ['store_id'],
  id: 'event_id',
  eventTime: 'sold_at',
  eventTimeUnit: 'micro',
  latenessMs: 86400000,
  tombstones: 'dead-letter',
  partitionBy: [{ field: 'sold_at', transform: 'day', as: 'date' }],
  rules: [
    { name: 'store_id_format', field: 'store_id', pattern: '^STORE-[0-9]{3}$' },
    { name: 'currency_code', field: 'currency', pattern: '^[A-Z]{3}$' },
    { name: 'has_lines', field: 'lines', minLength: 1 },
    { name: 'line_number_positive', field: 'lines[].line_number', min: 1 },
    { name: 'line_product_id_format', field: 'lines[].product_id', pattern: '^PROD-[0-9]{4}$' },
    { name: 'line_quantity_positive', field: 'lines[].quantity', max: 10000, exclusiveMin: 0 },
    { name: 'line_unit_price_not_negative', field: 'lines[].unit_price', min: 0 },
    { name: 'line_discount_not_negative', field: 'lines[].discount', min: 0 },
    { name: 'line_total_not_negative', field: 'lines[].line_total', min: 0 },
    { name: 'tax_total_not_negative', field: 'tax_total', min: 0 },
    { name: 'total_not_negative', field: 'total', min: 0 },
    { name: 'total_within_subtotal', field: 'subtotal', notBefore: 'total' },
    { name: 'tip_not_negative', field: 'payment.tip', min: 0 },
    { name: 'refund_names_receipt', field: 'original_receipt_number', required: true, when: { sale_type: ['REFUND'] } },
    {
      name: 'card_payment_has_scheme',
      field: 'payment.card_scheme',
      required: true,
      when: { 'payment.method': ['CARD'] },
    },
  ],
  pii: { cashier_id: 'quasi', customer_id: 'quasi' },
  fieldIds: {
    event_id: 1,
    store_id: 2,
    register_id: 3,
    receipt_number: 4,
    sale_type: 5,
    original_receipt_number: 6,
    channel: 7,
    cashier_id: 8,
    customer_id: 9,
    currency: 10,
    lines: 11,
    subtotal: 12,
    discount_total: 13,
    tax_total: 14,
    total: 15,
    payment: 16,
    sold_at: 17,
    'lines.element': 18,
    'lines.element.line_number': 19,
    'lines.element.product_id': 20,
    'lines.element.quantity': 21,
    'lines.element.unit_price': 22,
    'lines.element.discount': 23,
    'lines.element.line_total': 24,
    'lines.element.promotion_id': 25,
    'payment.method': 26,
    'payment.card_scheme': 27,
    'payment.amount': 28,
    'payment.tip': 29,
  },
  versions,
  schema: versions[0]!.schema,
})

/** Checks types and rules of a row. */
export const salesEventValidator: z.ZodType<SalesEvent> = /* @__PURE__ */ withRules(
  z.strictObject({
    event_id: rowType.uuid(),
    store_id: rowType.text(),
    register_id: rowType.text(),
    receipt_number: rowType.text(),
    sale_type: z.enum(['SALE', 'REFUND']),
    original_receipt_number: rowType.text().nullable(),
    channel: z.enum(['IN_STORE', 'ONLINE', 'DELIVERY', 'WHOLESALE']),
    cashier_id: rowType.text().nullable(),
    customer_id: rowType.text().nullable(),
    currency: rowType.text(),
    lines: z.array(
      z.strictObject({
        line_number: z.int32(),
        product_id: rowType.text(),
        quantity: z.int32(),
        unit_price: rowType.decimal(10, 2),
        discount: rowType.decimal(10, 2),
        line_total: rowType.decimal(12, 2),
        promotion_id: rowType.text().nullable(),
      }),
    ),
    subtotal: rowType.decimal(12, 2),
    discount_total: rowType.decimal(12, 2),
    tax_total: rowType.decimal(12, 2),
    total: rowType.decimal(12, 2),
    payment: z.strictObject({
      method: z.enum(['CASH', 'CARD', 'MOBILE', 'GIFT_CARD', 'INVOICE']),
      card_scheme: rowType.text().nullable(),
      amount: rowType.decimal(12, 2),
      tip: rowType.decimal(10, 2),
    }),
    sold_at: z.int64(),
  }),
  salesEventContract,
)

/** Columns with stable field ids. */
export const salesEventColumns: Schema = /* @__PURE__ */ freezeDeep({
  fields: [
    { name: 'event_id', type: { kind: 'uuid' }, nullable: false, fieldId: 1 },
    { name: 'store_id', type: { kind: 'utf8' }, nullable: false, fieldId: 2 },
    { name: 'register_id', type: { kind: 'utf8' }, nullable: false, fieldId: 3 },
    { name: 'receipt_number', type: { kind: 'utf8' }, nullable: false, fieldId: 4 },
    { name: 'sale_type', type: { kind: 'enum', symbols: ['SALE', 'REFUND'] }, nullable: false, fieldId: 5 },
    { name: 'original_receipt_number', type: { kind: 'utf8' }, nullable: true, fieldId: 6 },
    {
      name: 'channel',
      type: { kind: 'enum', symbols: ['IN_STORE', 'ONLINE', 'DELIVERY', 'WHOLESALE'] },
      nullable: false,
      fieldId: 7,
    },
    { name: 'cashier_id', type: { kind: 'utf8' }, nullable: true, fieldId: 8 },
    { name: 'customer_id', type: { kind: 'utf8' }, nullable: true, fieldId: 9 },
    { name: 'currency', type: { kind: 'utf8' }, nullable: false, fieldId: 10 },
    {
      name: 'lines',
      type: {
        kind: 'list',
        item: {
          name: 'element',
          type: {
            kind: 'struct',
            fields: [
              { name: 'line_number', type: { kind: 'int32' }, nullable: false, fieldId: 19 },
              { name: 'product_id', type: { kind: 'utf8' }, nullable: false, fieldId: 20 },
              { name: 'quantity', type: { kind: 'int32' }, nullable: false, fieldId: 21 },
              { name: 'unit_price', type: { kind: 'decimal', precision: 10, scale: 2 }, nullable: false, fieldId: 22 },
              { name: 'discount', type: { kind: 'decimal', precision: 10, scale: 2 }, nullable: false, fieldId: 23 },
              { name: 'line_total', type: { kind: 'decimal', precision: 12, scale: 2 }, nullable: false, fieldId: 24 },
              { name: 'promotion_id', type: { kind: 'utf8' }, nullable: true, fieldId: 25 },
            ],
          },
          nullable: false,
          fieldId: 18,
        },
      },
      nullable: false,
      fieldId: 11,
    },
    { name: 'subtotal', type: { kind: 'decimal', precision: 12, scale: 2 }, nullable: false, fieldId: 12 },
    { name: 'discount_total', type: { kind: 'decimal', precision: 12, scale: 2 }, nullable: false, fieldId: 13 },
    { name: 'tax_total', type: { kind: 'decimal', precision: 12, scale: 2 }, nullable: false, fieldId: 14 },
    { name: 'total', type: { kind: 'decimal', precision: 12, scale: 2 }, nullable: false, fieldId: 15 },
    {
      name: 'payment',
      type: {
        kind: 'struct',
        fields: [
          {
            name: 'method',
            type: { kind: 'enum', symbols: ['CASH', 'CARD', 'MOBILE', 'GIFT_CARD', 'INVOICE'] },
            nullable: false,
            fieldId: 26,
          },
          { name: 'card_scheme', type: { kind: 'utf8' }, nullable: true, fieldId: 27 },
          { name: 'amount', type: { kind: 'decimal', precision: 12, scale: 2 }, nullable: false, fieldId: 28 },
          { name: 'tip', type: { kind: 'decimal', precision: 10, scale: 2 }, nullable: false, fieldId: 29 },
        ],
      },
      nullable: false,
      fieldId: 16,
    },
    { name: 'sold_at', type: { kind: 'timestamp', unit: 'micro', utc: true }, nullable: false, fieldId: 17 },
  ],
})

/** Table of rows and their lineage. */
export const salesEventPostgresDdl = `
CREATE TABLE IF NOT EXISTS "sales_events" (
  "event_id" uuid NOT NULL,
  "store_id" text NOT NULL,
  "register_id" text NOT NULL,
  "receipt_number" text NOT NULL,
  "sale_type" text NOT NULL CHECK ("sale_type" IN ('SALE', 'REFUND')),
  "original_receipt_number" text,
  "channel" text NOT NULL CHECK ("channel" IN ('IN_STORE', 'ONLINE', 'DELIVERY', 'WHOLESALE')),
  "cashier_id" text,
  "customer_id" text,
  "currency" text NOT NULL,
  "lines" jsonb NOT NULL,
  "subtotal" numeric(12, 2) NOT NULL,
  "discount_total" numeric(12, 2) NOT NULL,
  "tax_total" numeric(12, 2) NOT NULL,
  "total" numeric(12, 2) NOT NULL,
  "payment" jsonb NOT NULL,
  "sold_at" timestamptz NOT NULL,
  "_topic" text NOT NULL,
  "_partition" integer NOT NULL,
  "_offset" bigint NOT NULL,
  "_timestamp" timestamptz,
  "_ingested_at" timestamptz NOT NULL,
  "_schema_id" integer
);
COMMENT ON TABLE "sales_events" IS 'Sales receipts with lines and payment, from tills and online checkout';
`
