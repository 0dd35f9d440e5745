import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createFileCache, createLocalFiles } from '@sluice/app-kit'
import { createLocalStore, createMemoryStore, type ObjectStore } from '@sluice/ingest-core'
import { openDuck, parquetSql } from '../src/silver/duck.ts'
import { createSnapshotTable, type Snapshot } from '../src/silver/snapshot-table.ts'
import { cleanCustomers } from '../src/telco/customer-table.ts'
import { customerSilver, refreshCustomers } from '../src/telco/silver.ts'
import { bronzeSink, land, never, openWorkers, type Sent } from './memory-lake.ts'

const start = Date.UTC(2026, 0, 5, 22, 30)
const minute = 60_000

/** A small linear generator: the same numbers everywhere. */
function numbers(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    return Math.floor((state / 2 ** 31) * below)
  }
}

function states(seed: number, count: number): Sent[] {
  const random = numbers(seed)
  return Array.from({ length: count }, (_, n) => {
    const id = `C-${random(25)}`
    // Mostly forward, now and then far behind the watermark, and some equal times.
    const at = start + minute * (random(6) === 0 ? random(n + 1) : n * 2) - (random(9) === 0 ? 90 * minute : 0)
    const value: Record<string, unknown> = { customer_id: id, updated_at: at - (at % (5 * minute)) }
    if (random(3) > 0) value['tenure'] = random(80)
    if (random(4) > 0) value['monthly_charges'] = random(12_000) / 100
    if (random(2) > 0) value['gender'] = ['Female', 'Male', 'Other'][random(3)]
    value['last_name'] = `n${n}`
    return { partition: Number(id.slice(2)) % 2, key: id, value: random(40) === 0 ? { ...value, extra: 1 } : value }
  })
}

/** Newest by time, then by position, as a plain program would say. */
function model(sent: readonly Sent[]): Map<string, string> {
  const newest = new Map<string, { at: number; name: string }>()
  for (const { value } of sent) {
    const state = value as { customer_id: string; updated_at: number; last_name: string; extra?: number }
    if (state.extra !== undefined) continue
    const known = newest.get(state.customer_id)
    if (known === undefined || state.updated_at >= known.at) {
      newest.set(state.customer_id, { at: state.updated_at, name: state.last_name })
    }
  }
  return new Map([...newest].map(([id, { name }]) => [id, name] as const).sort())
}

describe('silver of customers', () => {
  const workers = openWorkers(cleanCustomers)
  let root: string
  let store: ObjectStore

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'sluice-silver-test-'))
    store = createLocalStore({ root, durable: false })
    await store.open(never)
  })
  afterEach(async () => {
    await store.close()
    await rm(root, { recursive: true, force: true })
  })
  afterAll(() => workers.close())

  const options = () => ({ store, files: createLocalFiles(root), sinkId: 'bronze' })
  const ingest = (sent: readonly Sent[]) =>
    land({
      contract: cleanCustomers,
      workers,
      sink: bronzeSink(store, cleanCustomers, workers),
      sent,
      partitions: 2,
    })

  async function rowsOf(snapshot: Snapshot): Promise<Record<string, unknown>[]> {
    await using duck = await openDuck()
    const paths = snapshot.files.map(({ key }) => join(root, key))
    const more = ', filename = true'
    return await duck.rows(`select * exclude (updated_at), epoch_ms(updated_at)::double as updated_at,
      total_charges::varchar as total, (monthly_charges * tenure)::varchar as product
      from ${parquetSql(paths, more)} order by customer_id`)
  }

  it('holds the newest state of each customer after every refresh, whatever the order, late states included', async () => {
    const sent = states(7, 160)
    let files = new Map<string, string>()
    for (const upTo of [1, 40, 41, 100, 160]) {
      const now = sent.slice(0, upTo)
      await ingest(now)
      const snapshot = (await refreshCustomers(options(), never))!
      const rows = await rowsOf(snapshot)
      expect(new Map(rows.map((row) => [row['customer_id'], row['last_name']]))).toEqual(model(now))
      expect(snapshot.counts['customers']).toBe(rows.length)
      for (const row of rows) {
        const at = new Date(row['updated_at'] as number).toISOString()
        const folder = `year=${at.slice(0, 4)}/month=${at.slice(5, 7)}/day=${at.slice(8, 10)}/hour=${at.slice(11, 13)}`
        expect(row['filename']).toContain(`${customerSilver}/${folder}/`)
        expect(row['total']).toBe(row['product'])
        expect(row['tenure_band']).toMatch(/months$/)
      }
      // What did not change is not written again.
      const kept = snapshot.files.filter(({ partition, key }) => files.get(partition) === key)
      expect(snapshot.files.length - kept.length).toBe(snapshot.counts['partitionsWritten'])
      files = new Map(snapshot.files.map(({ partition, key }) => [partition, key]))
    }
    const again = (await refreshCustomers(options(), never))!
    expect(again.number).toBe(5)
    expect((await ingest(sent)).commits).toBe(0)
  })

  it('gives one snapshot when two jobs run at once, and uses what a dead job left behind', async () => {
    const sent = states(11, 60)
    await ingest(sent)
    const dying: ObjectStore = {
      ...store,
      putIfAbsent: (key, ...rest) =>
        key.includes('_snapshots') ? Promise.reject(new Error('killed')) : store.putIfAbsent(key, ...rest),
    }
    await expect(refreshCustomers({ ...options(), store: dying }, never)).rejects.toThrow('killed')
    expect(await createSnapshotTable({ store, table: customerSilver }).latest(never)).toBeUndefined()

    const both = await Promise.all([refreshCustomers(options(), never), refreshCustomers(options(), never)])
    const latest = (await createSnapshotTable({ store, table: customerSilver }).latest(never))!
    expect(both.map((snapshot) => snapshot!.number)).toContain(latest.number)
    expect(latest.number).toBe(1)
    const rows = await rowsOf(latest)
    expect(new Map(rows.map((row) => [row['customer_id'], row['last_name']]))).toEqual(model(sent))
  })

  it('reads a store that is no folder through a cache of files', async () => {
    const remote = createMemoryStore()
    await remote.open(never)
    const sent = states(3, 30)
    const sink = bronzeSink(remote, cleanCustomers, workers)
    await land({ contract: cleanCustomers, workers, sink, sent, partitions: 2 })
    const files = createFileCache(remote, join(root, 'cache'))
    const snapshot = (await refreshCustomers({ store: remote, files, sinkId: 'bronze' }, never))!
    expect(snapshot.counts['customers']).toBe(model(sent).size)
    const paths = await files.paths(snapshot.files, never)
    expect(paths[0]).toContain(join(root, 'cache'))
  })

  it('has nothing to say about an empty lake', async () => {
    expect(await refreshCustomers(options(), never)).toBeUndefined()
  })
})

describe('a snapshot table', () => {
  it('lets one of two different snapshots have a number, and takes a lost reply for what it was', async () => {
    const store = createMemoryStore()
    await store.open(never)
    const table = createSnapshotTable({ store, table: 't', prefix: 'p/' })
    const snapshot = (job: string): Snapshot => ({ number: 1, job, inputs: {}, files: [], counts: {} })
    expect(await table.commit(snapshot('a'), never)).toBe(true)
    expect(await table.commit(snapshot('a'), never)).toBe(true)
    expect(await table.commit(snapshot('b'), never)).toBe(false)
    expect(await table.commit({ ...snapshot('b'), number: 2 }, never)).toBe(true)
    expect(await table.latest(never)).toEqual({ ...snapshot('b'), number: 2 })
  })

  it('refuses a manifest that is not one', async () => {
    const store = createMemoryStore()
    await store.open(never)
    const { createHash } = await import('node:crypto')
    const bytes = Buffer.from('{"version":1,"table":"other","number":1}')
    const digest = createHash('sha256').update(bytes).digest('hex')
    await store.putIfAbsent('_snapshots/t/0000000001', bytes, digest, {}, never)
    await expect(createSnapshotTable({ store, table: 't' }).latest(never)).rejects.toMatchObject({
      code: 'SNAPSHOT_BROKEN',
    })
  })
})
