import { afterAll, describe, expect, it } from 'vitest'
import { encodeRecordBatch } from '@sluice/ingest-core'
import type { Fetched } from '@sluice/ingest-core'
import { createPostgresSink } from '../src/index.ts'
import type { PostgresSinkOptions, PostgresTable, SqlConnector } from '../src/index.ts'
import { batchOf, contractOf, land, millis, optional, partitionOf } from './rows.ts'
import { connect, freshSchema, sql } from './server.ts'

const contract = contractOf([
  { name: 'id', type: 'string' },
  { name: 'at', type: millis },
  { name: 'name', type: optional('string') },
  { name: 'price', type: 'double' },
  { name: 'owner', type: optional('string') },
])
const pool = connect()
afterAll(() => pool.close())

type Row = Record<string, unknown>
const row = (i: number, more: Row = {}): Row => ({
  id: `id-${String(i).padStart(6, '0')}`,
  at: BigInt(1_780_000_000_000 + i),
  name: `name ${i}`,
  price: i,
  owner: null,
  ...more,
})
const rowsWith = (count: number, bad: ReadonlyMap<number, Row>): Row[] =>
  Array.from({ length: count }, (_, i) => row(i, bad.get(i) ?? {}))

interface Letter {
  readonly offset: string
  readonly code: string
  readonly path: string
  readonly expected: string
  readonly stage: string
}

const lettersIn = (schema: string): Promise<Letter[]> =>
  sql<Letter>(
    `SELECT "offset"::text AS offset, code, path, expected, stage FROM ${schema}.ingest_dead_letter ORDER BY ingest_dead_letter."offset"`,
  )

async function sinkOn(ddl: string, more: Partial<PostgresTable> = {}, options: Partial<PostgresSinkOptions> = {}) {
  const schema = await freshSchema('refused')
  if (ddl !== '') await sql(ddl.replaceAll('things', `${schema}.things`))
  const table: PostgresTable = { contract, mode: 'upsert', ...more }
  const sink = createPostgresSink({
    connection: pool,
    sinkId: 'r',
    owner: 'tests',
    schema,
    tables: [table],
    retry: { firstMs: 1, maxMs: 10, deadlineMs: 200 },
    ...options,
  })
  return { schema, sink }
}

/** Counts what is asked of the server. */
function counting(inner: SqlConnector): { readonly connection: SqlConnector; readonly asked: string[] } {
  const asked: string[] = []
  return {
    asked,
    connection: {
      name: inner.name,
      close: () => inner.close(),
      async session(signal) {
        const session = await inner.session(signal)
        return {
          query(text, params) {
            asked.push(text)
            return session.query(text, params)
          },
          copyIn(text, chunks) {
            asked.push(text)
            return session.copyIn(text, chunks)
          },
          release: (broken) => session.release(broken),
        }
      },
    },
  }
}

const plain = `CREATE TABLE things (id text PRIMARY KEY, at timestamptz NOT NULL, name text, price double precision, owner text`

describe('a bad row costs itself (fault 62)', () => {
  it.each([
    [
      'a check',
      `${plain}, CONSTRAINT cheap CHECK (price < 5000.5 OR price > 5001.5))`,
      {},
      'sqlstate_23514',
      'price',
      'what constraint cheap asks for',
    ],
    [
      'a foreign key',
      `CREATE TABLE things_owners (id text PRIMARY KEY); ${plain} REFERENCES things_owners (id))`,
      { owner: 'nobody' },
      'sqlstate_23503',
      'owner',
      'what constraint things_owner_fkey asks for',
    ],
    [
      'a deferred foreign key',
      `CREATE TABLE things_owners (id text PRIMARY KEY); ${plain} REFERENCES things_owners (id) DEFERRABLE INITIALLY DEFERRED)`,
      { owner: 'nobody' },
      'sqlstate_23503',
      'owner',
      'what constraint things_owner_fkey asks for',
    ],
    [
      'a second unique key',
      `${plain}, CONSTRAINT one_name UNIQUE (name)); INSERT INTO things (id, at, name) VALUES ('zz', now(), 'taken')`,
      { name: 'taken' },
      'sqlstate_23505',
      '',
      'what constraint one_name asks for',
    ],
    [
      'a deferred unique key',
      `${plain}, CONSTRAINT one_name UNIQUE (name) DEFERRABLE INITIALLY DEFERRED); INSERT INTO things (id, at, name) VALUES ('zz', now(), 'taken')`,
      { name: 'taken' },
      'sqlstate_23505',
      '',
      'what constraint one_name asks for',
    ],
    [
      'NOT NULL of the table alone',
      `${plain.replace('name text', 'name text NOT NULL')})`,
      { name: null },
      'sqlstate_23502',
      'name',
      'a value that is not null',
    ],
    [
      'text that is too long',
      `${plain.replace('name text', 'name varchar(12)')})`,
      { name: 'é'.repeat(13) },
      'sqlstate_22001',
      'name',
      'at most 12 characters',
    ],
    ['NUL in text (input 18)', '', { name: 'a\0b' }, 'sqlstate_22021', 'name', 'text without U+0000'],
    [
      'a key too long for an index',
      '',
      {
        id: Array.from({ length: 3000 }, (_, i) => String.fromCharCode(33 + ((i * 7919) % 90) + (i % 7) * 131)).join(
          '',
        ),
      },
      'sqlstate_54000',
      '',
      'what constraint things_pkey asks for',
    ],
    [
      'a trigger',
      `${plain}); CREATE FUNCTION things_no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.price = 5001 THEN RAISE 'no'; END IF; RETURN NEW; END $$; CREATE TRIGGER no BEFORE INSERT ON things FOR EACH ROW EXECUTE FUNCTION things_no()`,
      {},
      'sqlstate_p0001',
      '',
      'a row that the server takes',
    ],
  ])('%s: one dead letter of 10,000 rows', async (_, ddl, broken, code, path, expected) => {
    const { schema, sink } = await sinkOn(ddl)
    const before =
      Number((await sql(`SELECT to_regclass('${schema}.things') IS NOT NULL AS is`))[0]!['is']) === 1
        ? Number((await sql(`SELECT count(*) AS n FROM ${schema}.things`))[0]!['n'])
        : 0
    const batch = batchOf(contract, partitionOf(contract), 0, rowsWith(10_000, new Map([[5001, broken]])))
    const receipt = await land(sink, batch)
    expect(receipt!.counts).toMatchObject({ consumed: 10_000, stored: 9_999, deadLettered: 1 })
    expect(await lettersIn(schema)).toEqual([{ offset: '5001', code, path, expected, stage: 'sink' }])
    const stored = await sql<{ n: string }>(`SELECT count(*) AS n FROM ${schema}.things WHERE _offset <> 5001`)
    expect(Number(stored[0]!.n)).toBe(9_999)
    expect(Number((await sql(`SELECT count(*) AS n FROM ${schema}.things`))[0]!['n'])).toBe(before + 9_999)
    await sql(`DROP SCHEMA ${schema} CASCADE`)
  })

  it('keeps the record as it was received', async () => {
    const { schema, sink } = await sinkOn(`${plain}, CHECK (price < 3))`)
    const records = [1, 2, 3].map((i) => ({
      key: Buffer.from(`k${i}`),
      value: Buffer.from([0, 0, 0, 0, 7, i]),
      timestamp: 1_780_000_000_000 + i,
    }))
    const bytes = encodeRecordBatch({
      baseOffset: 0,
      records: records.map((each, i) => ({ ...each, offset: i })),
      codec: 'zstd',
    } as never)
    const partition = partitionOf(contract)
    const origin: Fetched = { partition, start: 0, end: 3, byteLength: bytes.length, kind: 'batches', bytes }
    await land(sink, { ...batchOf(contract, partition, 0, [row(0), row(1), row(3)]), origin })
    const letters = await sql(
      `SELECT encode(key, 'escape') AS key, encode(value, 'hex') AS value, schema_id, timestamp_ms::text AS ms FROM ${schema}.ingest_dead_letter`,
    )
    expect(letters).toEqual([{ key: 'k3', value: '000000000703', schema_id: 7, ms: '1780000000003' }])
    await sql(`DROP SCHEMA ${schema} CASCADE`)
  })

  it('finds all rows that break a constraint in one scan, and asks first from then on', async () => {
    const { connection, asked } = counting(pool)
    const { schema, sink } = await sinkOn(`${plain}, CHECK (price >= 0))`, {}, { connection })
    const bad = new Map(Array.from({ length: 10 }, (_, i) => [i * 997, { price: -1 }] as const))
    for (const flush of [0, 1]) {
      asked.length = 0
      const rows = rowsWith(10_000, bad).map((each) => ({ ...each, id: `${String(each['id'])}-${flush}` }))
      const receipt = await land(sink, batchOf(contract, partitionOf(contract), flush * 10_000, rows))
      expect(receipt!.counts).toMatchObject({ stored: 9_990, deadLettered: 10 })
      expect(asked.filter((text) => text.startsWith('ROLLBACK TO'))).toHaveLength(flush === 0 ? 1 : 0)
      // A load that fails and a merge; then the columns that are asked about, and a load.
      expect(asked.filter((text) => text.startsWith('COPY'))).toHaveLength(2)
    }
    expect(await lettersIn(schema)).toHaveLength(20)
    await sql(`DROP SCHEMA ${schema} CASCADE`)
  })

  it('stops instead of turning a topic into dead letters (fault 66, input 83)', async () => {
    const { schema, sink } = await sinkOn(`${plain}, CHECK (price < 0))`)
    const batch = batchOf(contract, partitionOf(contract), 0, rowsWith(1_000, new Map()))
    await expect(land(sink, batch)).rejects.toMatchObject({ code: 'SINK_REJECTS_TOO_MANY' })
    expect(await lettersIn(schema)).toEqual([])
    expect(await sql(`SELECT next_offset::int AS n FROM ${schema}.ingest_progress`)).toEqual([{ n: 0 }])
    await sql(`DROP SCHEMA ${schema} CASCADE`)
  })

  it('says nothing of rows in errors (input 32)', async () => {
    const { schema, sink } = await sinkOn(`${plain}, CHECK (name <> 'marker-5f1'))`)
    const batch = batchOf(
      contract,
      partitionOf(contract),
      0,
      rowsWith(300, new Map()).map((each) => ({ ...each, name: 'marker-5f1' })),
    )
    const error = await land(sink, batch).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'SINK_REJECTS_TOO_MANY' })
    const { inspect } = await import('node:util')
    expect(inspect(error, { depth: 10 })).not.toContain('marker-5f1')
    await sql(`DROP SCHEMA ${schema} CASCADE`)
  })

  it('same key twice in one flush is one row: the newest (fault 61)', async () => {
    const { schema, sink } = await sinkOn('')
    const twice = [row(1, { name: 'old' }), row(1, { name: 'new' }), row(1, { at: 1n, name: 'older' })]
    await land(sink, batchOf(contract, partitionOf(contract), 0, twice))
    expect(await sql(`SELECT name, _offset::int AS at FROM ${schema}.things`)).toEqual([{ name: 'new', at: 1 }])
    await sql(`DROP SCHEMA ${schema} CASCADE`)
  })
})

describe('insert-ignore', () => {
  it('keeps the first of a key and counts the others as duplicates', async () => {
    const { schema, sink } = await sinkOn('', { mode: 'insert-ignore' })
    const first = await land(
      sink,
      batchOf(contract, partitionOf(contract), 0, [row(1, { name: 'a' }), row(1, { name: 'b' }), row(2)]),
    )
    expect(first!.counts).toMatchObject({ consumed: 3, stored: 2, duplicate: 1 })
    const second = await land(sink, batchOf(contract, partitionOf(contract), 3, [row(1, { name: 'c' }), row(3)]))
    expect(second!.counts).toMatchObject({ consumed: 2, stored: 1, duplicate: 1 })
    expect(await sql(`SELECT id, name FROM ${schema}.things ORDER BY id`)).toMatchObject([{ name: 'a' }, {}, {}])
    await sql(`DROP SCHEMA ${schema} CASCADE`)
  })
})
