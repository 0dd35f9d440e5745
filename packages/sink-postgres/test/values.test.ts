import { rowsOf } from '@sluice/columnar'
import { afterAll, describe, expect, it } from 'vitest'
import { createPostgresSink } from '../src/index.ts'
import type { PostgresTable } from '../src/index.ts'
import { batchOf, contractOf, land, millis, optional, partitionOf, randomOf } from './rows.ts'
import { connect, freshSchema, sql } from './server.ts'

const pool = connect()
afterAll(() => pool.close())

const decimal = (precision: number, scale: number): object => ({
  type: 'bytes',
  logicalType: 'decimal',
  precision,
  scale,
})
const contract = contractOf([
  { name: 'id', type: 'int' },
  { name: 'at', type: millis },
  { name: 'yes', type: optional('boolean') },
  { name: 'big', type: optional('long') },
  { name: 'single', type: optional('float') },
  { name: 'double', type: optional('double') },
  { name: 'text', type: optional('string') },
  { name: 'bytes', type: optional('bytes') },
  { name: 'kind', type: optional({ type: 'enum', name: 'Kind', symbols: ['ONE', 'TWO_E'] }) },
  { name: 'money', type: optional(decimal(12, 2)) },
  { name: 'huge', type: optional(decimal(38, 10)) },
  { name: 'whole', type: optional(decimal(20, 0)) },
  { name: 'fraction', type: optional(decimal(7, 7)) },
  { name: 'day', type: optional({ type: 'int', logicalType: 'date' }) },
  { name: 'clock', type: optional({ type: 'int', logicalType: 'time-millis' }) },
  { name: 'fine_clock', type: optional({ type: 'long', logicalType: 'time-micros' }) },
  { name: 'micros', type: optional({ type: 'long', logicalType: 'timestamp-micros' }) },
  { name: 'local', type: optional({ type: 'long', logicalType: 'local-timestamp-millis' }) },
  { name: 'uid', type: optional({ type: 'string', logicalType: 'uuid' }) },
  { name: 'fixed', type: optional({ type: 'fixed', name: 'Four', size: 4 }) },
  {
    name: 'nested',
    type: optional({
      type: 'record',
      name: 'Inner',
      fields: [
        { name: 'tags', type: { type: 'array', items: 'string' } },
        { name: 'price', type: optional(decimal(20, 4)) },
        { name: 'more', type: { type: 'map', values: 'long' } },
      ],
    }),
  },
])

type Row = Record<string, unknown>

async function landed(
  rows: readonly Row[],
  table: Partial<PostgresTable> = {},
  ddl = '',
): Promise<{ schema: string; receipt: Awaited<ReturnType<typeof land>> }> {
  const schema = await freshSchema('values')
  if (ddl !== '') await sql(ddl.replaceAll('things', `${schema}.things`))
  const sink = createPostgresSink({
    connection: pool,
    sinkId: 'v',
    owner: 'tests',
    schema,
    tables: [{ contract: table.contract ?? contract, mode: 'append', ...table }],
  })
  const receipt = await land(sink, batchOf(table.contract ?? contract, partitionOf(contract), 0, rows))
  return { schema, receipt }
}

const base = { id: 1, at: 0n }

describe('values arrive as they were sent', () => {
  it('edges of every type', async () => {
    const rows: Row[] = [
      { ...base, id: 0 },
      {
        id: 2_147_483_647,
        at: 1_779_999_999_999n,
        yes: true,
        big: 9_223_372_036_854_775_807n,
        single: 1.5,
        double: Number.MIN_VALUE,
        text: 'tab\t"quote" \\N \\. line\nbreak é 🎉',
        bytes: Uint8Array.of(0, 255, 10, 92),
        kind: 'TWO_E',
        money: '9999999999.99',
        huge: '9999999999999999999999999999.9999999999',
        whole: '99999999999999999999',
        fraction: '0.0000001',
        day: 20_000,
        clock: 86_399_999,
        fine_clock: 86_399_999_999n,
        micros: 1_779_999_999_999_999n,
        local: 1_779_999_999_999n,
        uid: '123e4567-e89b-42d3-a456-426614174000',
        fixed: Uint8Array.of(1, 2, 3, 4),
        nested: { tags: ['a', '"'], price: '1234567890123456.7890', more: { big: 9_007_199_254_740_993n } },
      },
      {
        id: -2_147_483_648,
        at: -1n,
        yes: false,
        big: -9_223_372_036_854_775_808n,
        single: Number.NaN,
        double: Number.NEGATIVE_INFINITY,
        text: '',
        bytes: new Uint8Array(),
        kind: 'ONE',
        money: '-0.01',
        huge: '-9999999999999999999999999999.9999999999',
        whole: '-1',
        fraction: '-0.9999999',
        day: -719_162, // 0001-01-01
        clock: 0,
        fine_clock: 0n,
        micros: -62_135_596_800_000_001n, // a microsecond before the year 1
        local: -1n,
        uid: '00000000-0000-0000-0000-000000000000',
        fixed: new Uint8Array(4),
        nested: { tags: [], price: null, more: {} },
      },
      { ...base, id: 5, double: -0, money: '0.00', huge: '0.0000000001', micros: -1n, day: 2_932_896 /* 9999-12-31 */ },
    ]
    const texts = contract.versions[0]!.schema as unknown as { fields: { name: string }[] }
    const list = texts.fields.map(({ name }) => `"${name}"::text`).join(', ')
    const found: unknown[] = []
    // By a load and by a merge.
    for (const direct of [true, false]) {
      const { schema, receipt } = await landed(rows, { direct })
      expect(receipt!.counts.stored).toBe(rows.length)
      found.push(
        await sql(`SET datestyle = 'ISO'; SET timezone = 'UTC'; SELECT ${list} FROM ${schema}.things ORDER BY _offset`),
      )
      await sql(`DROP SCHEMA ${schema} CASCADE`)
    }
    expect(found[0]).toMatchSnapshot()
    expect(found[1]).toEqual(found[0])
  })

  it('random rows read back by PostgreSQL are the rows that were sent (inputs 16, 17)', async () => {
    const random = randomOf(7)
    const maybe = <T>(value: T): T | null => (random() < 0.2 ? null : value)
    const wholeOf = (digits: number): string => String(Math.floor(random() * 10 ** digits) - 5 * 10 ** (digits - 1))
    const bigOf = (): bigint => (BigInt(Math.floor(random() * 2 ** 32)) << 31n) - BigInt(Math.floor(random() * 2 ** 50))
    const rows: Row[] = Array.from({ length: 3000 }, (_, i) => ({
      id: i,
      at: BigInt(Math.floor((random() - 0.5) * 1e14)),
      big: maybe(bigOf()),
      double: maybe((random() - 0.5) * 10 ** Math.floor(random() * 40 - 20)),
      text: maybe('ä'.repeat(Math.floor(random() * 90))),
      money: maybe((Number(wholeOf(12)) / 100).toFixed(2)),
      huge: maybe(`${bigOf()}.${String(Math.floor(random() * 1e10)).padStart(10, '0')}`),
      micros: maybe(bigOf() / 4n),
      day: maybe(Math.floor((random() - 0.5) * 1e6)),
    }))
    const { schema } = await landed(rows)
    const sent = rowsOf(batchOf(contract, partitionOf(contract), 0, rows).batch)
    const found = await sql<{
      id: number
      at: string
      big: string | null
      double: number | null
      text: string | null
      money: string | null
      huge: string | null
      micros: string | null
      day: number | null
    }>(
      `SELECT id, (extract(epoch FROM at) * 1000)::bigint::text AS at, big::text, double, text, money::text, huge::text, ` +
        `(extract(epoch FROM micros) * 1000000)::bigint::text AS micros, day - '1970-01-01'::date AS day FROM ${schema}.things ORDER BY id`,
    )
    const text = (value: unknown): string | null => (value === null ? null : String(value))
    expect(found).toEqual(
      sent.map((row) => ({
        id: row['id'],
        at: text(row['at']),
        big: text(row['big']),
        double: row['double'],
        text: row['text'],
        money: row['money'],
        huge: row['huge'],
        micros: text(row['micros']),
        day: row['day'],
      })),
    )
    await sql(`DROP SCHEMA ${schema} CASCADE`)
  })
})

describe('values that do not fit', () => {
  const refused = async (schema: string): Promise<unknown[]> =>
    sql(`SELECT "offset"::int AS at, code, path, expected FROM ${schema}.ingest_dead_letter ORDER BY 1`)

  it('dates and times out of range: rejected, or null by policy (input 22)', async () => {
    const bad: Row[] = [
      { ...base, id: 1, micros: 9_223_372_036_854_775_807n },
      { ...base, id: 2, micros: -9_223_372_036_854_775_808n },
      { ...base, id: 3, day: 2_147_483_647 },
      { ...base, id: 4, day: -2_147_483_648 },
      { ...base, id: 5, clock: -1 },
      { ...base, id: 6, fine_clock: 86_400_000_001n },
      { ...base, id: 7, local: 9_223_372_036_854_775_807n },
      { ...base, id: 8, fine_clock: 86_400_000_000n },
    ]
    const strict = await landed(bad)
    expect(strict.receipt!.counts).toMatchObject({ stored: 1, deadLettered: 7 })
    expect((await refused(strict.schema)).map((letter) => (letter as { path: string }).path)).toEqual([
      'micros',
      'micros',
      'day',
      'day',
      'clock',
      'fine_clock',
      'local',
    ])
    const lenient = await landed(bad, { values: { outOfRange: 'null' } })
    expect(lenient.receipt!.counts.stored).toBe(8)
    await sql(`DROP SCHEMA ${strict.schema} CASCADE; DROP SCHEMA ${lenient.schema} CASCADE`)
  })

  it('decimals too wide for the column, or with digits it would round away (input 21)', async () => {
    const ddl = 'CREATE TABLE things (id int, at timestamptz, money numeric(6, 1), huge numeric, whole numeric(3, -2))'
    const rows: Row[] = [
      { ...base, id: 1, money: '99999.90' },
      { ...base, id: 2, money: '100000.00' },
      { ...base, id: 3, money: '0.05' },
      { ...base, id: 4, huge: '1234567890123456789012345678.0123456789' },
      { ...base, id: 5, whole: '99900' },
      { ...base, id: 6, whole: '99950' },
      { ...base, id: 7, whole: '-100000' },
    ]
    const { schema, receipt } = await landed(rows, {}, ddl)
    expect(receipt!.counts).toMatchObject({ stored: 3, deadLettered: 4 })
    expect(await refused(schema)).toMatchObject([
      { at: 1, code: 'sqlstate_22003', path: 'money', expected: 'at most 5 digits before and 1 after the point' },
      { at: 2, code: 'sqlstate_22003', path: 'money' },
      { at: 5, code: 'sqlstate_22003', path: 'whole' },
      { at: 6, code: 'sqlstate_22003', path: 'whole' },
    ])
    expect(await sql(`SELECT money::text, huge::text, whole::text FROM ${schema}.things ORDER BY id`)).toEqual([
      { money: '99999.9', huge: null, whole: null },
      { money: null, huge: '1234567890123456789012345678.0123456789', whole: null },
      { money: null, huge: null, whole: '99900' },
    ])
    await sql(`DROP SCHEMA ${schema} CASCADE`)
  })

  it('integers in a narrower column, texts of citext and enum', async () => {
    const ddl = `CREATE TYPE things_kind AS ENUM ('ONE'); CREATE TABLE things (id smallint, at timestamptz, big integer, kind things_kind)`
    const rows: Row[] = [
      { ...base, id: 32_767, big: 2_147_483_647n, kind: 'ONE' },
      { ...base, id: 32_768 },
      { ...base, id: -32_769 },
      { ...base, id: 1, big: 2_147_483_648n },
      { ...base, id: -32_768, big: -2_147_483_648n },
      { ...base, id: 2, big: -2_147_483_649n },
      { ...base, id: 3, kind: 'TWO_E' },
    ]
    const { schema, receipt } = await landed(rows, {}, ddl)
    expect(receipt!.counts).toMatchObject({ stored: 2, deadLettered: 5 })
    expect(await refused(schema)).toMatchObject([
      { at: 1, path: 'id' },
      { at: 2, path: 'id' },
      { at: 3, path: 'big' },
      { at: 5, path: 'big' },
      { at: 6, code: 'sqlstate_22p02' },
    ])
    await sql(`DROP SCHEMA ${schema} CASCADE`)
  })

  it('NaN and infinities by policy', async () => {
    const rows: Row[] = [
      { ...base, id: 1, double: Number.NaN },
      { ...base, id: 2, single: Number.POSITIVE_INFINITY },
      { ...base, id: 3, double: 1 },
    ]
    const kept = await landed(rows)
    expect(kept.receipt!.counts.stored).toBe(3)
    const strict = await landed(rows, { values: { nonFinite: 'reject' } })
    expect(strict.receipt!.counts).toMatchObject({ stored: 1, deadLettered: 2 })
    const nulls = await landed(rows, { values: { nonFinite: 'null' } })
    expect(await sql(`SELECT count(*)::int AS n FROM ${nulls.schema}.things WHERE double IS NULL`)).toEqual([{ n: 2 }])
    await sql([kept, strict, nulls].map(({ schema }) => `DROP SCHEMA ${schema} CASCADE`).join(';'))
  })

  it('NUL in text and inside jsonb by policy (input 18)', async () => {
    const inner = (text: string): Row => ({ tags: ['x', text], price: null, more: { [text]: 1n } })
    const rows: Row[] = [
      { ...base, id: 1, text: 'a\0b' },
      { ...base, id: 2, nested: inner('c\0') },
      { ...base, id: 3, nested: inner('\\u0000 is not one') },
    ]
    const strict = await landed(rows)
    expect(strict.receipt!.counts).toMatchObject({ stored: 1, deadLettered: 2 })
    expect(await refused(strict.schema)).toMatchObject([
      { code: 'sqlstate_22021', path: 'text' },
      { code: 'sqlstate_22p05', path: 'nested' },
    ])
    const replaced = await landed(rows, { values: { nul: 'replace' } })
    expect(await sql(`SELECT text, nested ->> 'tags' AS tags FROM ${replaced.schema}.things ORDER BY id`)).toEqual([
      { text: 'a\ufffdb', tags: null },
      { text: null, tags: '["x", "c\ufffd"]' },
      { text: null, tags: String.raw`["x", "\\u0000 is not one"]` },
    ])
    await sql(`DROP SCHEMA ${strict.schema} CASCADE; DROP SCHEMA ${replaced.schema} CASCADE`)
  })

  it('a record time that no calendar has never condemns a row (input 23)', async () => {
    const schema = await freshSchema('values')
    const sink = createPostgresSink({
      connection: pool,
      sinkId: 'v',
      owner: 'tests',
      schema,
      tables: [{ contract, mode: 'append' }],
    })
    const batch = batchOf(contract, partitionOf(contract), 0, [base])
    const at = batch.batch.schema.fields.findIndex(({ name }) => name === '_timestamp')
    const columns = batch.batch.columns.map((column, i) =>
      i === at ? { ...column, values: BigInt64Array.of(9_223_372_036_854_775_807n) } : column,
    )
    await land(sink, { ...batch, batch: { ...batch.batch, columns } })
    expect(await sql(`SELECT _timestamp FROM ${schema}.things`)).toEqual([{ _timestamp: null }])
    await sql(`DROP SCHEMA ${schema} CASCADE`)
  })
})
