import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import avro from 'avsc'
import { createFileRegistry, frame } from '@sluice/schemas'
import type { AvroSchema, Contract } from '@sluice/schemas'

export const partitions = 4

const schema = {
  type: 'record',
  name: 'OrderPlaced',
  namespace: 'sluice.bench',
  fields: [
    { name: 'order_id', type: 'string' },
    { name: 'customer_id', type: 'string' },
    { name: 'session_id', type: 'string' },
    { name: 'placed_at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    {
      name: 'status',
      type: { type: 'enum', name: 'Status', symbols: ['NEW', 'PAID', 'SHIPPED', 'RETURNED'] },
    },
    { name: 'amount', type: { type: 'bytes', logicalType: 'decimal', precision: 12, scale: 2 } },
    { name: 'quantity', type: 'int' },
    { name: 'discount', type: ['null', 'double'], default: null },
    { name: 'currency', type: 'string' },
    { name: 'country', type: 'string' },
    { name: 'page', type: 'string' },
    { name: 'agent', type: 'string' },
    { name: 'gift', type: 'boolean' },
  ],
} as unknown as AvroSchema

/** An order of about 200 bytes, keyed by its id. */
export const contract: Contract = {
  name: 'bench.OrderPlaced',
  domain: 'bench',
  event: 'OrderPlaced',
  description: 'Orders of the PostgreSQL benchmark',
  topic: 'bench.orders',
  table: 'orders',
  format: 'avro',
  subject: 'bench.orders-value',
  versions: [{ version: 1, schema }],
  schema,
  key: ['order_id'],
  eventTime: 'placed_at',
  eventTimeUnit: 'milli',
  latenessMs: 60_000,
  tombstones: 'skip',
  partitionBy: [],
  rules: [],
  pii: {},
  fieldIds: {},
}

/** The same under the name of another topic. */
export function ordersIn(topic: string): Contract {
  return { ...contract, topic }
}

/** Fields in order: columns of both tables, which are compared. */
export const columns = (schema as unknown as { readonly fields: readonly { readonly name: string }[] }).fields.map(
  ({ name }) => name,
)

/** The smallest whole number of bytes is enough for amounts up to 2^31 - 1. */
export class DecimalType extends avro.types.LogicalType {
  override _fromValue(value: Buffer): string {
    const unscaled = value.length === 0 ? 0 : value.readIntBE(0, Math.min(6, value.length))
    return (unscaled / 100).toFixed(2)
  }
  override _toValue(unscaled: number): Buffer {
    const bytes = Buffer.alloc(4)
    bytes.writeInt32BE(unscaled)
    return bytes
  }
}

export function avscType(): avro.Type {
  return avro.Type.forSchema(schema as avro.Schema, { logicalTypes: { decimal: DecimalType } })
}

const agents = [
  'Mozilla/5.0 (X11; Linux x86_64) Firefox/142.0',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 19) Safari/619',
  'Mozilla/5.0 (Windows NT 10.0; Win64) Chrome/143.0',
]
const countries = ['IN', 'US', 'UK', 'DE', 'CA', 'AU']
const statuses = ['NEW', 'PAID', 'SHIPPED', 'RETURNED']
const start = Date.UTC(2026, 0, 5)

function hash(value: number): number {
  let t = Math.imul(value ^ (value >>> 16), 0x21f0aaad)
  t = Math.imul(t ^ (t >>> 15), 0x735a2d97)
  return (t ^ (t >>> 15)) >>> 0
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(8, '0').slice(0, digits)
}

/** Random-looking and unique: the text of a version 4 UUID. */
function idOf(i: number): string {
  const [a, b, c] = [hash(i), hash(i + 0x1000_0000), hash(i + 0x2000_0000)]
  return `${hex(a, 8)}-${hex(b, 4)}-4${hex(b >>> 8, 3)}-a${hex(c, 3)}-${hex(i, 8)}${hex(c >>> 4, 4)}`
}

/** Values of one event as avsc takes them. */
export function orderAt(i: number): Record<string, unknown> {
  const random = hash(i ^ 0x5bd1e995)
  return {
    order_id: idOf(i),
    customer_id: `customer-${String(random % 200_000).padStart(7, '0')}`,
    session_id: `s-${hex(hash(random), 8)}${hex(random, 8)}`,
    placed_at: start + i * 7 + (random % 5000),
    status: statuses[random & 3],
    amount: 100 + (random % 500_000),
    quantity: 1 + (random % 9),
    discount: random % 3 === 0 ? (random % 100) / 400 : null,
    currency: random % 2 === 0 ? 'EUR' : 'USD',
    country: countries[random % 6],
    page: `/shop/category-${random % 40}/product-${random % 5000}?ref=mail-${random % 90}`,
    agent: agents[random % 3],
    gift: random % 10 === 0,
  }
}

export interface OrderRecord {
  readonly key: Buffer
  readonly value: Uint8Array
  readonly timestamp: number
}

export const orders = avscType()

/** Records of the orders `i` with `i % partitions = partition` in `[from, to)`, in Confluent framing. */
export function orderRecords(schemaId: number, partition: number, from: number, to: number): OrderRecord[] {
  const records: OrderRecord[] = []
  for (let i = from + ((partition - (from % partitions) + partitions) % partitions); i < to; i += partitions) {
    const order = orderAt(i)
    records.push({
      key: Buffer.from(order['order_id'] as string),
      value: frame(schemaId, orders.toBuffer(order)),
      timestamp: order['placed_at'] as number,
    })
  }
  return records
}

/** Where the registry of a run lies. */
export function registryFolder(records: number): string {
  const folder = fileURLToPath(new URL(`../../.data/postgres-${records}/registry`, import.meta.url))
  mkdirSync(folder, { recursive: true })
  return folder
}

export function registerOrders(records: number): Promise<number> {
  return createFileRegistry(registryFolder(records)).register(contract.subject, contract.schema)
}
