import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'

import type { DeadLettersOptions } from '../src/dead-letters/dead-letters.ts'
import { deadLetterErrors, DeadLetterError } from '../src/dead-letters/errors.ts'
import type { DeadLetterErrorCode } from '../src/dead-letters/errors.ts'
import { createLakeLetterFeed } from '../src/dead-letters/letter-feed.ts'
import { auditChain } from '../src/sink/audit.ts'
import { sha256Hex } from '../src/sink/canonical-json.ts'
import { badRecords, record, userEvents, valueV1, valueV2 } from './pipeline-events.ts'
import { contentOf, never, openDeadLetters, openTestLake, openTestWorkers, runOnce, sinkId } from './pipeline-lake.ts'
import type { TestLake } from './pipeline-lake.ts'

let lake: TestLake
const workers = openTestWorkers()

afterAll(() => workers.close())

beforeEach(async () => {
  lake = await openTestLake(2)
})

afterEach(() => lake.dispose())

const open = (extra: Partial<DeadLettersOptions> = {}) => openDeadLetters(lake, workers, extra)

/** Ten letters of price -1 and one of each other kind, among good neighbours. */
async function fillLake(): Promise<void> {
  const priced = Array.from({ length: 10 }, (_, n) => record(valueV2(n, { price: -1 }), n))
  const good = Array.from({ length: 20 }, (_, n) => record(valueV1(n), n))
  await lake.log.append(userEvents.topic, 0, [...good, ...priced, ...good])
  await lake.log.append(userEvents.topic, 1, [...badRecords.map((bad) => bad.record), ...good])
  expect((await runOnce(lake, { shared: workers })).outcome).toBe('caught-up')
}

/** Gives a letter of a negative price a new value. */
const fixPrice = (letter: { code: string; offset: number }): Uint8Array | undefined =>
  letter.code === 'rule_price_not_negative' ? valueV2(letter.offset) : undefined

describe('feed of decided dead letters', () => {
  it('gives what was decided until it is acknowledged, to each consumer on its own', async () => {
    await fillLake()
    const feedOf = (consumer: string) => createLakeLetterFeed({ store: lake.store, sinkId, consumer })
    const pendingOf = async (consumer: string) => {
      const decided = []
      for await (const each of feedOf(consumer).pending(never)) decided.push(each)
      return decided
    }
    const first = await pendingOf('relay')
    expect(first.flatMap(({ letters }) => letters)).toHaveLength(10 + badRecords.length)
    expect(new Set(first.map(({ partition }) => partition.partition))).toEqual(new Set([0, 1]))
    await feedOf('relay').acknowledge(first[0]!, never)
    await feedOf('relay').acknowledge(first[0]!, never)
    expect((await pendingOf('relay')).map(({ id }) => id)).toEqual(first.slice(1).map(({ id }) => id))
    expect(await pendingOf('another')).toHaveLength(first.length)
    // Marks are no part of the chain.
    expect((await open().audit()).conserved).toBe(true)
    expect((await auditChain(lake.store, { sinkId })).ok).toBe(true)
  })

  it('gives what one commit decided', async () => {
    await lake.log.append(userEvents.topic, 0, [record(valueV1(1), 1), record(Uint8Array.of(1), 2)])
    const { receipts } = await runOnce(lake, { shared: workers })
    const feed = createLakeLetterFeed({ store: lake.store, sinkId, consumer: 'relay' })
    const decided = await feed.decidedBy(receipts[0]!, never)
    expect(decided!.letters.map(({ offset, code }) => [offset, code])).toEqual([[1, 'envelope_short']])
    await feed.acknowledge(decided!, never)
    for await (const each of feed.pending(never)) expect.unreachable(each.id)
    const counts = { ...receipts[0]!.counts, deadLettered: 0 }
    expect(await feed.decidedBy({ ...receipts[0]!, counts }, never)).toBeUndefined()
  })
})

describe('dead letters', () => {
  it('lists what was committed, by selection, in order', async () => {
    await fillLake()
    const letters = open()
    const all = await letters.list()
    expect(all).toHaveLength(10 + badRecords.length)
    expect(all.every((status) => status.state === 'open' && status.letter.attempt === 1)).toBe(true)
    expect(all.map(({ letter }) => letter.partition.partition)).toEqual([
      ...Array<number>(10).fill(0),
      ...badRecords.map(() => 1),
    ])
    expect(await letters.list({ code: 'null_value' })).toHaveLength(1)
    expect(await letters.list({ topic: 'nothing' })).toEqual([])
    expect(await letters.list({ limit: 3 })).toHaveLength(3)
    expect(await letters.list({ since: Date.now() + 60_000 })).toEqual([])
    const short = (await letters.list({ code: 'envelope_short' }))[0]!
    expect(await letters.show(short.key)).toEqual(short)
    expect(short.letter.value).toEqual(Uint8Array.of(0, 0, 1))
    await expect(letters.show('a/b')).rejects.toMatchObject({ code: 'LETTER_UNKNOWN' })
  })

  it('lands fixed letters exactly once, and leaves the others open', async () => {
    await fillLake()
    const letters = open()
    const before = await contentOf(lake.store)
    const dry = await letters.replay({ fix: fixPrice, dryRun: true })
    expect([dry.landed, dry.dryRun, dry.files]).toEqual([11, true, []])
    expect(await contentOf(lake.store)).toEqual(before)

    const report = await letters.replay({ fix: fixPrice })
    expect([report.landed, report.stillBad, report.skipped.unfixed]).toEqual([11, [], badRecords.length - 1])
    const after = await contentOf(lake.store)
    const added = [
      ...Array.from({ length: 10 }, (_, n) => `0:${20 + n}`),
      `1:${badRecords.findIndex((bad) => bad.code === 'rule_price_not_negative')}`,
    ]
    expect(after.rows).toEqual([...before.rows, ...added].sort())
    expect(report.files.every((file) => file.key.includes('/replay-0~'))).toBe(true)

    const second = await open().replay({ fix: fixPrice })
    expect([second.landed, second.stillBad, second.files]).toEqual([0, [], []])
    expect(await contentOf(lake.store)).toEqual(after)
    const audit = await letters.audit()
    expect(audit.conserved).toBe(true)
    expect(audit.topics[userEvents.topic]).toMatchObject({ landed: 11, open: badRecords.length - 1, discarded: 0 })
  })

  it('lands letters as they are when their cause is gone', async () => {
    await fillLake()
    const schema = userEvents.versions[0]!.schema
    lake.registry.getById = async (id) => ({ id, schema, subjects: [userEvents.subject] })
    // Workers of its own: what they learn about the id is not for the other tests.
    const own = openTestWorkers()
    const report = await openDeadLetters(lake, own).replay({ code: 'schema_unknown' })
    await own.close()
    expect([report.landed, report.stillBad]).toEqual([1, []])
  })

  it('counts attempts of letters that stay bad, and leaves them alone after the last', async () => {
    await fillLake()
    const letters = open({ maxAttempts: 3 })
    for (const attempt of [2, 3]) {
      const report = await letters.replay({ code: 'truncated', fix: () => Uint8Array.of(9, 9, 9, 9, 9, 9) })
      if (attempt === 2) expect(report.stillBad.map((bad) => bad.code)).toEqual(['envelope_magic'])
      const status = (await letters.list({ code: 'envelope_magic' })).find((each) => each.letter.attempt === attempt)
      if (attempt === 2) expect(status?.state).toBe('open')
      if (attempt === 2) await letters.replay({ keys: [status!.key] })
    }
    const exhausted = (await letters.list()).filter((status) => status.letter.attempt === 3)
    expect(exhausted).toHaveLength(1)
    const keys = exhausted.map((status) => status.key)
    expect((await letters.replay({ keys })).skipped.exhausted).toBe(1)
    expect((await letters.replay({ keys, force: true })).stillBad).toHaveLength(1)
  })

  it('discards by decision, once', async () => {
    await fillLake()
    const letters = open()
    expect(await letters.discard({ code: 'rule_price_not_negative' }, 'test orders')).toBe(11)
    expect(await letters.discard({ code: 'rule_price_not_negative' }, 'test orders')).toBe(0)
    const report = await letters.replay({ fix: fixPrice })
    expect(report.landed).toBe(0)
    const keys = (await letters.list({ code: 'rule_price_not_negative' })).map((status) => status.key)
    expect((await letters.replay({ keys, fix: fixPrice })).skipped.decided).toBe(11)
    expect((await letters.audit()).topics[userEvents.topic]).toMatchObject({
      discarded: 11,
      landed: 0,
      conserved: true,
    })
  })

  it('decides in several entries when there are many letters', async () => {
    await fillLake()
    const report = await open({ lettersPerPlan: 4 }).replay({ fix: fixPrice, code: 'rule_price_not_negative' })
    expect(report.landed).toBe(11)
    expect(new Set(report.files.map((file) => /replay-(\d+)~/.exec(file.key)![1])).size).toBe(3)
  })

  it.each(['.plan', 'files', '.done'] as const)('finishes what a crash before the %s left behind', async (where) => {
    await fillLake()
    const before = await contentOf(lake.store)
    const store = { ...lake.store }
    const put = lake.store.putIfAbsent.bind(lake.store)
    let armed = true
    store.putIfAbsent = (key, body, digest, metadata, signal) => {
      const replays = key.includes('/replay/')
      const hit = where === 'files' ? key.includes('/replay-0~') : replays && key.endsWith(where)
      if (armed && hit) return Promise.reject(Object.assign(new Error('killed here'), { code: 'KILLED' }))
      return put(key, body, digest, metadata, signal)
    }
    const broken = open({ store })
    await expect(broken.replay({ fix: fixPrice })).rejects.toThrow('killed here')
    armed = false
    expect((await open().audit()).unfinished).toBe(where !== '.plan')
    const report = await open().replay({ fix: fixPrice })
    expect(report.finished).toBe(where === '.plan' ? 0 : 1)
    expect(report.landed).toBe(where === '.plan' ? 11 : 0)
    const after = await contentOf(lake.store)
    expect(after.rows).toHaveLength(before.rows.length + 11)
    expect(new Set(after.rows).size).toBe(after.rows.length)
    expect(await open().audit()).toMatchObject({ conserved: true, unfinished: false })
    expect(await auditChain(lake.store, { sinkId })).toMatchObject({ ok: true, findings: [] })
  })

  it('lets two replays at once land each letter once', async () => {
    await fillLake()
    const before = await contentOf(lake.store)
    const reports = await Promise.all([open().replay({ fix: fixPrice }), open().replay({ fix: fixPrice })])
    expect(reports.reduce((sum, report) => sum + report.landed, 0)).toBe(11)
    const after = await contentOf(lake.store)
    expect(after.rows).toHaveLength(before.rows.length + 11)
    expect(new Set(after.rows).size).toBe(after.rows.length)
  })

  it('refuses a fix that throws or gives no bytes, and decides nothing', async () => {
    await fillLake()
    const letters = open()
    const throwing = letters.replay({
      fix: () => {
        throw new Error('in the fix')
      },
    })
    await expect(throwing).rejects.toMatchObject({ code: 'FIX_FAILED' })
    await expect(letters.replay({ fix: () => 'text' as unknown as Uint8Array })).rejects.toMatchObject({
      code: 'FIX_FAILED',
    })
    expect((await letters.list()).every((status) => status.state === 'open')).toBe(true)
  })

  it('decides nothing while the registry is away', async () => {
    await fillLake()
    lake.registry.down = true
    await expect(open().replay({ fix: fixPrice })).rejects.toMatchObject({ code: 'REGISTRY_UNAVAILABLE' })
    lake.registry.down = false
    expect((await open().list()).every((status) => status.letter.attempt === 1)).toBe(true)
  })

  it('ignores dead-letter files that no commit names', async () => {
    await fillLake()
    const stray = new TextEncoder().encode('{"not":"committed"}\n')
    await lake.store.putIfAbsent('dead-letter-queue/x/stray.jsonl', stray, sha256Hex(stray), {}, never)
    expect(await open().list()).toHaveLength(10 + badRecords.length)
  })

  it('has one error class, whose instances carry the codes of its table', () => {
    for (const code of Object.keys(deadLetterErrors) as DeadLetterErrorCode[])
      expect(new DeadLetterError(code, 'x').code).toBe(code)
  })
})
