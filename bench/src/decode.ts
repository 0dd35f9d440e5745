/**
 * Decoding of UserEvent v2: avsc to rows against @sluice/columnar to columns, and JSON.parse against the JSON decoder.
 * Rounds are interleaved, so that whatever else the machine does meets all alike; the median of the ratio per round counts.
 *
 * Repeat: node --conditions=sluice-source bench/src/decode.ts [--write]
 */
import { readFileSync } from 'node:fs'
import { deepStrictEqual } from 'node:assert'
import avro from 'avsc'
import { compileAvroDecoder, compileJsonDecoder, createBatchBuilder, rowsOf } from '@sluice/columnar'
import type { Decoder, RecordRanges, RowObject } from '@sluice/columnar'
import type { UserEvent } from './log-to-parquet/event-appender.ts'
import { median } from './median.ts'
import { origin, storeResult } from './store-result.ts'

const records = 50_000
const batchRows = 5_000
const rounds = 41
const warmUp = 10

const schemaUrl = new URL('../../packages/schemas/contracts/ecommerce/UserEvent/v2.avsc', import.meta.url)
const schema = JSON.parse(readFileSync(schemaUrl, 'utf8')) as avro.schema.RecordType

function createRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

const catalogue = [
  ['PROD-101', 'Wireless Mouse', 1299.5, 'Electronics'],
  ['PROD-102', 'USB-C Hub', 2499, 'Electronics'],
  ['PROD-103', 'Desk Lamp', 899.99, 'Home'],
  ['PROD-104', 'Running Shoes', 3999, 'Sports'],
  ['PROD-105', 'Coffee Mug', 349, 'Kitchen'],
  ['PROD-106', 'Yoga Mat', 1199, 'Sports'],
  ['PROD-107', 'Notebook', 149.5, 'Stationery'],
  ['PROD-108', 'Backpack', 2199, 'Travel'],
  ['PROD-109', 'Headphones', 4999, 'Electronics'],
  ['PROD-110', 'Water Bottle', 599, 'Kitchen'],
] as const

/** Events by the weights of the shop: 5 % are searches, which have no product. */
function makeEvents(): UserEvent[] {
  const random = createRandom(7)
  const hex = (digits: number): string =>
    Array.from({ length: digits }, () => Math.floor(random() * 16).toString(16)).join('')
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!
  return Array.from({ length: records }, (_, i) => {
    const dice = random()
    const type =
      dice < 0.6
        ? 'PAGE_VIEW'
        : dice < 0.8
          ? 'ADD_TO_CART'
          : dice < 0.9
            ? 'PURCHASE'
            : dice < 0.95
              ? 'REMOVE_FROM_CART'
              : 'SEARCH'
    const [id, name, price, category] = type === 'SEARCH' ? [null, null, null, null] : pick(catalogue)
    return {
      event_id: `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`,
      user_id: `user_${String(Math.floor(random() * 100)).padStart(4, '0')}`,
      event_type: type,
      timestamp: 1_795_255_200_000 + 37 * i,
      session_id: `session_${hex(8)}`,
      product_id: id,
      product_name: name,
      price,
      category,
      device_type: pick(['MOBILE', 'DESKTOP', 'TABLET']),
      country: pick(['IN', 'US', 'UK', 'DE', 'CA', 'AU']),
    }
  })
}

function toRanges(values: readonly Buffer[]): Omit<RecordRanges, 'bytes'> & { readonly bytes: Buffer } {
  const starts = new Int32Array(values.length)
  const ends = new Int32Array(values.length)
  let at = 0
  values.forEach((value, i) => {
    starts[i] = at
    ends[i] = at += value.length
  })
  return { bytes: Buffer.concat(values), starts, ends }
}

/** Rows of a batch at a time, as a consumer holds them. */
function decodeRows(input: RecordRanges, decode: (from: number, to: number) => unknown): number {
  let rows = 0
  for (let from = 0; from < records; from += batchRows) {
    const batch: unknown[] = []
    for (let i = from; i < from + batchRows; i++) batch.push(decode(input.starts[i]!, input.ends[i]!))
    rows += batch.length
  }
  return rows
}

function decodeColumns(input: RecordRanges, decoder: Decoder, builder: ReturnType<typeof createBatchBuilder>): number {
  let rows = 0
  for (let from = 0; from < records; from += batchRows) {
    decoder.decodeInto(builder, input, from, from + batchRows, [])
    rows += builder.finish().length
  }
  return rows
}

const type = avro.Type.forSchema(schema)
/** The events themselves are let go: what lives in the heap is what a consumer would have there. */
function encodeEvents() {
  const events = makeEvents()
  return {
    avroInput: toRanges(events.map((event) => type.toBuffer(event))),
    jsonInput: toRanges(events.map((event) => Buffer.from(JSON.stringify(event)))),
  }
}

const { avroInput, jsonInput } = encodeEvents()
const avroDecoder = compileAvroDecoder(schema, schema)
const jsonDecoder = compileJsonDecoder(avroDecoder.schema)
const builder = createBatchBuilder(avroDecoder.schema, batchRows)

/** Every value of both decoders against avsc's. */
function checkParity(): void {
  for (const [decoder, input] of [
    [avroDecoder, avroInput],
    [jsonDecoder, jsonInput],
  ] as const) {
    decoder.decodeInto(builder, input, 0, records, [])
    const rows: RowObject[] = rowsOf(builder.finish())
    rows.forEach((row, i) => {
      const expected = {
        ...(type.fromBuffer(avroInput.bytes.subarray(avroInput.starts[i], avroInput.ends[i])) as UserEvent),
      }
      deepStrictEqual({ ...row, timestamp: Number(row['timestamp']) }, expected)
    })
    deepStrictEqual(rows.length, records)
  }
}

checkParity()
const contestants = {
  'avsc rows': () => decodeRows(avroInput, (from, to) => type.fromBuffer(avroInput.bytes.subarray(from, to))),
  'avro columns': () => decodeColumns(avroInput, avroDecoder, builder),
  'JSON.parse rows': () => decodeRows(jsonInput, (from, to) => JSON.parse(jsonInput.bytes.toString('utf8', from, to))),
  'json columns': () => decodeColumns(jsonInput, jsonDecoder, builder),
}
type Name = keyof typeof contestants
const names = Object.keys(contestants) as Name[]
const times = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>

for (let round = 0; round < warmUp + rounds; round++) {
  for (const name of names) {
    const start = performance.now()
    if (contestants[name]() !== records) throw new Error(`${name} lost records`)
    if (round >= warmUp) times[name].push(performance.now() - start)
  }
}

const perSecond = (name: Name): number => Math.round(records / (median(times[name]) / 1000))
const ratio = (slow: Name, fast: Name): number =>
  Number(median(times[slow].map((time, round) => time / times[fast][round]!)).toFixed(2))

const result = {
  what: 'UserEvent v2, decoded from one slab in batches of 5,000 records',
  command: 'node --conditions=sluice-source bench/src/decode.ts --write',
  ...origin(),
  records,
  rounds,
  bytesPerRecord: { avro: avroInput.bytes.length / records, json: jsonInput.bytes.length / records },
  recordsPerSecond: Object.fromEntries(names.map((name) => [name, perSecond(name)])),
  ratio: {
    'avro columns to avsc rows': ratio('avsc rows', 'avro columns'),
    'json columns to JSON.parse rows': ratio('JSON.parse rows', 'json columns'),
  },
  parity: `all values of ${records} records equal`,
}
console.log(result)
if (process.argv.includes('--write')) storeResult('decode', result)
