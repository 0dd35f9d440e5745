import pg from 'pg'
import { afterAll, describe, expect, it } from 'vitest'
import { createTcpProxy } from '@sluice-tools/proxies'
import { createPgConnector, createPostgresSink } from '../src/index.ts'
import type { PostgresHookPoint, PostgresSinkOptions, SqlConnector } from '../src/index.ts'
import { auditAppend } from './audit.ts'
import { batchOf, fromZero, never, partitionOf } from './rows.ts'
import { connect, freshSchema, serverUrl, sql } from './server.ts'
import { partition, producedUpTo, runThings, thingAt, things, thingsBatch } from './things.ts'

const pool = connect({ max: 8 })
afterAll(() => pool.close())

const cut = { partition, reason: 'time' } as const

function sinkOn(schema: string, options: Partial<PostgresSinkOptions> = {}) {
  return createPostgresSink({
    connection: pool,
    sinkId: 'faults',
    owner: 'tests',
    schema,
    tables: [{ contract: things, mode: 'append' }],
    retry: { firstMs: 5, maxMs: 50, deadlineMs: 20_000 },
    ...options,
  })
}

/** Calls `act` the first time a point is reached. */
function once(point: PostgresHookPoint, act: () => Promise<unknown>) {
  let done = false
  return {
    async at(reached: PostgresHookPoint): Promise<void> {
      if (reached !== point || done) return
      done = true
      await act()
    },
  }
}

/** Ends the connections that work in a schema's progress table, as an operator does. */
const terminate = (schema: string): Promise<unknown> =>
  sql(
    `SELECT pg_terminate_backend(l.pid) FROM pg_locks l WHERE l.relation = '${schema}.ingest_progress'::regclass AND l.pid <> pg_backend_pid()`,
  )

describe('the network', () => {
  it('the reply to COMMIT is lost: the next try finds that it happened (fault 10)', async () => {
    const schema = await freshSchema('faults')
    const target = new URL(serverUrl)
    const proxy = await createTcpProxy({ target: { host: target.hostname, port: Number(target.port) } })
    target.port = String(proxy.port)
    const connection = createPgConnector({ connectionString: target.href, max: 2 })
    const sink = sinkOn(schema, { connection })
    await sink.open(partition, fromZero, never)
    await sink.write(thingsBatch(0, 50), never)
    const lost = proxy.loseReplyAfter('COMMIT')
    const receipt = await sink.commit(cut, never)
    await lost
    expect(receipt).toMatchObject({ start: 0, end: 50, counts: { consumed: 50, stored: 40, deadLettered: 10 } })
    await sink.abandon(partition)
    await runThings(sink, 90, 40)
    await sink.close()
    await connection.close()
    await proxy.close()
    await auditAppend(schema, producedUpTo(90))
    await sql(`DROP SCHEMA ${schema} CASCADE`)
  })

  it('connections are reset again and again (fault 59)', async () => {
    const schema = await freshSchema('faults')
    let kills = 0
    const sink = sinkOn(schema, {
      hooks: {
        async at(point) {
          const points: readonly string[] = ['after_lock', 'after_table_lock', 'after_load', 'before_commit']
          if (points.includes(point) && kills < 6) {
            kills += 1
            await terminate(schema)
          }
        },
      },
    })
    await runThings(sink, 100, 25)
    await sink.close()
    expect(kills).toBe(6)
    await auditAppend(schema, producedUpTo(100))
    // Nothing broken was handed out.
    const session = await pool.session(never)
    expect((await session.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
    session.release(false)
    await sql(`DROP SCHEMA ${schema} CASCADE`)
  })

  it('the backend ends in the middle of a large COPY (fault 59)', async () => {
    const schema = await freshSchema('faults')
    const killer = new pg.Client(serverUrl)
    await killer.connect()
    let kills = 0
    const connection: SqlConnector = {
      name: 'killed',
      close: () => Promise.resolve(),
      async session(signal) {
        const session = await pool.session(signal)
        return {
          query: (text, params) => session.query(text, params),
          async copyIn(text, chunks) {
            if (kills > 0) return session.copyIn(text, chunks)
            kills += 1
            const { rows } = await session.query('SELECT pg_backend_pid() AS pid')
            const [copied] = await Promise.allSettled([
              session.copyIn(text, chunks),
              killer.query('SELECT pg_terminate_backend($1)', [rows[0]!['pid']]),
            ])
            if (copied.status === 'rejected') throw copied.reason
          },
          release: (broken) => session.release(broken),
        }
      },
    }
    const sink = sinkOn(schema, { connection })
    await sink.open(partition, fromZero, never)
    await sink.write(thingsBatch(0, 60_000), never)
    expect((await sink.commit(cut, never))!.counts.consumed).toBe(60_000)
    expect(kills).toBe(1)
    await killer.end()
    await sink.close()
    await auditAppend(schema, producedUpTo(60_000))
    await sql(`DROP SCHEMA ${schema} CASCADE`)
  })

  it('a signal ends a commit that hangs, and nothing of it is visible', async () => {
    const schema = await freshSchema('faults')
    const stop = new AbortController()
    const sink = sinkOn(schema, { hooks: once('before_commit', async () => stop.abort(new Error('stopped'))) })
    await sink.open(partition, fromZero, never)
    await sink.write(thingsBatch(0, 30), never)
    await expect(sink.commit(cut, stop.signal)).rejects.toThrow('stopped')
    await sink.abandon(partition)
    expect(await sql(`SELECT * FROM ${schema}.things`)).toEqual([])
    await runThings(sink, 30, 30)
    await sink.close()
    await auditAppend(schema, producedUpTo(30))
    await sql(`DROP SCHEMA ${schema} CASCADE`)
  })
})

describe('locks', () => {
  it('a deadlock is retried (fault 60)', async () => {
    const schema = await freshSchema('faults')
    const table = { contract: things, mode: 'upsert' as const }
    const first = sinkOn(schema, { tables: [table] })
    await runThings(first, 10, 10)
    await first.close()
    const other = new pg.Client(serverUrl)
    await other.connect()
    await other.query(
      `BEGIN; SET LOCAL deadlock_timeout = '10s'; UPDATE ${schema}.things SET price = price WHERE id = 'id-000008'`,
    )
    let reversed: Promise<unknown> | undefined
    let tries = 0
    // Its trigger makes the sink take a lock that the other holds, which then asks for one that the sink holds.
    const sink = sinkOn(schema, {
      tables: [table],
      hooks: {
        at(point) {
          if (point === 'after_lock') tries += 1
          if (point === 'after_table_lock' && tries === 1) {
            reversed = other
              .query(`UPDATE ${schema}.ingest_progress SET owner = owner`)
              .then(() => other.query('ROLLBACK'))
          }
        },
      },
    })
    await sink.open(partition, fromZero, never)
    const again = batchOf(things, partition, 10, [{ ...thingAt(8), at: 1_790_000_000_000n }])
    await sink.write(again, never)
    expect((await sink.commit(cut, never))!.end).toBe(11)
    await reversed
    await other.end()
    await sink.close()
    expect(tries).toBeGreaterThan(1)
    expect(await sql(`SELECT count(*)::int AS n FROM ${schema}.things WHERE _offset = 10`)).toEqual([{ n: 1 }])
    await sql(`DROP SCHEMA ${schema} CASCADE`)
  })

  it.each([
    ['a load', true, 'LOCK TABLE'],
    ['a merge', false, 'INSERT INTO'],
  ])('%s: a long ALTER TABLE is waited out within lock_timeout, and retried (fault 63)', async (_, direct, waiting) => {
    const schema = await freshSchema('faults')
    const table = { contract: things, mode: 'append' as const, direct }
    const sink = sinkOn(schema, { timeouts: { lockMs: 100 }, tables: [table] })
    await runThings(sink, 10, 10)
    const other = new pg.Client(serverUrl)
    await other.connect()
    await other.query(`BEGIN; LOCK TABLE ${schema}.things IN ACCESS EXCLUSIVE MODE`)
    await sink.open(partition, fromZero, never)
    await sink.write(thingsBatch(10, 20), never)
    const commit = sink.commit(cut, never)
    await expect
      .poll(
        () =>
          sql(
            `SELECT 1 AS yes FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '${waiting} "${schema}"%'`,
          ),
        { timeout: 20_000 },
      )
      .toEqual([{ yes: 1 }])
    await other.query('ROLLBACK')
    await other.end()
    expect((await commit)!.end).toBe(20)
    await sink.close()
    await auditAppend(schema, producedUpTo(20))
    await sql(`DROP SCHEMA ${schema} CASCADE`)
  })

  it('gives up after the deadline with a code that is retried later, and holds nothing', async () => {
    const schema = await freshSchema('faults')
    const sink = sinkOn(schema, { timeouts: { lockMs: 50 }, retry: { firstMs: 5, maxMs: 10, deadlineMs: 300 } })
    await runThings(sink, 10, 10)
    const other = new pg.Client(serverUrl)
    await other.connect()
    await sink.open(partition, fromZero, never)
    await sink.write(thingsBatch(10, 20), never)
    await other.query(`BEGIN; SELECT * FROM ${schema}.ingest_progress FOR UPDATE`)
    await expect(sink.commit(cut, never)).rejects.toMatchObject({
      code: 'SINK_UNAVAILABLE',
      evidence: { sqlstate: '55P03' },
    })
    await other.query('ROLLBACK')
    await other.end()
    // Committing again goes on where it was.
    expect((await sink.commit(cut, never))!.end).toBe(20)
    await sink.close()
    await auditAppend(schema, producedUpTo(20))
    await sql(`DROP SCHEMA ${schema} CASCADE`)
  })
})

describe('a server that cannot (fault 65)', () => {
  it.each([
    ['disk full', '53100'],
    ['out of memory', '53200'],
    ['read-only', '25006'],
    ['shutting down', '57P01'],
  ])('%s: pauses, makes no dead letters, goes on when it can', async (_, state) => {
    const schema = await freshSchema('faults')
    const sink = sinkOn(schema, { retry: { firstMs: 5, maxMs: 20, deadlineMs: 200 } })
    await runThings(sink, 10, 10)
    await sql(
      `CREATE FUNCTION ${schema}.fails() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'as told' USING ERRCODE = '${state}'; END $$;
       CREATE TRIGGER fails BEFORE INSERT ON ${schema}.things EXECUTE FUNCTION ${schema}.fails()`,
    )
    await sink.open(partition, fromZero, never)
    await sink.write(thingsBatch(10, 20), never)
    await expect(sink.commit(cut, never)).rejects.toMatchObject({
      code: 'SINK_UNAVAILABLE',
      evidence: { sqlstate: state },
    })
    await sql(`DROP TRIGGER fails ON ${schema}.things`)
    expect((await sink.commit(cut, never))!.end).toBe(20)
    await sink.close()
    await auditAppend(schema, producedUpTo(20))
    await sql(`DROP SCHEMA ${schema} CASCADE`)
  })

  it('a database that is read-only by setting', async () => {
    const schema = await freshSchema('faults')
    const url = new URL(serverUrl)
    const sink = sinkOn(schema)
    await runThings(sink, 10, 10)
    await sink.close()
    url.searchParams.set('options', '-c default_transaction_read_only=on')
    const connection = createPgConnector({ connectionString: url.href })
    const readOnly = sinkOn(schema, { connection, retry: { firstMs: 5, maxMs: 10, deadlineMs: 100 } })
    await expect(readOnly.open(partition, fromZero, never)).rejects.toMatchObject({
      code: 'SINK_UNAVAILABLE',
      evidence: { sqlstate: '25006' },
    })
    await readOnly.close()
    await connection.close()
    await sql(`DROP SCHEMA ${schema} CASCADE`)
  })
})

describe('a table that changes under way (fault 66)', () => {
  it('a column that is dropped is put back where the sink manages tables', async () => {
    const schema = await freshSchema('faults')
    const sink = sinkOn(schema)
    await sink.open(partition, fromZero, never)
    await sink.write(thingsBatch(0, 10), never)
    await sink.commit(cut, never)
    await sql(`ALTER TABLE ${schema}.things DROP COLUMN name`)
    await sink.write(thingsBatch(10, 20), never)
    await sink.commit(cut, never)
    await sink.close()
    await auditAppend(schema, producedUpTo(20))
    expect(await sql(`SELECT count(name)::int AS n FROM ${schema}.things`)).toEqual([{ n: 8 }])
    await sql(`DROP SCHEMA ${schema} CASCADE`)
  })

  it('stops with the DDL to run where it does not, and makes no dead letters', async () => {
    const schema = await freshSchema('faults')
    const maker = sinkOn(schema)
    await runThings(maker, 10, 10)
    await maker.close()
    const sink = sinkOn(schema, { ddl: 'verify' })
    await sink.open(partition, fromZero, never)
    await sink.write(thingsBatch(10, 20), never)
    await sql(`ALTER TABLE ${schema}.things DROP COLUMN name`)
    await expect(sink.commit(cut, never)).rejects.toMatchObject({
      code: 'TABLE_MISMATCH',
      evidence: { ddl: [`ALTER TABLE "${schema}"."things" ADD COLUMN "name" text`] },
    })
    await sql(`ALTER TABLE "${schema}"."things" ADD COLUMN "name" text`)
    expect((await sink.commit(cut, never))!.end).toBe(20)
    await sink.close()
    await auditAppend(schema, producedUpTo(20))
    await sql(`DROP SCHEMA ${schema} CASCADE`)
  })

  it.each([
    ['retyped', 'ALTER COLUMN price TYPE boolean USING true', 'price is boolean'],
    // As wide as before: binary COPY could not tell.
    ['retyped to the same width', 'ALTER COLUMN price TYPE bigint', 'price is bigint'],
    [
      'added and never filled',
      'ADD COLUMN more text NOT NULL DEFAULT 1; ALTER TABLE @ ALTER COLUMN more DROP DEFAULT',
      'more must not be null',
    ],
  ])('a column that is %s stops it with the DDL to run', async (_, change, says) => {
    const schema = await freshSchema('faults')
    const sink = sinkOn(schema)
    await sink.open(partition, fromZero, never)
    await sink.write(thingsBatch(0, 10), never)
    await sink.commit(cut, never)
    await sql(`ALTER TABLE ${schema}.things ${change.replace('@', `${schema}.things`)}`)
    await sink.write(thingsBatch(10, 20), never)
    const error = await sink.commit(cut, never).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'TABLE_MISMATCH' })
    expect((error as Error).message).toContain(says)
    await sink.close()
    expect(await sql(`SELECT count(*)::int AS n FROM ${schema}.ingest_dead_letter`)).toEqual([{ n: 2 }])
    await sql(`DROP SCHEMA ${schema} CASCADE`)
  })
})

describe('a pooler in transaction mode (fault 67)', () => {
  it('relies on nothing of a session beyond a transaction', async () => {
    const schema = await freshSchema('faults')
    const client = new pg.Client(serverUrl)
    await client.connect()
    // One server connection for all, cleaned by nobody: every transaction finds what the one before it left.
    let turn: Promise<unknown> = Promise.resolve()
    const left: unknown[] = []
    const connection = {
      name: 'pooled',
      close: () => Promise.resolve(),
      async session() {
        const before = turn
        const mine = Promise.withResolvers<undefined>()
        turn = mine.promise
        await before
        const inner = pool.session(never)
        const session = await inner
        return {
          query: (text: string, params?: Parameters<typeof session.query>[1]) => session.query(text, params),
          copyIn: (text: string, chunks: Iterable<Uint8Array>) => session.copyIn(text, chunks),
          release(broken: boolean) {
            const look = broken
              ? Promise.resolve()
              : session
                  .query(
                    `SELECT (SELECT count(*) FROM pg_prepared_statements) + (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()) ` +
                      `+ (SELECT count(*) FROM pg_class WHERE relpersistence = 't' AND relnamespace = pg_my_temp_schema()) ` +
                      `+ (SELECT count(*) FROM pg_settings WHERE source = 'session' AND name NOT IN ('application_name', 'client_encoding', 'DateStyle', 'TimeZone')) AS left`,
                  )
                  .then(({ rows }) => left.push(Number(rows[0]!['left'])))
            void look.then(() => {
              session.release(broken)
              mine.resolve(undefined)
            })
          },
        }
      },
    }
    const sinks = (['append', 'scd2'] as const).map((mode, i) =>
      sinkOn(schema, {
        connection,
        sinkId: `pooled-${mode}`,
        tables: [{ contract: { ...things, topic: `t${i}` }, mode, table: `things${i === 0 ? '' : '_history'}` }],
      }),
    )
    await Promise.all(
      sinks.map(async (sink, i) => {
        const own = { ...partition, topic: `t${i}` }
        const { next } = await sink.open(own, fromZero, never)
        for (let at = next; at < 60; at += 20) {
          await sink.write({ ...thingsBatch(at, at + 20), partition: own }, never)
          await sink.commit({ partition: own, reason: 'time' }, never)
        }
        await sink.close()
      }),
    )
    await client.end()
    expect(left.length).toBeGreaterThan(8)
    expect(new Set(left)).toEqual(new Set([0]))
    await sql(`DROP SCHEMA ${schema} CASCADE`)
  })
})

describe('identity of topics and owners', () => {
  it('a topic that was made again, and another cluster, are refused (faults 27, 28)', async () => {
    const schema = await freshSchema('faults')
    const sink = sinkOn(schema)
    await runThings(sink, 10, 10)
    await expect(sink.open({ ...partition, topicId: 'other' }, fromZero, never)).rejects.toMatchObject({
      code: 'TOPIC_CHANGED',
    })
    await expect(sink.open({ ...partition, clusterId: 'other' }, fromZero, never)).rejects.toMatchObject({
      code: 'CLUSTER_CHANGED',
    })
    await sink.close()
    await sql(`DROP SCHEMA ${schema} CASCADE`)
  })

  it('another sink or group on one table is refused (fault 22)', async () => {
    const schema = await freshSchema('faults')
    const sink = sinkOn(schema)
    await runThings(sink, 10, 10)
    await sink.close()
    const other = sinkOn(schema, { owner: 'somebody else' })
    await expect(other.open(partitionOf(things, 1), fromZero, never)).rejects.toMatchObject({ code: 'OWNER_MISMATCH' })
    await other.close()
    await sql(`DROP SCHEMA ${schema} CASCADE`)
  })
})
