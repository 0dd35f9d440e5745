import { afterAll, describe, expect, it } from 'vitest'
import { systemClock } from '@sluice/ingest-core'
import { createPostgresSink } from '../src/index.ts'
import type { PostgresHookPoint, PostgresSinkOptions, PostgresTable, SqlConnector } from '../src/index.ts'
import { batchOf, contractOf, land, millis, optional, partitionOf } from './rows.ts'
import { connect, freshSchema, sql } from './server.ts'

const contract = contractOf([
  { name: 'id', type: 'string' },
  { name: 'at', type: millis },
  { name: 'name', type: optional('string') },
  { name: 'kind', type: optional({ type: 'enum', name: 'Kind', symbols: ['ONE', 'TWO'] }) },
])
const pool = connect()
afterAll(() => pool.close())

/** Both ways write the same moment. */
const stopped = { ...systemClock, now: () => 1_780_000_000_500 }

type Row = Record<string, unknown>
const t0 = 1_780_000_000_000
const row = (i: number, more: Row = {}): Row => ({
  id: `id-${i}`,
  at: BigInt(t0 + i),
  name: `n${i}`,
  kind: null,
  ...more,
})
const rowsOf = (from: number, to: number, more: Row = {}): Row[] =>
  Array.from({ length: to - from }, (_, i) => row(from + i, more))

/** A sink that notes which points of the protocol it meets. */
async function sinkOn(more: Partial<PostgresTable> = {}, options: Partial<PostgresSinkOptions> = {}, ddl = '') {
  const schema = await freshSchema('direct')
  if (ddl !== '') await sql(ddl.replaceAll('@', `${schema}.`))
  const met: PostgresHookPoint[] = []
  const sink = createPostgresSink({
    connection: pool,
    sinkId: 'd',
    owner: 'tests',
    schema,
    tables: [{ contract, mode: 'upsert', ...more }],
    retry: { firstMs: 1, maxMs: 10, deadlineMs: 5_000 },
    hooks: { at: (point) => void met.push(point) },
    ...options,
  })
  let next = 0
  return {
    schema,
    sink,
    /** Lands rows in a flush of their own; answers with the receipt and how they went in. */
    async land(rows: readonly Row[], partition = 0) {
      met.length = 0
      const receipt = await land(sink, batchOf(contract, partitionOf(contract, partition), next, rows))
      next += rows.length
      const way = [met.includes('after_table_lock') && 'load', met.includes('after_copy') && 'merge'].filter(Boolean)
      return { counts: receipt!.counts, way: way.join(', then ') }
    },
  }
}

const stored = (schema: string): Promise<Row[]> =>
  sql(`SELECT id, name, _offset::int AS at FROM ${schema}.things ORDER BY id COLLATE "C", _offset`)
const drop = (schema: string): Promise<unknown> => sql(`DROP SCHEMA ${schema} CASCADE`)

describe('a flush of new keys goes straight into the table', () => {
  it.each([
    ['upsert', 'all'],
    ['upsert', 'position'],
    ['insert-ignore', 'none'],
    ['append', 'all'],
    ['append', 'none'],
  ] as const)('%s, lineage %s: the same rows as a merge writes', async (mode, lineage) => {
    const found: unknown[] = []
    for (const direct of [true, false]) {
      const { schema, sink, land } = await sinkOn({ mode, lineage, direct }, { clock: stopped })
      expect(await land([...rowsOf(50, 90), ...rowsOf(0, 50, { kind: 'TWO' })], 3)).toMatchObject({
        way: direct ? 'load' : 'merge',
        counts: { consumed: 90, stored: 90, duplicate: 0, deadLettered: 0 },
      })
      await sink.close()
      found.push(await sql(`SELECT * FROM ${schema}.things ORDER BY id COLLATE "C"`))
      expect(await sql(`SELECT next_offset::int AS n, stored::int AS s FROM ${schema}.ingest_progress`)).toEqual([
        { n: 90, s: 90 },
      ])
      await drop(schema)
    }
    expect(found[0]).toHaveLength(90)
    expect(found[0]).toEqual(found[1])
  })

  it('in the order of keys, all of them', async () => {
    const { schema, sink, land } = await sinkOn()
    // Of one size, so that the server fills its pages one after the other.
    const shuffled = Array.from({ length: 5_000 }, (_, i) => row(10_000 + ((i * 1_789) % 5_000)))
    expect((await land(shuffled)).way).toBe('load')
    const ids = (await sql<{ id: string }>(`SELECT id FROM ${schema}.things ORDER BY ctid`)).map(({ id }) => id)
    expect(ids).toEqual(shuffled.map(({ id }) => String(id)).sort())
    await sink.close()
    await drop(schema)
  })

  it('takes its dead letters along', async () => {
    const { schema, sink, land } = await sinkOn()
    expect(await land([row(1), row(2, { name: 'a\0' }), row(3)])).toMatchObject({
      way: 'load',
      counts: { consumed: 3, stored: 2, deadLettered: 1 },
    })
    expect(await sql(`SELECT "offset"::int AS at, code FROM ${schema}.ingest_dead_letter`)).toEqual([
      { at: 1, code: 'sqlstate_22021' },
    ])
    await sink.close()
    await drop(schema)
  })
})

describe('keys that repeat', () => {
  it('within a flush: merged, without a try', async () => {
    const { schema, sink, land } = await sinkOn()
    expect((await land([row(1, { name: 'old' }), row(2), row(1, { name: 'new' })])).way).toBe('merge')
    expect(await stored(schema)).toMatchObject([{ name: 'new', at: 2 }, { name: 'n2' }])
    // The next flush of new keys is loaded as if nothing had been.
    expect((await land(rowsOf(3, 5))).way).toBe('load')
    await sink.close()
    await drop(schema)
  })

  it('with rows that are there: the load is undone, the flush is merged, and for a while none is tried', async () => {
    const { schema, sink, land } = await sinkOn()
    await land(rowsOf(0, 10))
    const mixed = [
      row(20),
      row(21),
      row(22),
      row(3, { at: BigInt(t0 + 500), name: 'newer' }),
      row(4, { at: 1n, name: 'older' }),
    ]
    expect(await land(mixed)).toMatchObject({ way: 'load, then merge', counts: { consumed: 5, stored: 5 } })
    expect((await stored(schema)).map(({ id, name }) => `${String(id)} ${String(name)}`)).toEqual([
      ...['id-0 n0', 'id-1 n1', 'id-2 n2', 'id-20 n20', 'id-21 n21', 'id-22 n22', 'id-3 newer', 'id-4 n4'],
      ...['id-5 n5', 'id-6 n6', 'id-7 n7', 'id-8 n8', 'id-9 n9'],
    ])
    const ways: string[] = []
    for (let flush = 0; flush < 6; flush++) ways.push((await land(rowsOf(100 + flush * 5, 105 + flush * 5))).way)
    expect(ways).toEqual(['merge', 'merge', 'merge', 'merge', 'load', 'load'])
    expect((await land([row(3, { at: BigInt(t0 + 501), name: 'newest' })])).way).toBe('load, then merge')
    expect((await stored(schema)).find(({ id }) => id === 'id-3')).toMatchObject({ name: 'newest' })
    await sink.close()
    await drop(schema)
  })

  it('a stream of updates is not tried again and again', async () => {
    const { schema, sink, land } = await sinkOn()
    await land(rowsOf(0, 20))
    const ways: string[] = []
    for (let flush = 1; flush <= 30; flush++) {
      ways.push((await land(rowsOf(0, 20, { at: BigInt(t0 + 1_000 * flush), name: `f${flush}` }))).way)
    }
    expect(ways.filter((way) => way.includes('load'))).toHaveLength(1)
    expect(await sql(`SELECT DISTINCT name FROM ${schema}.things`)).toEqual([{ name: 'f30' }])
    await sink.close()
    await drop(schema)
  })

  it('insert-ignore: what is there stays, and counts as duplicate', async () => {
    const { schema, sink, land } = await sinkOn({ mode: 'insert-ignore' })
    await land(rowsOf(0, 3))
    expect(await land([row(1, { name: 'late' }), row(7)])).toMatchObject({
      way: 'load, then merge',
      counts: { consumed: 2, stored: 1, duplicate: 1 },
    })
    expect((await stored(schema)).map(({ name }) => name)).toEqual(['n0', 'n1', 'n2', 'n7'])
    await sink.close()
    await drop(schema)
  })

  it('two partitions bring the same new keys at once: one waits for the other, and the newest wins', async () => {
    const schema = await freshSchema('direct')
    const bothLoaded = Promise.withResolvers<undefined>()
    let loads = 0
    const sink = createPostgresSink({
      connection: pool,
      sinkId: 'd',
      owner: 'tests',
      schema,
      tables: [{ contract, mode: 'upsert' }],
      hooks: {
        async at(point) {
          if (point !== 'after_table_lock' || loads >= 2) return
          // Both have decided for a load before either writes.
          if ((loads += 1) === 2) bothLoaded.resolve(undefined)
          await bothLoaded.promise
        },
      },
    })
    const [a, b] = [partitionOf(contract, 0), partitionOf(contract, 1)]
    await Promise.all([
      land(sink, batchOf(contract, a, 0, rowsOf(0, 500, { name: 'a' }))),
      land(sink, batchOf(contract, b, 0, rowsOf(0, 500, { name: 'b', at: BigInt(t0 + 5_000) }))),
    ])
    expect(loads).toBe(2)
    expect(await sql(`SELECT name, count(*)::int AS n FROM ${schema}.things GROUP BY name`)).toEqual([
      { name: 'b', n: 500 },
    ])
    await sink.close()
    await drop(schema)
  })
})

describe('rows at fault', () => {
  it('a load that a row stops is merged, that row is found, and the next loads ask before', async () => {
    const ddl = `CREATE TABLE @things (id text PRIMARY KEY, at timestamptz, name text CHECK (name <> 'bad'), kind text)`
    const { schema, sink, land } = await sinkOn({}, {}, ddl)
    const rows = rowsOf(0, 200)
    rows[77] = row(77, { name: 'bad' })
    expect(await land(rows)).toMatchObject({ way: 'load, then merge', counts: { stored: 199, deadLettered: 1 } })
    expect(await sql(`SELECT "offset"::int AS at, code, path FROM ${schema}.ingest_dead_letter`)).toEqual([
      { at: 77, code: 'sqlstate_23514', path: 'name' },
    ])
    // From now on constraints are asked about before a load.
    const more = rowsOf(300, 400)
    more[5] = row(305, { name: 'bad' })
    more[99] = row(399, { name: 'bad' })
    expect(await land(more)).toMatchObject({ way: 'load', counts: { stored: 98, deadLettered: 2 } })
    expect(await sql(`SELECT "offset"::int AS at FROM ${schema}.ingest_dead_letter ORDER BY 1`)).toEqual([
      { at: 77 },
      { at: 205 },
      { at: 299 },
    ])
    expect((await stored(schema)).filter(({ name }) => name === 'bad')).toEqual([])
    expect(await land(rowsOf(500, 510))).toMatchObject({ way: 'load', counts: { stored: 10 } })
    await expect(land(rowsOf(600, 900, { name: 'bad' }))).rejects.toMatchObject({ code: 'SINK_REJECTS_TOO_MANY' })
    await sink.close()
    await drop(schema)
  })

  it('append: the same', async () => {
    const ddl = `CREATE TABLE @things (id text, at timestamptz, name text CHECK (name <> 'bad'), kind text)`
    const { schema, sink, land } = await sinkOn({ mode: 'append' }, {}, ddl)
    expect(await land([row(1), row(2, { name: 'bad' }), row(1)])).toMatchObject({
      way: 'load, then merge',
      counts: { stored: 2, deadLettered: 1 },
    })
    expect((await stored(schema)).map(({ at }) => at)).toEqual([0, 2])
    await sink.close()
    await drop(schema)
  })
})

describe('what a load relies on is looked at under a lock', () => {
  it('a unique index that is gone: no key gets in twice', async () => {
    const { schema, sink, land } = await sinkOn()
    await land(rowsOf(0, 5))
    await sql(`ALTER TABLE ${schema}.things DROP CONSTRAINT things_pkey`)
    await expect(land(rowsOf(0, 5))).rejects.toMatchObject({ code: 'TABLE_MISMATCH' })
    expect(await stored(schema)).toHaveLength(5)
    await sink.close()
    await drop(schema)
  })

  it('a column that became narrower is read again, and rows that do not fit are dead letters', async () => {
    const { schema, sink, land } = await sinkOn()
    await land(rowsOf(0, 5))
    await sql(`ALTER TABLE ${schema}.things ALTER COLUMN name TYPE varchar(4)`)
    expect((await land([row(6), row(7, { name: 'too long' })])).counts).toMatchObject({ stored: 1, deadLettered: 1 })
    expect(await stored(schema)).toHaveLength(6)
    await sink.close()
    await drop(schema)
  })

  it.each([
    [
      'an enum type',
      `CREATE TYPE @kinds AS ENUM ('ONE', 'TWO'); CREATE TABLE @things (id text PRIMARY KEY, at timestamptz, name text, kind @kinds)`,
    ],
    [
      'a rule',
      `CREATE TABLE @things (id text PRIMARY KEY, at timestamptz, name text, kind text); CREATE TABLE @seen (id text);
       CREATE RULE seen AS ON INSERT TO @things DO ALSO INSERT INTO @seen VALUES (NEW.id)`,
    ],
    [
      'row security',
      `CREATE TABLE @things (id text PRIMARY KEY, at timestamptz, name text, kind text); ALTER TABLE @things ENABLE ROW LEVEL SECURITY`,
    ],
  ])('a table with %s is always merged', async (what, ddl) => {
    const mode = what === 'a rule' ? 'append' : 'upsert'
    const { schema, sink, land } = await sinkOn({ mode }, {}, ddl)
    expect((await land(rowsOf(0, 5, { kind: 'TWO' }))).way).toBe('merge')
    expect(await stored(schema)).toHaveLength(5)
    await sink.close()
    await drop(schema)
  })

  it('is not done for history, with deletions, or when it is not wanted', async () => {
    const deleting = { ...contract, tombstones: 'delete' as const }
    for (const table of [{ mode: 'scd2' }, { contract: deleting }, { direct: false }] as const) {
      const { schema, sink, land } = await sinkOn(table)
      expect((await land(rowsOf(0, 3))).way).toBe('merge')
      await sink.close()
      await drop(schema)
    }
  })
})

it('a lost reply to COMMIT after a load is found out, not repeated', async () => {
  let lose = true
  const connection: SqlConnector = {
    name: 'losing',
    close: () => Promise.resolve(),
    async session(signal) {
      const session = await pool.session(signal)
      return {
        ...session,
        async query(text, params) {
          const result = await session.query(text, params)
          if (text !== 'COMMIT' || !lose || (await isEmpty())) return result
          lose = false
          throw Object.assign(new Error('reset'), { code: 'ECONNRESET' })
        },
      }
    },
  }
  const { schema, sink, land } = await sinkOn({ mode: 'append' }, { connection })
  const isEmpty = async (): Promise<boolean> => {
    const [is] = await sql<{ there: boolean }>(`SELECT to_regclass('${schema}.things') IS NOT NULL AS there`)
    return !is!.there || (await stored(schema)).length === 0
  }
  expect(await land(rowsOf(0, 40))).toMatchObject({ counts: { stored: 40 } })
  expect(lose).toBe(false)
  expect(await stored(schema)).toHaveLength(40)
  await sink.close()
  await drop(schema)
})
