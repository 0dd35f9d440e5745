import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDecodeService, createIngestWorkers, createSchemaResolver, fetchedFromRecords } from '@sluice/ingest-core'
import { createRowCodec, frame } from '@sluice/schemas'
import type { SchemaRegistry } from '@sluice/schemas'
import { createPostgresDeadLetters, createPostgresLetterFeed, createPostgresSink } from '../src/index.ts'
import { contractOf, millis, never, optional, partitionOf } from './rows.ts'
import { connect, freshSchema, sql } from './server.ts'

const contract = {
  ...contractOf([
    { name: 'id', type: 'string' },
    { name: 'at', type: millis },
    { name: 'price', type: optional('double') },
  ]),
  rules: [{ name: 'price_small', field: 'price', max: 1000 }],
}
const registry = {
  getById: () => Promise.resolve({ schema: contract.schema, subjects: [contract.subject] }),
} as unknown as SchemaRegistry
const contracts = [contract]
const workers = createIngestWorkers({ contracts, size: 1 })
const schemas = createSchemaResolver({ registry, checks: 1 })
const decoder = createDecodeService({ workers, contracts, schemas })
const pool = connect()
const codec = createRowCodec(contract.schema)
const partition = partitionOf(contract)
let schema: string

const value = (id: string, price: number): Uint8Array => frame(1, codec.encode({ id, at: 1_780_000_000_000n, price }))
const options = () => ({
  connection: pool,
  sinkId: 'letters',
  owner: 'tests',
  schema,
  tables: [{ contract, mode: 'upsert' as const }],
})
const letters = () => createPostgresDeadLetters({ ...options(), decoder })

beforeAll(async () => {
  schema = await freshSchema('letters')
  await sql(
    `CREATE TABLE ${schema}.things (id text PRIMARY KEY, at timestamptz, price double precision CONSTRAINT positive CHECK (price >= 0))`,
  )
  const values = [value('a', 1), value('b', -1), Uint8Array.of(1, 2), value('c', 5000), value('d', -2), value('e', 2)]
  const records = values.map((bytes, offset) => ({ offset, timestamp: 1_780_000_000_000, value: bytes, headers: null }))
  const fetched = fetchedFromRecords(partition, records)
  const sink = createPostgresSink(options())
  await sink.open(partition, () => Promise.resolve(0), never)
  for (const batch of await decoder.decode(fetched, 0))
    await sink.write({ ...batch, partition, origin: fetched }, never)
  const receipt = await sink.commit({ partition, reason: 'time' }, never)
  expect(receipt!.counts).toMatchObject({ consumed: 6, stored: 2, deadLettered: 4 })
  const decided = await createPostgresLetterFeed({ ...options(), consumer: 'relay' }).decidedBy(receipt!, never)
  expect(decided!.letters).toHaveLength(4)
  await sink.close()
})

afterAll(async () => {
  await sql(`DROP SCHEMA ${schema} CASCADE`)
  await pool.close()
  await workers.close()
})

describe('dead letters in PostgreSQL', () => {
  it('are none before the sink has made its tables', async () => {
    const untouched = createPostgresDeadLetters({ ...options(), schema: `${schema}_other`, decoder })
    expect(await untouched.list()).toEqual([])
    expect(await untouched.replay()).toMatchObject({ landed: 0, stillBad: [] })
    expect(await untouched.discard({}, 'none')).toBe(0)
  })

  it('hands decided letters to each consumer until it acknowledges them', async () => {
    const feed = createPostgresLetterFeed({ ...options(), consumer: 'relay' })
    const pending = async (): Promise<number[]> => {
      const offsets: number[] = []
      for await (const each of feed.pending(never)) offsets.push(...each.letters.map(({ offset }) => offset))
      return offsets
    }
    expect(await pending()).toEqual([1, 2, 3, 4])
    for await (const each of feed.pending(never)) {
      await feed.acknowledge(each, never)
      await feed.acknowledge(each, never)
    }
    expect(await pending()).toEqual([])
  })

  it('lists and shows them with the bytes as received', async () => {
    const all = await letters().list()
    expect(all.map(({ letter, state }) => [letter.offset, letter.stage, letter.code, letter.path, state])).toEqual([
      [1, 'sink', 'sqlstate_23514', 'price', 'open'],
      [2, 'envelope', 'envelope_short', '', 'open'],
      [3, 'rule', 'rule_price_small', 'price', 'open'],
      [4, 'sink', 'sqlstate_23514', 'price', 'open'],
    ])
    expect(all[0]!.letter.value).toEqual(Uint8Array.from(value('b', -1)))
    expect(await letters().show(all[2]!.key)).toEqual(all[2])
    expect(await letters().list({ code: 'rule_price_small' })).toHaveLength(1)
    expect(await letters().list({ limit: 2 })).toHaveLength(2)
    expect(await letters().list({ topic: 'other' })).toEqual([])
    await expect(letters().show('a/b/0/1/c')).rejects.toMatchObject({ code: 'LETTER_UNKNOWN' })
  })

  it('a dry run says what would happen, and changes nothing', async () => {
    const report = await letters().replay({
      dryRun: true,
      fix: ({ offset }) => value(`fixed-${offset}`, offset === 4 ? -1 : 1),
    })
    expect(report).toMatchObject({ dryRun: true, landed: 3, stillBad: [{ code: 'sqlstate_23514', path: 'price' }] })
    expect((await letters().list()).every(({ state, letter }) => state === 'open' && letter.attempt === 1)).toBe(true)
    expect(await sql(`SELECT count(*)::int AS n FROM ${schema}.things`)).toEqual([{ n: 2 }])
  })

  it('lands fixed letters once; bad ones stay with their attempt counted; others are discarded', async () => {
    const fix = ({ offset }: { offset: number }): Uint8Array | undefined =>
      offset === 1 ? value('b', 10) : offset === 3 ? value('c', 9999) : offset === 4 ? value('d', -9) : undefined
    const report = await letters().replay({ fix })
    expect(report).toMatchObject({ landed: 1, skipped: { unfixed: 1 } })
    expect(report.stillBad.map(({ code }) => code).sort()).toEqual(['rule_price_small', 'sqlstate_23514'])
    expect((await letters().replay({ fix })).landed).toBe(0)
    expect(await sql(`SELECT id, price, _offset::int AS at FROM ${schema}.things WHERE id = 'b'`)).toEqual([
      { id: 'b', price: 10, at: 1 },
    ])
    expect((await letters().list()).map(({ letter, state }) => [letter.attempt, state])).toEqual([
      [1, 'landed'],
      [1, 'open'],
      [3, 'open'],
      [3, 'open'],
    ])
    expect(await letters().discard({ code: 'envelope_short' }, 'noise')).toBe(1)
    expect(await letters().discard({ code: 'envelope_short' }, 'noise')).toBe(0)
    expect(await letters().audit()).toMatchObject({
      conserved: true,
      topics: { [contract.topic]: { consumed: 6, stored: 2, deadLettered: 4, open: 2, landed: 1, discarded: 1 } },
    })
  })

  it('two replays at once land a letter once', async () => {
    const fix = ({ offset }: { offset: number }): Uint8Array => value(`twice-${offset}`, 3)
    const reports = await Promise.all([letters().replay({ fix }), letters().replay({ fix })])
    expect(reports[0].landed + reports[1].landed).toBe(2)
    expect(await sql(`SELECT count(*)::int AS n FROM ${schema}.things WHERE id LIKE 'twice-%'`)).toEqual([{ n: 2 }])
  })
})
