import { describe, expect, it } from 'vitest'
import { testRecords } from '../src/conformance/sink-records.ts'
import type { LeftoverUpload, LeftoverUploads } from '../src/contracts/object-store.ts'
import { sweepLeftovers } from '../src/sink/janitor.ts'
import type { MemoryStore } from '../src/stores/memory-store.ts'
import { sha256Hex } from '../src/stores/store-session.ts'
import { crashAt, createLake, fixedClock, land, never } from './chain-fixture.ts'
import type { Lake } from './chain-fixture.ts'

const now = Date.UTC(2026, 10, 22)
const hour = 3_600_000

/** The memory store of the lake, with uploads that somebody left behind. */
async function withUploads(lake: Lake, uploads: LeftoverUpload[]): Promise<MemoryStore & LeftoverUploads> {
  const store = await lake.store()
  return {
    ...store,
    async *listUploads(prefix) {
      yield* uploads.filter(({ key }) => key.startsWith(prefix))
    },
    abortUpload(upload) {
      uploads.splice(uploads.indexOf(upload), 1)
      return Promise.resolve()
    },
  }
}

const upload = (key: string, hoursOld: number): LeftoverUpload => ({ key, id: key, startedAt: now - hoursOld * hour })
const file = (start: number, end: number, partition = 0) =>
  `readings/date=2026-11-21/conformance.readings+${partition}+${start}-${end}.jsonl`
const sweep = async (lake: Lake, uploads: LeftoverUpload[], more: object = {}) =>
  sweepLeftovers(await withUploads(lake, uploads), { sinkId: 'lake', clock: fixedClock(now), signal: never, ...more })

describe('the janitor (faults 4, 57)', () => {
  it('aborts old uploads of this sink, and keeps those of others and young ones', async () => {
    const lake = createLake()
    await land(await lake.sink(), testRecords('rrrr'), 4)
    const [old, young, timeless] = [
      upload(file(0, 4), 25),
      upload(file(4, 9), 23),
      { ...upload(file(9, 12), 0), startedAt: 0 },
    ]
    const foreign = [upload('readings/export.parquet', 99), upload('other/date=x/elsewhere+0+0-4.jsonl', 99)]
    const uploads = [old, young, timeless, ...foreign]
    const report = await sweep(lake, uploads)
    expect(report.aborted).toEqual([old])
    expect(report.kept.map(({ upload: { key }, why }) => [key, why])).toEqual([
      [young.key, 'young'],
      [timeless.key, 'young'],
      ...foreign.map(({ key }) => [key, 'foreign']),
    ])
    expect(uploads).toEqual([young, timeless, ...foreign])
    expect((await sweep(lake, uploads, { olderThanMs: 22 * hour })).aborted).toEqual([young])
  })

  it('never touches what an unfinished plan names, however old; it does when the plan is done', async () => {
    const lake = createLake()
    const dying = await lake.sink({ hooks: crashAt('after_plan') })
    await expect(land(dying, testRecords('rrrr'), 4)).rejects.toThrow()
    const uploads = [upload(file(0, 4), 999), upload(file(0, 4, 1), 999)]
    expect((await sweep(lake, uploads)).kept).toMatchObject([{ upload: { key: file(0, 4) }, why: 'planned' }])
    expect(uploads.map(({ key }) => key)).toEqual([file(0, 4)])
    await land(await lake.sink(), testRecords('rrrr'), 4)
    expect((await sweep(lake, uploads)).aborted).toHaveLength(1)
    expect(uploads).toEqual([])
  })

  it('names what it would abort, and stays below its prefix', async () => {
    const lake = createLake()
    await land(await lake.sink(), testRecords('rr'), 2)
    const uploads = [upload(file(0, 2), 48), upload('_ingest/lake/topic-id-1/0/00000000000000000000.dead-0a', 48)]
    expect((await sweep(lake, uploads, { dryRun: true })).aborted).toHaveLength(2)
    expect(uploads).toHaveLength(2)
    expect(await sweep(lake, uploads, { prefix: 'elsewhere' })).toEqual({ aborted: [], kept: [] })
    expect((await sweep(lake, uploads)).aborted).toHaveLength(2)
  })

  it('does not read the chain when there is nothing to sweep, and keeps replays while one is unfinished', async () => {
    const lake = createLake()
    await land(await lake.sink(), testRecords('rr'), 2)
    const replayed = upload('readings/date=2026-11-21/replay-1~conformance.readings+0+0-2.jsonl', 48)
    const store = await lake.store()
    const digest = sha256Hex(Buffer.from('{}'))
    await store.putIfAbsent('_ingest/lake/replay/00000000000000000001.plan', Buffer.from('{}'), digest, {}, never)
    expect((await sweep(lake, [replayed])).kept).toMatchObject([{ why: 'planned' }])
    await store.putIfAbsent('_ingest/lake/replay/00000000000000000001.done', Buffer.from('{}'), digest, {}, never)
    expect((await sweep(lake, [replayed])).aborted).toEqual([replayed])
    expect(await sweep(lake, [])).toEqual({ aborted: [], kept: [] })
  })
})
