// Generated from contracts/bakery/InventoryUpdate by @sluice/schemas. Do not edit: change the contract.
import { z } from 'zod'
import type { Schema } from '@sluice/columnar'
import { freezeDeep, rowType, withRules, type Contract } from '../../generated-support.ts'

/** A change of the stock of one product in one store. Hand-held scanners upload when they find a network, so updates arrive up to 48 h late. */
export interface InventoryUpdate {
  /** Identity of this event; a re-sent event keeps it. */
  event_id: string
  /** Store, STORE-nnn. */
  store_id: string
  /** Product, PROD-nnnn. */
  product_id: string
  /** What moved the stock. */
  update_type: 'BAKED' | 'DELIVERED' | 'SOLD' | 'WASTED' | 'TRANSFER_IN' | 'TRANSFER_OUT' | 'COUNTED'
  /** Change in pieces; negative takes away. */
  quantity_delta: number
  /** Stock after the change, pieces. */
  quantity_on_hand: number
  /** Cost of one piece at this change. */
  unit_cost: string | null
  /** Why pieces were wasted or corrected. */
  reason: string | null
  /** Oven batch the pieces come from. */
  bake_batch_id: string | null
  /** Day of production. */
  produced_on: number | null
  /** Last day of sale. */
  best_before: number | null
  /** Member of staff with the scanner. */
  recorded_by: string | null
  /** Counter per store and product; the highest is the newest state. */
  sequence: bigint
  /** When the stock changed, UTC. */
  occurred_at: bigint
  /** When the change was entered, UTC. */
  recorded_at: bigint
}

const versions: Contract['versions'] = /* @__PURE__ */ freezeDeep([
  {
    version: 1,
    schema: {
      type: 'record',
      name: 'InventoryUpdate',
      namespace: 'com.bakery.inventory',
      doc: 'A change of the stock of one product in one store. Hand-held scanners upload when they find a network, so updates arrive up to 48 h late.',
      fields: [
        {
          name: 'event_id',
          type: { type: 'string', logicalType: 'uuid' },
          doc: 'Identity of this event; a re-sent event keeps it.',
        },
        { name: 'store_id', type: 'string', doc: 'Store, STORE-nnn.' },
        { name: 'product_id', type: 'string', doc: 'Product, PROD-nnnn.' },
        {
          name: 'update_type',
          type: {
            type: 'enum',
            name: 'InventoryUpdateType',
            symbols: ['BAKED', 'DELIVERED', 'SOLD', 'WASTED', 'TRANSFER_IN', 'TRANSFER_OUT', 'COUNTED'],
          },
          doc: 'What moved the stock.',
        },
        { name: 'quantity_delta', type: 'int', doc: 'Change in pieces; negative takes away.' },
        { name: 'quantity_on_hand', type: 'int', doc: 'Stock after the change, pieces.' },
        {
          name: 'unit_cost',
          type: ['null', { type: 'bytes', logicalType: 'decimal', precision: 10, scale: 4 }],
          default: null,
          doc: 'Cost of one piece at this change.',
        },
        { name: 'reason', type: ['null', 'string'], default: null, doc: 'Why pieces were wasted or corrected.' },
        { name: 'bake_batch_id', type: ['null', 'string'], default: null, doc: 'Oven batch the pieces come from.' },
        {
          name: 'produced_on',
          type: ['null', { type: 'int', logicalType: 'date' }],
          default: null,
          doc: 'Day of production.',
        },
        {
          name: 'best_before',
          type: ['null', { type: 'int', logicalType: 'date' }],
          default: null,
          doc: 'Last day of sale.',
        },
        { name: 'recorded_by', type: ['null', 'string'], default: null, doc: 'Member of staff with the scanner.' },
        { name: 'sequence', type: 'long', doc: 'Counter per store and product; the highest is the newest state.' },
        {
          name: 'occurred_at',
          type: { type: 'long', logicalType: 'timestamp-micros' },
          doc: 'When the stock changed, UTC.',
        },
        {
          name: 'recorded_at',
          type: { type: 'long', logicalType: 'timestamp-micros' },
          doc: 'When the change was entered, UTC.',
        },
      ],
    },
  },
])

/** Contract of bakery.InventoryUpdate: Stock changes per store and product; corrections arrive up to 48 hours late. */
export const inventoryUpdateContract: Contract = /* @__PURE__ */ freezeDeep({
  name: 'bakery.InventoryUpdate',
  domain: 'bakery',
  event: 'InventoryUpdate',
  description: 'Stock changes per store and product; corrections arrive up to 48 hours late',
  topic: 'bakery.inventory_updates',
  table: 'inventory_updates',
  format: 'avro',
  subject: 'bakery.inventory_updates-value',
  key: ['store_id', 'product_id'],
  id: 'event_id',
  eventTime: 'occurred_at',
  eventTimeUnit: 'micro',
  latenessMs: 172800000,
  tombstones: 'dead-letter',
  partitionBy: [{ field: 'occurred_at', transform: 'day', as: 'date' }],
  rules: [
    { name: 'store_id_format', field: 'store_id', pattern: '^STORE-[0-9]{3}$' },
    { name: 'product_id_format', field: 'product_id', pattern: '^PROD-[0-9]{4}$' },
    { name: 'quantity_delta_plausible', field: 'quantity_delta', min: -100000, max: 100000 },
    { name: 'quantity_on_hand_not_negative', field: 'quantity_on_hand', min: 0 },
    { name: 'unit_cost_not_negative', field: 'unit_cost', min: 0 },
    { name: 'sequence_not_negative', field: 'sequence', min: 0 },
    { name: 'waste_has_reason', field: 'reason', required: true, when: { update_type: ['WASTED'] } },
    { name: 'baked_has_batch', field: 'bake_batch_id', required: true, when: { update_type: ['BAKED'] } },
    { name: 'best_before_after_production', field: 'best_before', notBefore: 'produced_on' },
    { name: 'recorded_after_occurred', field: 'recorded_at', notBefore: 'occurred_at' },
  ],
  pii: { recorded_by: 'quasi' },
  fieldIds: {
    event_id: 1,
    store_id: 2,
    product_id: 3,
    update_type: 4,
    quantity_delta: 5,
    quantity_on_hand: 6,
    unit_cost: 7,
    reason: 8,
    bake_batch_id: 9,
    produced_on: 10,
    best_before: 11,
    recorded_by: 12,
    sequence: 13,
    occurred_at: 14,
    recorded_at: 15,
  },
  versions,
  schema: versions[0]!.schema,
})

/** Checks types and rules of a row. */
export const inventoryUpdateValidator: z.ZodType<InventoryUpdate> = /* @__PURE__ */ withRules(
  z.strictObject({
    event_id: rowType.uuid(),
    store_id: rowType.text(),
    product_id: rowType.text(),
    update_type: z.enum(['BAKED', 'DELIVERED', 'SOLD', 'WASTED', 'TRANSFER_IN', 'TRANSFER_OUT', 'COUNTED']),
    quantity_delta: z.int32(),
    quantity_on_hand: z.int32(),
    unit_cost: rowType.decimal(10, 4).nullable(),
    reason: rowType.text().nullable(),
    bake_batch_id: rowType.text().nullable(),
    produced_on: z.int32().nullable(),
    best_before: z.int32().nullable(),
    recorded_by: rowType.text().nullable(),
    sequence: z.int64(),
    occurred_at: z.int64(),
    recorded_at: z.int64(),
  }),
  inventoryUpdateContract,
)

/** Columns with stable field ids. */
export const inventoryUpdateColumns: Schema = /* @__PURE__ */ freezeDeep({
  fields: [
    { name: 'event_id', type: { kind: 'uuid' }, nullable: false, fieldId: 1 },
    { name: 'store_id', type: { kind: 'utf8' }, nullable: false, fieldId: 2 },
    { name: 'product_id', type: { kind: 'utf8' }, nullable: false, fieldId: 3 },
    {
      name: 'update_type',
      type: {
        kind: 'enum',
        symbols: ['BAKED', 'DELIVERED', 'SOLD', 'WASTED', 'TRANSFER_IN', 'TRANSFER_OUT', 'COUNTED'],
      },
      nullable: false,
      fieldId: 4,
    },
    { name: 'quantity_delta', type: { kind: 'int32' }, nullable: false, fieldId: 5 },
    { name: 'quantity_on_hand', type: { kind: 'int32' }, nullable: false, fieldId: 6 },
    { name: 'unit_cost', type: { kind: 'decimal', precision: 10, scale: 4 }, nullable: true, fieldId: 7 },
    { name: 'reason', type: { kind: 'utf8' }, nullable: true, fieldId: 8 },
    { name: 'bake_batch_id', type: { kind: 'utf8' }, nullable: true, fieldId: 9 },
    { name: 'produced_on', type: { kind: 'date' }, nullable: true, fieldId: 10 },
    { name: 'best_before', type: { kind: 'date' }, nullable: true, fieldId: 11 },
    { name: 'recorded_by', type: { kind: 'utf8' }, nullable: true, fieldId: 12 },
    { name: 'sequence', type: { kind: 'int64' }, nullable: false, fieldId: 13 },
    { name: 'occurred_at', type: { kind: 'timestamp', unit: 'micro', utc: true }, nullable: false, fieldId: 14 },
    { name: 'recorded_at', type: { kind: 'timestamp', unit: 'micro', utc: true }, nullable: false, fieldId: 15 },
  ],
})

/** Table of rows and their lineage. */
export const inventoryUpdatePostgresDdl = `
CREATE TABLE IF NOT EXISTS "inventory_updates" (
  "event_id" uuid NOT NULL,
  "store_id" text NOT NULL,
  "product_id" text NOT NULL,
  "update_type" text NOT NULL CHECK ("update_type" IN ('BAKED', 'DELIVERED', 'SOLD', 'WASTED', 'TRANSFER_IN', 'TRANSFER_OUT', 'COUNTED')),
  "quantity_delta" integer NOT NULL,
  "quantity_on_hand" integer NOT NULL,
  "unit_cost" numeric(10, 4),
  "reason" text,
  "bake_batch_id" text,
  "produced_on" date,
  "best_before" date,
  "recorded_by" text,
  "sequence" bigint NOT NULL,
  "occurred_at" timestamptz NOT NULL,
  "recorded_at" timestamptz NOT NULL,
  "_topic" text NOT NULL,
  "_partition" integer NOT NULL,
  "_offset" bigint NOT NULL,
  "_timestamp" timestamptz,
  "_ingested_at" timestamptz NOT NULL,
  "_schema_id" integer
);
COMMENT ON TABLE "inventory_updates" IS 'Stock changes per store and product; corrections arrive up to 48 hours late';
`
