import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { LogRecord } from '../src/log/encode-batch.ts'
import { badRecords, record, userEvents, valueV1, valueV2 } from './pipeline-events.ts'
import { assemble, contentOf, openTestLake, openTestWorkers, runOnce } from './pipeline-lake.ts'
import type { TestLake } from './pipeline-lake.ts'

let lake: TestLake
const shared = openTestWorkers()

afterAll(() => shared.close())

beforeEach(async () => {
  lake = await openTestLake(2)
})

afterEach(() => lake.dispose())

/** Good records with every kind of bad one among them, and what must become of them. */
function mixed(count: number, partition: number) {
  const records: LogRecord[] = []
  const rows: string[] = []
  const dead: string[] = []
  for (let n = 0; n < count; n++) {
    const bad = n % 5 === 3 ? badRecords[((n / 5) % badRecords.length) | 0] : undefined
    if (bad === undefined) rows.push(`${partition}:${n}`)
    else dead.push(`${partition}:${n} ${bad.code}`)
    records.push(bad?.record ?? record(n % 2 ? valueV1(n) : valueV2(n), n))
  }
  return { records, rows, dead }
}

async function produce(count: number) {
  const both = [mixed(count, 0), mixed(count, 1)]
  for (const [partition, { records }] of both.entries()) await lake.log.append(userEvents.topic, partition, records)
  return { rows: both.flatMap((each) => each.rows).sort(), dead: both.flatMap((each) => each.dead).sort() }
}

describe('segment log to lake', () => {
  it('lands good records, dead-letters bad ones with their codes, and changes nothing when run again', async () => {
    const expected = await produce(400)
    const summary = await runOnce(lake, { shared })
    expect(summary.outcome).toBe('caught-up')
    const content = await contentOf(lake.store)
    expect(content.rows).toEqual(expected.rows)
    expect(content.dead).toEqual(expected.dead)
    const { consumed, stored, late, deadLettered, inFlight } = summary.topics[userEvents.topic]!
    expect([consumed, stored + late, deadLettered, inFlight]).toEqual([
      800,
      expected.rows.length,
      expected.dead.length,
      0,
    ])

    const again = await runOnce(lake, { shared })
    expect([again.outcome, again.commits]).toEqual(['caught-up', 0])
    expect(await contentOf(lake.store)).toEqual(content)
  })

  it('takes up where it was: several runs give what one gives', async () => {
    const first = await produce(100)
    await runOnce(lake, { shared })
    const offsetBy = (lines: string[]): string[] =>
      lines.map((line) => line.replace(/:(\d+)/, (_, n: string) => `:${Number(n) + 100}`))
    const second = await produce(100)
    await runOnce(lake, { shared, inline: true })
    const content = await contentOf(lake.store)
    expect(content.rows).toEqual([...first.rows, ...offsetBy(second.rows)].sort())
    expect(content.dead).toEqual([...first.dead, ...offsetBy(second.dead)].sort())
  })

  it('writes the same files in workers and in the main thread', async () => {
    await produce(150)
    const clock = {
      now: () => 1_800_000_000_000,
      after: (ms: number, fn: () => void) => {
        const timer = setTimeout(fn, ms)
        return () => clearTimeout(timer)
      },
    }
    await runOnce(lake, { shared, sink: { clock } })
    const other = await openTestLake(2)
    try {
      await runOnce({ ...other, root: lake.root }, { shared, sink: { clock }, inline: true })
      const digests = async (store: TestLake['store']) => {
        const found: string[] = []
        for await (const { key } of store.list('', new AbortController().signal)) {
          if (!key.startsWith('_ingest/'))
            found.push(`${key} ${(await store.head(key, new AbortController().signal))!.sha256}`)
        }
        return found
      }
      const files = await digests(lake.store)
      expect(files.length).toBeGreaterThan(2)
      expect(await digests(other.store)).toEqual(files)
    } finally {
      await other.dispose()
    }
  })

  it('keeps up with a stream and stops gracefully', async () => {
    const stop = new AbortController()
    const { pipeline } = await assemble(lake, { shared, pipeline: { signal: stop.signal, rotation: { rows: 50 } } })
    const running = pipeline.run({ until: 'aborted' })
    const expected = await produce(200)
    const stored = () => pipeline.status().topics[userEvents.topic]?.consumed ?? 0
    for (let i = 0; i < 2000 && stored() < 400; i++) await new Promise((resolve) => setTimeout(resolve, 5))
    stop.abort()
    const summary = await running
    expect(summary.outcome).toBe('aborted')
    expect(summary.commits).toBeGreaterThan(2)
    const content = await contentOf(lake.store)
    expect([content.rows, content.dead]).toEqual([expected.rows, expected.dead])
  })

  it('waits for the registry, stores the rest, and dead-letters nothing for the outage', async () => {
    await lake.log.append(userEvents.topic, 0, [record(valueV1(1), 1), record(valueV2(2), 2)])
    lake.registry.down = true
    const { pipeline, workers } = await assemble(lake)
    const running = pipeline.run({ until: 'caught-up' })
    const state = () => pipeline.status().partitions.find((each) => each.partition.partition === 0)
    for (let i = 0; i < 2000 && !state()?.error; i++) await new Promise((resolve) => setTimeout(resolve, 5))
    expect(state()).toMatchObject({ state: 'backing-off', error: { code: 'REGISTRY_UNAVAILABLE' } })
    lake.registry.down = false
    expect((await running).outcome).toBe('caught-up')
    await workers.close()
    expect(await contentOf(lake.store)).toMatchObject({ rows: ['0:0', '0:1'], dead: [] })
  })

  it('asks the registry once per id, however many records and partitions carry it', async () => {
    await produce(300)
    await runOnce(lake)
    const asked = (id: number) => lake.registry.asked.filter((each) => each === id).length
    expect([asked(11), asked(12), asked(13), asked(99)]).toEqual([1, 1, 1, 3])
  })

  it('survives records that end a worker (fault 82): they become dead letters, files of other partitions are written again', async () => {
    const poison = record(new TextEncoder().encode('\0\0\0\0\u000bPOISON'), 0)
    const good = Array.from({ length: 60 }, (_, n) => record(valueV1(n), n))
    await lake.log.append(userEvents.topic, 0, [...good.slice(0, 30), poison, ...good.slice(30), poison])
    await lake.log.append(userEvents.topic, 1, good)
    const url = new URL('./workers-poison.ts', import.meta.url)
    const { pipeline, workers } = await assemble(lake, {
      workers: { url },
      pipeline: { rotation: { rows: 20 }, pollBytes: 2_500 },
    })
    const summary = await pipeline.run({ until: 'caught-up' })
    expect(workers.stats().crashes).toBeGreaterThan(0)
    await workers.close()
    expect(summary.outcome).toBe('caught-up')
    const content = await contentOf(lake.store)
    expect(content.dead).toEqual(['0:30 decode_crash', '0:61 decode_crash'])
    expect(content.rows).toHaveLength(120)
    expect(new Set(content.rows).size).toBe(120)
  })

  it('holds its budget and still stores everything (faults 34, 76)', async () => {
    const expected = await produce(3000)
    const budgetBytes = 600_000
    const summary = await runOnce(lake, { shared, pipeline: { budgetBytes, pollBytes: 50_000 } })
    expect(summary.outcome).toBe('caught-up')
    expect(summary.receipts.some((receipt) => receipt.reason === 'memory')).toBe(true)
    // An encoder of JSON Lines begins with 64 KiB, four partitions have several: `pipeline-memory` holds the promise at a size that can.
    expect(summary.peakBytes).toBeLessThan(1.5 * budgetBytes)
    expect((await contentOf(lake.store)).rows).toEqual(expected.rows)
  })
})
