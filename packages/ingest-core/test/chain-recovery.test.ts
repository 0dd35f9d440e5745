import { describe, expect, it } from 'vitest'
import {
  sinkTestContract,
  sinkTestNoon,
  sinkTestPartition,
  testBatch,
  testRecords,
} from '../src/conformance/sink-records.ts'
import { layouts } from '../src/layout/layout.ts'
import { auditChain } from '../src/sink/audit.ts'
import { canonicalBytes, canonicalJson, sha256Hex } from '../src/sink/canonical-json.ts'
import type { Json } from '../src/sink/canonical-json.ts'
import { SinkError, sinkErrors } from '../src/sink/errors.ts'
import type { SinkErrorCode } from '../src/sink/errors.ts'
import { columnarEncoders } from '../src/sink/file-encoders.ts'
import { createFileSink } from '../src/sink/file-sink.ts'
import { sinkHookPoints } from '../src/sink/hooks.ts'
import { acceptTopic } from '../src/sink/markers.ts'
import {
  chainFolder,
  Crash,
  crashAt,
  createLake,
  cut,
  fixedClock,
  land,
  never,
  openAt,
  stepKey,
} from './chain-fixture.ts'
import type { Lake } from './chain-fixture.ts'
import { readLanded } from './sink-lake.ts'

/** Two days, a late row, a reject and a filtered record: three data files, one late, one dead. */
const log = testRecords('rrxrlfr-rr').map((record, i) =>
  i === 1 && record.is === 'row' ? { ...record, at: sinkTestNoon - 40_000 } : record,
)
const days = { ...sinkTestContract, partitionBy: [{ field: 'id', transform: 'value', as: 'id' }] as const }

async function planOf(lake: Lake, start: number): Promise<Record<string, Json>> {
  const body = lake.bucket.objects.get(stepKey(start, 'plan'))!.body
  return JSON.parse(new TextDecoder().decode(body)) as Record<string, Json>
}

async function replace(lake: Lake, key: string, content: Json): Promise<void> {
  const body = canonicalBytes(content)
  const store = await lake.store()
  await store.delete([key], never)
  await store.putIfAbsent(key, body, sha256Hex(body), {}, never)
}

/** Plans [0, end) and dies there. */
async function leavePlan(lake: Lake, end: number, options: Parameters<Lake['sink']>[0] = {}): Promise<void> {
  await expect(land(await lake.sink({ ...options, hooks: crashAt('after_plan') }), log, end)).rejects.toThrow(Crash)
}

describe('killed at each point (faults 3-7)', () => {
  for (const point of sinkHookPoints) {
    it(`${point}: another process with other settings and batches ends with the same bytes (fault 79)`, async () => {
      const undisturbed = createLake()
      await land(await undisturbed.sink({ tables: [{ contract: days }] }), log, 7)
      const lake = createLake()
      const victim = await lake.sink({ tables: [{ contract: days }], hooks: crashAt(point) })
      await expect(land(victim, log, 7)).rejects.toThrow(Crash)
      const planned = lake.bucket.objects.has(stepKey(0, 'plan'))
      const partial = new Map(lake.data())

      const clock = fixedClock(sinkTestNoon + (planned ? 99_000_000 : 0))
      const tables = [{ contract: days, ...(planned && { layout: layouts.hourly }) }]
      const successor = await lake.sink({ tables, clock })
      const receipts = await land(successor, log, 7, 2)
      if (point === 'after_done') expect(receipts).toEqual([])
      else expect(receipts).toMatchObject([{ start: 0, end: 7, reason: planned ? 'recovery' : 'time' }])

      expect(lake.data()).toEqual(undisturbed.data())
      for (const [key, text] of partial) expect(lake.data().get(key)).toBe(text)
      const keys = lake.bucket.history.map(({ key }) => key)
      expect(new Set(keys).size).toBe(keys.length)
      const report = await auditChain(await lake.store(), { sinkId: 'lake', deep: true })
      expect(report.findings).toEqual([])
      expect(report.partitions).toMatchObject([
        { next: 7, counts: { consumed: 7, late: 1, filtered: 1, deadLettered: 1 } },
      ])
    })
  }
})

describe('finishing a plan that was found', () => {
  it('cuts exactly at its end and carries the rest over to the next flush', async () => {
    const lake = createLake()
    await leavePlan(lake, 6)
    const sink = await lake.sink({ clock: fixedClock(sinkTestNoon + 1000) })
    expect(await openAt(sink)).toBe(0)
    // Filtered records have no offsets: the plan's count divides the ones at the border.
    expect(await sink.write(testBatch(log, 0, 9), never)).toMatchObject({ commitAdvised: true })
    await sink.write(testBatch(log, 9, 10), never)
    const first = await sink.commit(cut, never)
    const second = await sink.commit(cut, never)
    expect([first, second]).toMatchObject([
      {
        start: 0,
        end: 6,
        reason: 'recovery',
        counts: { consumed: 6, stored: 3, late: 1, filtered: 1, deadLettered: 1 },
      },
      { start: 6, end: 10, reason: 'time', counts: { consumed: 3, stored: 3, late: 0, filtered: 0, deadLettered: 0 } },
    ])
    expect(await sink.commit(cut, never)).toBeUndefined()
    const lines = [...lake.data()]
      .filter(([key]) => key.startsWith('readings/'))
      .flatMap(([, text]) => text.trim().split('\n'))
    const ingested = lines
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .map((line) => [line['_offset'], line['_ingested_at']])
    // The ingest time of the plan for its rows, of the new flush for the others.
    expect(new Map(ingested as [number, string][])).toEqual(
      new Map([0, 1, 3, 6, 8, 9].map((offset) => [offset, `2026-11-21T12:00:0${offset < 6 ? 0 : 1}.000Z`])),
    )
  })

  it('has nothing to commit until its records are there, then exactly it', async () => {
    const lake = createLake()
    await leavePlan(lake, 6)
    const sink = await lake.sink()
    await openAt(sink)
    await sink.write(testBatch(log, 0, 4), never)
    expect(await sink.commit(cut, never)).toBeUndefined()
    await sink.write(testBatch(log, 4, 6), never)
    expect(await sink.commit(cut, never)).toMatchObject({ start: 0, end: 6 })
  })

  it('pauses when the same records are judged otherwise now; nothing is written', async () => {
    const lake = createLake()
    await leavePlan(lake, 6)
    const judged = log.map((record, i) => (i === 3 ? ({ is: 'reject' } as const) : record))
    const before = new Map(lake.data())
    await expect(land(await lake.sink(), judged, 6)).rejects.toMatchObject({ code: 'PLAN_MISMATCH' })
    const filtered = log.map((record, i) => (i === 0 ? ({ is: 'filtered' } as const) : record))
    await expect(land(await lake.sink(), filtered, 6)).rejects.toMatchObject({ code: 'PLAN_MISMATCH' })
    expect(lake.data()).toEqual(before)
    expect(await land(await lake.sink(), log, 6)).toHaveLength(1)
  })

  it('takes files that another release of the encoder wrote for the same plan (fault 80)', async () => {
    const lake = createLake()
    const tables = [{ contract: days }]
    await expect(land(await lake.sink({ tables, hooks: crashAt('after_put', 2) }), log, 7)).rejects.toThrow(Crash)
    const before = new Map(lake.data())
    const encoders = {
      id: (format: Parameters<typeof columnarEncoders.id>[0]) => `${columnarEncoders.id(format)}-next`,
      create: (_: unknown, schema: Parameters<typeof columnarEncoders.create>[1]) =>
        columnarEncoders.create({ format: 'jsonl', options: { nulls: 'omit' } }, schema),
    }
    await land(await lake.sink({ tables, encoders }), log, 7)
    for (const [key, text] of before) expect(lake.data().get(key)).toBe(text)
    expect((await auditChain(await lake.store(), { sinkId: 'lake', deep: true })).findings).toEqual([])
    expect([...readLanded(lake.bucket).stored].sort()).toEqual([0, 1, 3, 6])
  })

  it('refuses a plan of newer code (fault 80)', async () => {
    const lake = createLake()
    await leavePlan(lake, 6)
    await replace(lake, stepKey(0, 'plan'), { ...(await planOf(lake, 0)), version: 2 })
    await expect(openAt(await lake.sink())).rejects.toMatchObject({ code: 'PLAN_UNSUPPORTED' })
  })

  it('keeps long dead lists beside the plan', async () => {
    const lake = createLake()
    const many = testRecords('xrxxrx')
    const sink = await lake.sink({ maxInlineDead: 3, hooks: crashAt('after_plan') })
    await expect(land(sink, many)).rejects.toThrow(Crash)
    const { dead } = await planOf(lake, 0)
    expect(dead).toMatchObject({ object: expect.stringContaining('.dead-') as unknown })
    expect(await land(await lake.sink(), many)).toMatchObject([{ counts: { deadLettered: 4, stored: 2 } }])
    const report = await auditChain(await lake.store(), { sinkId: 'lake' })
    expect(report.findings).toEqual([])
    expect(report.partitions[0]!.dead.map(({ offset }) => offset)).toEqual([0, 2, 3, 5])
  })
})

describe('identity', () => {
  const swapped = (more: object) => ({ ...sinkTestPartition, ...more })

  it('stops when the topic or the cluster is another one (faults 27, 28), until somebody accepts it', async () => {
    const lake = createLake()
    await land(await lake.sink(), log)
    const open = async (partition: typeof sinkTestPartition): Promise<unknown> =>
      (await lake.sink()).open(partition, () => Promise.resolve(0), never)
    await expect(open(swapped({ topicId: 'topic-id-2' }))).rejects.toMatchObject({ code: 'TOPIC_CHANGED' })
    await expect(open(swapped({ clusterId: 'other' }))).rejects.toMatchObject({ code: 'CLUSTER_CHANGED' })
    await acceptTopic(await lake.store(), 'lake', swapped({ topicId: 'topic-id-2' }), never)
    expect(await open(swapped({ topicId: 'topic-id-2' }))).toEqual({ next: 0 })
    await expect(open(sinkTestPartition)).rejects.toMatchObject({ code: 'TOPIC_CHANGED' })
  })

  it('stops when another sink or group writes to the table (fault 22)', async () => {
    const lake = createLake()
    await land(await lake.sink(), log)
    await expect(openAt(await lake.sink({ owner: 'other-group' }))).rejects.toMatchObject({ code: 'OWNER_MISMATCH' })
    await expect(openAt(await lake.sink({ sinkId: 'other' }))).rejects.toMatchObject({ code: 'OWNER_MISMATCH' })
    // Elsewhere it is welcome.
    expect(await openAt(await lake.sink({ sinkId: 'other', owner: 'other-group', prefix: 'elsewhere' }))).toBe(0)
  })

  it('knows no table for a topic it was not given', async () => {
    const sink = await createLake().sink()
    const unknown = sink.open(swapped({ topic: 'unknown' }), () => Promise.resolve(0), never)
    await expect(unknown).rejects.toMatchObject({ code: 'SINK_NO_TABLE' })
  })
})

describe('a foreign object under a planned name (fault 52)', () => {
  it('stops, overwrites nothing, and keeps the evidence', async () => {
    const lake = createLake()
    const key = 'readings/date=2026-11-21/conformance.readings+0+0-10.jsonl'
    const body = new TextEncoder().encode('somebody else')
    await (await lake.store()).putIfAbsent(key, body, sha256Hex(body), {}, never)
    await expect(land(await lake.sink(), log)).rejects.toMatchObject({ code: 'CHAIN_DIVERGED', evidence: { key } })
    expect(lake.data().get(key)).toBe('somebody else')
    const evidence = [...lake.bucket.objects.keys()].filter((each) => each.includes('.diverged-'))
    expect(evidence).toHaveLength(1)
    const report = await auditChain(await lake.store(), { sinkId: 'lake' })
    expect(report.findings.map(({ code }) => code)).toContain('EVIDENCE')
    // Still so after a restart: it does not go away by itself.
    await expect(land(await lake.sink(), log)).rejects.toMatchObject({ code: 'CHAIN_DIVERGED' })
  })
})

describe('a damaged chain', () => {
  async function built(): Promise<Lake> {
    const lake = createLake()
    for (const end of [3, 6, 10]) await land(await lake.sink(), log, end)
    return lake
  }

  it.each([
    ['genesis', `${chainFolder}genesis`, 'missing'],
    ['the newest plan', stepKey(6, 'plan'), 'missing'],
  ])('is not continued when %s is missing', async (_, key, why) => {
    const lake = await built()
    await (await lake.store()).delete([key], never)
    await expect(openAt(await lake.sink())).rejects.toMatchObject({
      code: 'CHAIN_BROKEN',
      message: expect.stringContaining(why) as unknown,
    })
  })

  it.each([
    ['is not JSON', 'text'],
    ['lacks a member', { version: 1 }],
    ['has a list that is none', { offsets: 3 }],
  ])('names key and path when a record %s', async (_, content) => {
    const lake = await built()
    const key = stepKey(6, 'plan')
    const plan = await planOf(lake, 6)
    await replace(
      lake,
      key,
      typeof content === 'string'
        ? content
        : 'offsets' in content
          ? { ...plan, dead: { ...(plan['dead'] as object), ...content } }
          : content,
    )
    await expect(openAt(await lake.sink())).rejects.toMatchObject({
      code: 'CHAIN_BROKEN',
      message: expect.stringContaining(key) as unknown,
    })
  })

  it('is noticed when a done record was changed behind the next plan', async () => {
    const lake = createLake()
    await land(await lake.sink(), log, 3)
    await expect(land(await lake.sink({ hooks: crashAt('after_plan') }), log, 6)).rejects.toThrow(Crash)
    const key = stepKey(0, 'done')
    const done = JSON.parse(new TextDecoder().decode(lake.bucket.objects.get(key)!.body)) as Record<string, Json>
    await replace(lake, key, { ...done, watermark: 1 })
    await expect(openAt(await lake.sink())).rejects.toMatchObject({ code: 'CHAIN_BROKEN' })
  })

  it('is not continued from a start that is not the end before it, or the first offset', async () => {
    const lake = createLake()
    await leavePlan(lake, 3)
    const genesisKey = `${chainFolder}genesis`
    const genesis = JSON.parse(new TextDecoder().decode(lake.bucket.objects.get(genesisKey)!.body)) as Record<
      string,
      Json
    >
    await replace(lake, genesisKey, { ...genesis, first: 1 })
    await expect(openAt(await lake.sink())).rejects.toMatchObject({ code: 'CHAIN_BROKEN' })

    const next = createLake()
    await land(await next.sink(), log, 3)
    const done = JSON.parse(new TextDecoder().decode(next.bucket.objects.get(stepKey(0, 'done'))!.body)) as Record<
      string,
      Json
    >
    await expect(land(await next.sink({ hooks: crashAt('after_plan') }), log, 6)).rejects.toThrow(Crash)
    const moved = canonicalBytes({ ...done, end: 2 })
    await replace(next, stepKey(0, 'done'), { ...done, end: 2 })
    await replace(next, stepKey(3, 'plan'), {
      ...(await planOf(next, 3)),
      previous: { start: 0, sha256: sha256Hex(moved) },
    })
    await expect(openAt(await next.sink())).rejects.toMatchObject({
      code: 'CHAIN_BROKEN',
      message: expect.stringContaining('ended at 2') as unknown,
    })
  })

  it('is found by its end among thousands of flushes', async () => {
    const lake = createLake()
    const long = testRecords('r'.repeat(1500))
    const sink = await lake.sink()
    await openAt(sink)
    for (let at = 0; at < long.length; at++) {
      await sink.write(testBatch(long, at, at + 1), never)
      await sink.commit(cut, never)
    }
    let lists = 0
    const store = await lake.store({ faults: (op) => void (lists += op === 'list' ? 1 : 0) })
    const again = createFileSink({ store, sinkId: 'lake', owner: 'group', tables: [{ contract: sinkTestContract }] })
    expect(await openAt(again)).toBe(1500)
    expect(lists).toBeLessThan(70)
  })
})

describe('outages', () => {
  it('waits out what passes, and pauses with one code when it does not (faults 45, 55)', async () => {
    const lake = createLake()
    let down = 0
    const store = await lake.store({ faults: (op) => (op !== 'open' && down-- > 0 ? 'unavailable' : undefined) })
    const sink = await lake.sink({ store, retry: { deadlineMs: 10_000 } })
    await openAt(sink)
    await sink.write(testBatch(log, 0, 10), never)
    down = 5
    expect(await sink.commit(cut, never)).toMatchObject({ end: 10 })
    await sink.abandon(sinkTestPartition)
    down = Number.POSITIVE_INFINITY
    await expect(openAt(sink)).rejects.toMatchObject({ code: 'SINK_UNAVAILABLE' })
    down = 0
    expect(await openAt(sink)).toBe(10)
  })

  it('can commit again after a failure without writing anything twice', async () => {
    const lake = createLake()
    let down = false
    const store = await lake.store({
      faults: (op, key) => (down && key.includes('.done') && op === 'putIfAbsent' ? 'unavailable' : undefined),
    })
    const sink = await lake.sink({ store, retry: { deadlineMs: 100 } })
    await openAt(sink)
    await sink.write(testBatch(log, 0, 10), never)
    down = true
    await expect(sink.commit(cut, never)).rejects.toMatchObject({ code: 'SINK_UNAVAILABLE' })
    down = false
    expect(await sink.commit(cut, never)).toMatchObject({ start: 0, end: 10 })
  })

  it('passes on what waiting does not help', async () => {
    const lake = createLake()
    const inner = await lake.store()
    const denied = Object.assign(new Error('no'), { code: 'STORE_DENIED' })
    const sink = await lake.sink({ store: { ...inner, putIfAbsent: () => Promise.reject(denied) } })
    await expect(openAt(sink)).rejects.toBe(denied)
  })

  it('stops waiting when it is told to', async () => {
    const lake = createLake()
    const store = await lake.store({ faults: (op) => (op === 'open' ? undefined : 'unavailable') })
    const stop = new AbortController()
    const sink = await lake.sink({ store, clock: { now: () => 0, after: () => () => undefined } })
    const opening = sink.open(sinkTestPartition, () => Promise.resolve(0), stop.signal)
    stop.abort(new Crash('stopped'))
    await expect(opening).rejects.toThrow('stopped')
  })
})

describe('options', () => {
  it.each([
    ['sinkId', { sinkId: 'a/b' }],
    ['sinkId', { sinkId: '_owners' }],
    ['owner', { owner: '' }],
    ['prefix', { prefix: '/a' }],
    ['prefix', { prefix: 'a/../b' }],
    ['maxOpenFiles', { maxOpenFiles: 0 }],
    ['two tables', { tables: [{ contract: sinkTestContract }, { contract: sinkTestContract }] }],
  ])('refuses %s that cannot work: %j', async (what, options) => {
    await expect(createLake().sink(options)).rejects.toThrow(what)
  })

  it('asks for a commit when too many files are open (input 25)', async () => {
    const sink = await createLake().sink({ tables: [{ contract: days }], maxOpenFiles: 2 })
    await openAt(sink)
    expect((await sink.write(testBatch(log, 0, 2), never)).commitAdvised).toBeUndefined()
    expect(await sink.write(testBatch(log, 2, 7), never)).toMatchObject({ commitAdvised: true, openFiles: 5 })
    expect(await sink.commit(cut, never)).toMatchObject({ end: 7 })
  })
})

describe('small parts', () => {
  it('writes equal JSON for equal values', () => {
    expect(canonicalJson({ b: 1, a: [true, null, 'x"'], c: undefined })).toBe('{"a":[true,null,"x\\""],"b":1}')
    expect(() => canonicalJson(Number.NaN)).toThrow(TypeError)
  })

  it('has one code per error, as in the table', () => {
    for (const code of Object.keys(sinkErrors) as SinkErrorCode[]) expect(new SinkError(code, 'x').code).toBe(code)
  })
})
