import { afterAll, describe, expect, it } from 'vitest'
import type { Sink } from '@sluice/ingest-core'
import { createPostgresSink } from '../src/index.ts'
import type { PostgresTable } from '../src/index.ts'
import { batchOf, contractOf, fromZero, millis, never, optional, partitionOf, randomOf, shuffled } from './rows.ts'
import { connect, freshSchema, sql } from './server.ts'

/**
 * Each key of a run is one experiment: the same events, in another order and with other duplicates. So one run of a few
 * flushes on the real server tries over a thousand orders.
 */
const orders = 1_200
const flushes = 6
const t0 = 1_780_000_000_000

const contract = contractOf([
  { name: 'id', type: 'string' },
  { name: 'at', type: millis },
  { name: 'plan', type: optional('string') },
  { name: 'visits', type: 'int' },
])
const deleting = { ...contract, tombstones: 'delete' as const }

interface Event {
  readonly at: number
  readonly plan: string | null
  readonly visits: number
  /** Where it lies in its partition: the same wherever it arrives. */
  readonly deleted?: boolean
}

/** Twelve events of one key; some leave the plan as it is, some share a time. */
const events: readonly Event[] = [
  { at: 10, plan: 'free', visits: 1 },
  { at: 20, plan: 'free', visits: 2 },
  { at: 30, plan: 'pro', visits: 3 },
  { at: 40, plan: 'pro', visits: 4 },
  { at: 50, plan: 'free', visits: 5 },
  { at: 60, plan: 'free', visits: 6 },
  { at: 70, plan: null, visits: 7 },
  { at: 80, plan: null, visits: 8 },
  { at: 90, plan: 'pro', visits: 9 },
  { at: 90, plan: 'basic', visits: 9 },
  { at: 100, plan: 'pro', visits: 10 },
  { at: 110, plan: 'pro', visits: 11 },
]

const pool = connect()
afterAll(() => pool.close())

interface Arrival {
  readonly id: string
  readonly event: Event
  readonly offset: number
  readonly partition: number
  /** Has each key once. */
  readonly round: number
}

/** All experiments interleaved, as they arrive; offsets follow the arrival. */
function arrivals(seed: number, source: readonly Event[]): Arrival[] {
  const random = randomOf(seed)
  const queues = Array.from({ length: orders }, (_, k) => {
    const twice = source.filter(() => random() < 0.3)
    return { id: `key-${String(k).padStart(5, '0')}`, left: shuffled([...source, ...twice], random) }
  })
  const out: Arrival[] = []
  const offsets = [0, 0]
  let open = queues.filter(({ left }) => left.length > 0)
  for (let round = 0; open.length > 0; round++) {
    for (const { id, left } of shuffled(open, random)) {
      const partition = random() < 0.2 ? 1 : 0
      out.push({ id, event: left.pop()!, partition, offset: offsets[partition]!, round })
      offsets[partition]! += 1
    }
    open = open.filter(({ left }) => left.length > 0)
  }
  return out
}

async function run(schema: string, table: PostgresTable, all: readonly Arrival[]): Promise<void> {
  const sink = createPostgresSink({ connection: pool, sinkId: 'p', owner: 'tests', schema, tables: [table] })
  const next = await openBoth(sink, table)
  const step = Math.ceil(all.length / flushes)
  for (let at = 0; at < all.length; at += step) await flush(sink, table, next, all.slice(at, at + step))
  await sink.close()
}

/** The same with a flush per round and a sink that has learned nothing: each flush is tried as a load. */
async function runByRounds(schema: string, table: PostgresTable, all: readonly Arrival[]): Promise<string[]> {
  const met: string[] = []
  for (let round = 0; round <= all.at(-1)!.round; round++) {
    const sink = createPostgresSink({
      connection: pool,
      sinkId: 'p',
      owner: 'tests',
      schema,
      tables: [table],
      hooks: { at: (point) => void met.push(point) },
    })
    const next = await openBoth(sink, table)
    await flush(
      sink,
      table,
      next,
      all.filter((arrival) => arrival.round === round),
    )
    await sink.close()
  }
  return met
}

async function openBoth(sink: Sink, { contract: of }: PostgresTable): Promise<number[]> {
  const first = await sink.open(partitionOf(of, 0), fromZero, never)
  const second = await sink.open(partitionOf(of, 1), fromZero, never)
  return [first.next, second.next]
}

/** Both partitions commit at the same time. */
async function flush(sink: Sink, table: PostgresTable, next: number[], some: readonly Arrival[]): Promise<void> {
  await Promise.all(
    [0, 1].map(async (number) => {
      const partition = partitionOf(table.contract, number)
      const mine = some.filter((arrival) => arrival.partition === number)
      const rows = mine.filter(({ event }) => event.deleted !== true)
      const gone = mine.filter(({ event }) => event.deleted === true)
      const start = next[number]!
      next[number]! += mine.length
      await sink.write(
        batchOf(
          table.contract,
          partition,
          start,
          rows.map(({ id, event }) => ({ id, at: BigInt(t0 + event.at), plan: event.plan, visits: event.visits })),
          {
            offsets: rows.map(({ offset }) => offset),
            tombstones: gone.map(({ id, event, offset }) => ({
              offset,
              timestamp: t0 + event.at,
              key: new TextEncoder().encode(id),
            })),
          },
        ),
        never,
      )
      await sink.commit({ partition, reason: 'time' }, never)
    }),
  )
}

function byKey(all: readonly Arrival[]): Map<string, Arrival[]> {
  const map = new Map<string, Arrival[]>()
  for (const arrival of all) map.set(arrival.id, [...(map.get(arrival.id) ?? []), arrival])
  return map
}

/** The model of upsert: of each key the newest event, of equal times the later position. */
async function expectNewest(schema: string, all: readonly Arrival[]): Promise<void> {
  const rows = await sql<{ id: string; at: Date; plan: string | null; visits: number }>(
    `SELECT id, at, plan, visits FROM ${schema}.things ORDER BY id`,
  )
  expect(rows).toHaveLength(orders)
  const keys = byKey(all)
  for (const row of rows) {
    const newest = keys
      .get(row.id)!
      .reduce((best, each) =>
        each.event.at > best.event.at ||
        (each.event.at === best.event.at &&
          (each.offset > best.offset || (each.offset === best.offset && each.partition > best.partition)))
          ? each
          : best,
      )
    expect({ ...row, at: row.at.getTime() - t0 }).toEqual({ id: row.id, ...newest.event })
  }
}

interface Version {
  readonly from: number
  readonly to: number | null
  readonly plan: string | null
  readonly visits: number
}

/** The plain model: events sorted, one per time, versions where the tracked field changes. */
function model(source: readonly Event[], track: boolean): Version[] {
  const atOnce = new Map<number, Event>()
  for (const event of source) {
    const other = atOnce.get(event.at)
    // Between equal times: a deletion, then the greater content as text.
    const content = (each: Event): string => `${each.deleted === true ? 1 : 0}(${each.plan ?? ''},${each.visits})`
    if (other === undefined || content(event) > content(other)) atOnce.set(event.at, event)
  }
  const sorted = [...atOnce.values()].sort((a, b) => a.at - b.at)
  const changes = sorted.filter((event, i) => {
    const before = sorted[i - 1]
    if (event.deleted === true) return before !== undefined && before.deleted !== true
    return !track || before === undefined || before.deleted === true || before.plan !== event.plan
  })
  return changes.flatMap((event, i) =>
    event.deleted === true
      ? []
      : [{ from: event.at, to: changes[i + 1]?.at ?? null, plan: event.plan, visits: event.visits }],
  )
}

async function histories(schema: string): Promise<Map<string, Version[]>> {
  const rows = await sql<{
    id: string
    from: Date
    to: Date | null
    plan: string | null
    visits: number
    current: boolean
  }>(
    `SELECT id, valid_from AS from, valid_to AS to, plan, visits, is_current AS current FROM ${schema}.things ORDER BY id, valid_from`,
  )
  const found = new Map<string, Version[]>()
  for (const { id, from, to, plan, visits, current } of rows) {
    expect(current).toBe(to === null)
    const version = { from: from.getTime() - t0, to: to === null ? null : to.getTime() - t0, plan, visits }
    found.set(id, [...(found.get(id) ?? []), version])
  }
  return found
}

describe('any order and any duplicates give one result', () => {
  it('upsert: the newest by event time, then by position (input 39)', async () => {
    const schema = await freshSchema('perm')
    const all = arrivals(11, events)
    await run(schema, { contract, mode: 'upsert' }, all)
    await expectNewest(schema, all)
    await sql(`DROP SCHEMA ${schema} CASCADE`)
  })

  it('upsert, tried as a load at every flush: the same, whether it is taken or refused', async () => {
    const schema = await freshSchema('perm')
    const all = arrivals(17, events)
    const met = await runByRounds(schema, { contract, mode: 'upsert' }, all)
    await expectNewest(schema, all)
    const times = (point: string): number => met.filter((each) => each === point).length
    // Keys are new in the first round alone; both partitions load it.
    expect(times('after_load')).toBeGreaterThanOrEqual(2)
    expect(times('after_table_lock')).toBeGreaterThan(2 * events.length)
    expect(times('after_copy')).toBeGreaterThan(events.length)
    await sql(`DROP SCHEMA ${schema} CASCADE`)
  })

  it('upsert with ties: the later position where times are equal, the greater content when asked', async () => {
    const tied = [0, 1, 2, 3].map((i) => ({ at: 5, plan: `p${i}`, visits: i }))
    const schema = await freshSchema('perm')
    await run(schema, { contract, mode: 'upsert', ties: 'content' }, arrivals(12, tied))
    const found = await sql(`SELECT plan, count(*)::int AS n FROM ${schema}.things GROUP BY plan`)
    expect(found).toEqual([{ plan: 'p3', n: orders }])
    await sql(`DROP SCHEMA ${schema} CASCADE`)

    const byPosition = await freshSchema('perm')
    const all = arrivals(13, tied)
    await run(byPosition, { contract, mode: 'upsert' }, all)
    const rows = await sql<{ id: string; plan: string }>(`SELECT id, plan FROM ${byPosition}.things`)
    const keys = byKey(all)
    const wrong = rows.filter(({ id, plan }) => {
      const last = keys
        .get(id)!
        .reduce((a, b) => (b.offset > a.offset || (b.offset === a.offset && b.partition > a.partition) ? b : a))
      return last.event.plan !== plan
    })
    expect(rows).toHaveLength(orders)
    expect(wrong).toEqual([])
    await sql(`DROP SCHEMA ${byPosition} CASCADE`)
  })

  it('upsert with deletions: a late event does not raise the dead', async () => {
    const schema = await freshSchema('perm')
    const alive = [...events, { at: 55, plan: null, visits: 0, deleted: true }]
    await run(schema, { contract: deleting, mode: 'upsert' }, arrivals(14, alive))
    const rows = await sql(`SELECT visits, count(*)::int AS n FROM ${schema}.things GROUP BY visits`)
    expect(rows).toEqual([{ visits: 11, n: orders }])
    const dead = [...events, { at: 500, plan: null, visits: 0, deleted: true }]
    const gone = await freshSchema('perm')
    await run(gone, { contract: deleting, mode: 'upsert' }, arrivals(15, dead))
    expect(await sql(`SELECT * FROM ${gone}.things`)).toEqual([])
    await sql(`DROP SCHEMA ${schema} CASCADE; DROP SCHEMA ${gone} CASCADE`)
  })

  it.each([
    ['every event', contract, undefined, events],
    ['changes of a tracked field', contract, ['plan'], events],
    [
      'with deletions',
      deleting,
      undefined,
      [...events, { at: 45, plan: null, visits: 0, deleted: true }, { at: 90, plan: null, visits: 0, deleted: true }],
    ],
    [
      'tracked, with deletions',
      deleting,
      ['plan'],
      [
        { at: 5, plan: null, visits: 0, deleted: true },
        ...events,
        { at: 45, plan: null, visits: 0, deleted: true },
        { at: 46, plan: null, visits: 0, deleted: true },
        { at: 200, plan: null, visits: 0, deleted: true },
      ],
    ],
  ] as const)('scd2, %s: one history, without gaps or overlaps', async (_, table, track, source) => {
    const schema = await freshSchema('perm')
    await run(
      schema,
      { contract: table, mode: 'scd2', ...(track !== undefined && { track }) },
      arrivals(16 + source.length, source),
    )
    const expected = model(source, track !== undefined)
    const found = await histories(schema)
    const wrong = [...found].filter(([, versions]) => JSON.stringify(versions) !== JSON.stringify(expected))
    expect(wrong.slice(0, 1)).toEqual([])
    expect(found.size).toBe(orders)
    await sql(`DROP SCHEMA ${schema} CASCADE`)
  })
})
