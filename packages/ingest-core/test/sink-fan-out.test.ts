import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { sinkTestPartition, testBatch, testRecords } from '../src/conformance/sink-records.ts'
import { describeSink } from '../src/conformance/sink.ts'
import type { Landed } from '../src/conformance/sink.ts'
import type { CommitReceipt, Sink } from '../src/contracts/sink.ts'
import { createFanOutSink } from '../src/sink/fan-out-sink.ts'
import { createFileSink } from '../src/sink/file-sink.ts'
import { createMemoryLake, createMemorySink } from '../src/sink/memory-sink.ts'
import type { MemoryLake } from '../src/sink/memory-sink.ts'
import { SinkError } from '../src/sink/errors.ts'
import { offsetsOf } from '../src/sink/split-batch.ts'
import { createMemoryBucket, createMemoryStore } from '../src/stores/memory-store.ts'
import type { MemoryBucket } from '../src/stores/memory-store.ts'
import { record, userEvents, valueV2 } from './pipeline-events.ts'
import { contentOf, never, openTestLake, openTestWorkers, runOnce } from './pipeline-lake.ts'
import { readLanded } from './sink-lake.ts'

const cut = { partition: sinkTestPartition, reason: 'time' } as const
const fromZero = (): Promise<number> => Promise.resolve(0)

const names = ['left', 'right'] as const
const buckets = new Map<string, MemoryBucket>()
const lakes = new Map<string, MemoryLake>()

function kept<T>(map: Map<string, T>, key: string, make: () => T): T {
  const value = map.get(key) ?? make()
  map.set(key, value)
  return value
}

const lakeOf = (storage: string, name: string): MemoryLake => kept(lakes, `${storage}/${name}`, createMemoryLake)
const bucketOf = (storage: string, name: string): MemoryBucket =>
  kept(buckets, `${storage}/${name}`, createMemoryBucket)

function landedIn(lake: MemoryLake): Landed {
  const partitions = [...lake.partitions.values()]
  const stored = partitions.flatMap(({ batches }) => batches.flatMap((batch) => [...offsetsOf(batch)].map(Number)))
  return { stored, late: [], dead: partitions.flatMap(({ dead }) => dead.map(({ offset }) => offset)) }
}

/** What all sinks hold, which has to be the same. */
async function same(each: readonly (Landed | Promise<Landed>)[]): Promise<Landed> {
  const [first, ...others] = (await Promise.all(each)).map(({ stored, late, dead }) => {
    const sort = (offsets: readonly number[]): number[] => [...offsets].sort((a, b) => a - b)
    return { stored: sort(stored), late: sort(late), dead: sort(dead) }
  })
  for (const other of others) expect(other).toEqual(first)
  return first!
}

describeSink('fan-out to memory', {
  lateLane: false,
  writesPerCommit: 0,
  make: ({ storage }) =>
    createFanOutSink({ sinks: names.map((name) => ({ name, sink: createMemorySink(lakeOf(storage, name)) })) }),
  readBack: (storage) => same(names.map((name) => landedIn(lakeOf(storage, name)))),
})

describeSink('fan-out to files', {
  writesPerCommit: 24,
  async make({ storage, contract, settings, loseReplyOfWrite }) {
    let writes = 0
    const sinks = names.map(async (name) => {
      const store = createMemoryStore({
        bucket: bucketOf(storage, name),
        faults: (op) => (op === 'putIfAbsent' && (writes += 1) === loseReplyOfWrite ? 'reply-lost' : undefined),
      })
      await store.open(never)
      const common = { store, sinkId: 'suite', owner: 'group', retry: { firstMs: 1, maxMs: 2 } }
      const more = settings === 'changed' ? { maxOpenFiles: 1 } : {}
      return { name, sink: createFileSink({ ...common, ...more, tables: [{ contract }], file: { format: 'jsonl' } }) }
    })
    return createFanOutSink({ sinks: await Promise.all(sinks) })
  },
  readBack: (storage) => same(names.map((name) => readLanded(bucketOf(storage, name)))),
})

/** A sink that throws when told to: before a call has its effect, or after. */
function failing(inner: Sink, fails: (call: 'open' | 'write' | 'commit') => 'before' | 'after' | undefined): Sink {
  const wrap = async <T>(call: 'open' | 'write' | 'commit', work: () => Promise<T>): Promise<T> => {
    const when = fails(call)
    if (when === 'before') throw new SinkError('SINK_UNAVAILABLE', `${call} refused`)
    const result = await work()
    if (when === 'after') throw new SinkError('SINK_UNAVAILABLE', `reply of ${call} lost`)
    return result
  }
  return {
    ...inner,
    open: (partition, first, signal) => wrap('open', () => inner.open(partition, first, signal)),
    write: (batch, signal) => wrap('write', () => inner.write(batch, signal)),
    commit: (asked, signal) => wrap('commit', () => inner.commit(asked, signal)),
  }
}

const counts = (receipt: CommitReceipt | undefined) => receipt && [receipt.start, receipt.end, receipt.counts]

describe('fan-out', () => {
  const log = testRecords('rrxfrlrf-rrxrfrr')

  async function openOver(lakesOf: readonly MemoryLake[], onReceipt?: (name: string, receipt: CommitReceipt) => void) {
    const sinks = lakesOf.map((lake, i) => ({ name: `sink-${i}`, sink: createMemorySink(lake) }))
    const sink = createFanOutSink({ sinks, ...(onReceipt && { onReceipt }) })
    return { sink, ...(await sink.open(sinkTestPartition, fromZero, never)) }
  }

  it('leads to equal content wherever it fails: between two commits, with the reply lost, in a write or an opening', async () => {
    const step = fc.record({ size: fc.integer({ min: 1, max: 5 }), commit: fc.boolean() })
    const trouble = fc.record({
      at: fc.nat({ max: 60 }),
      when: fc.constantFrom('before' as const, 'after' as const),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 8 }),
        fc.array(trouble, { maxLength: 6 }),
        fc.integer({ min: 1, max: 3 }),
        async (steps, troubles, width) => {
          let calls = 0
          const fails = (): 'before' | 'after' | undefined => {
            calls += 1
            return troubles.find(({ at }) => at === calls)?.when
          }
          const all = Array.from({ length: width }, createMemoryLake)
          const members = (): { name: string; sink: Sink }[] =>
            all.map((lake, i) => ({ name: String(i), sink: failing(createMemorySink(lake), fails) }))
          let sink = createFanOutSink({ sinks: members() })
          let done = 0
          for (let turn = 0; done < log.length; turn++) {
            try {
              const { next } = await sink.open(sinkTestPartition, fromZero, never)
              let consumed = 0
              for (let at = next, i = 0; at < log.length; i++) {
                const { size, commit } = steps[i % steps.length]!
                const end = Math.min(log.length, at + size)
                const batch = testBatch(log, at, end)
                await sink.write(batch, never)
                consumed += batch.consumed
                at = end
                if (!commit && end < log.length) continue
                const receipt = await sink.commit(cut, never)
                const { counts: of } = receipt!
                expect(receipt!.end).toBe(end)
                expect(of.consumed).toBe(of.stored + of.duplicate + of.filtered + of.deadLettered)
                expect(of.consumed).toBe(consumed)
                consumed = 0
              }
              done = log.length
            } catch (error) {
              expect(error).toMatchObject({ code: 'SINK_UNAVAILABLE' })
              // Now and then the process dies, else it goes on.
              if (turn % 2 === 0) {
                await sink.close()
                sink = createFanOutSink({ sinks: members() })
              } else await sink.abandon(sinkTestPartition)
            }
          }
          await sink.close()
          const landed = await same(all.map(landedIn))
          const where = (is: string): number[] => log.flatMap((each, offset) => (each.is === is ? [offset] : []))
          expect(landed).toEqual({ stored: where('row'), late: [], dead: where('reject') })
        },
      ),
      { seed: 20_261_125, numRuns: 400 },
    )
  })

  it('gives a sink that is ahead only what lies beyond it, inside a batch too, and counts the rest as duplicate', async () => {
    const [ahead, behind] = [createMemoryLake(), createMemoryLake()]
    const alone = createMemorySink(ahead)
    await alone.open(sinkTestPartition, fromZero, never)
    await alone.write(testBatch(log, 0, 7), never)
    await alone.commit(cut, never)
    const receipts: [string, ReturnType<typeof counts>][] = []
    const { sink, next } = await openOver([ahead, behind], (name, receipt) => receipts.push([name, counts(receipt)]))
    expect(next).toBe(0)
    await sink.write(testBatch(log, 0, 3), never)
    await sink.write(testBatch(log, 3, 10), never)
    const receipt = await sink.commit(cut, never)
    const whole = { consumed: 9, stored: 6, late: 0, duplicate: 0, filtered: 2, deadLettered: 1 }
    expect(counts(receipt)).toEqual([0, 10, whole])
    expect(receipts).toEqual([
      ['sink-0', [7, 10, { consumed: 9, stored: 1, late: 0, duplicate: 7, filtered: 1, deadLettered: 0 }]],
      ['sink-1', [0, 10, whole]],
    ])
    await same([landedIn(ahead), landedIn(behind)])
    await sink.close()
  })

  it('refuses to divide a batch that does not say where its filtered records are', async () => {
    const [ahead, behind] = [createMemoryLake(), createMemoryLake()]
    const alone = createMemorySink(ahead)
    await alone.open(sinkTestPartition, fromZero, never)
    await alone.write(testBatch(log, 0, 2), never)
    await alone.commit(cut, never)
    const { sink } = await openOver([ahead, behind])
    const { filteredOffsets: _left, ...silent } = testBatch(log, 0, 6)
    await expect(sink.write(silent, never)).rejects.toMatchObject({ code: 'SINK_BATCH_INVALID' })
    await sink.close()
  })

  it('brings a sink that comes later up to the others, without touching them', async () => {
    const [old, late] = [createMemoryLake(), createMemoryLake()]
    const first = await openOver([old])
    await first.sink.write(testBatch(log, 0, log.length), never)
    await first.sink.commit(cut, never)
    await first.sink.close()
    const before = old.partitions
    const { sink, next } = await openOver([old, late])
    expect(next).toBe(0)
    await sink.write(testBatch(log, 0, log.length), never)
    expect(await sink.commit(cut, never)).toMatchObject({ start: 0, end: log.length })
    await sink.close()
    expect(old.partitions).toEqual(before)
    await same([landedIn(old), landedIn(late)])
  })

  it('does not go on to the next sink when one is fenced, nor after it was abandoned', async () => {
    const [one, two] = [createMemoryLake(), createMemoryLake()]
    const { sink: zombie } = await openOver([one, two])
    await zombie.write(testBatch(log, 0, 4), never)
    const winner = createMemorySink(one)
    await winner.open(sinkTestPartition, fromZero, never)
    await winner.write(testBatch(log, 0, 2), never)
    await winner.commit(cut, never)
    await expect(zombie.commit(cut, never)).rejects.toMatchObject({ code: 'FENCED' })
    expect(landedIn(two)).toEqual({ stored: [], late: [], dead: [] })

    const lake = createMemoryLake()
    let release: () => void = () => undefined
    const slow = createMemorySink(createMemoryLake())
    const held = new Promise<void>((resolve) => (release = resolve))
    const slowSink: Sink = { ...slow, commit: (asked, signal) => held.then(() => slow.commit(asked, signal)) }
    const second = { name: 'second', sink: createMemorySink(lake) }
    const sink = createFanOutSink({ sinks: [{ name: 'slow', sink: slowSink }, second] })
    await sink.open(sinkTestPartition, fromZero, never)
    await sink.write(testBatch(log, 0, 4), never)
    const committing = sink.commit(cut, never)
    const abandoned = sink.abandon(sinkTestPartition)
    release()
    await expect(committing).rejects.toMatchObject({ code: 'SINK_NOT_OPEN' })
    await abandoned
    expect(landedIn(lake)).toEqual({ stored: [], late: [], dead: [] })
    await sink.close()
  })

  it('wants sinks with names of their own', () => {
    const sink = createMemorySink()
    expect(() => createFanOutSink({ sinks: [] })).toThrow(TypeError)
    expect(() =>
      createFanOutSink({
        sinks: [
          { name: 'a', sink },
          { name: 'a', sink },
        ],
      }),
    ).toThrow(TypeError)
  })
})

describe('fan-out in a pipeline', () => {
  const shared = openTestWorkers()
  afterAll(() => shared.close())

  it('feeds two sinks whose files the same workers encode, though each takes the buffers it is given', async () => {
    const lake = await openTestLake()
    const second = createMemoryStore()
    await second.open(never)
    const records = Array.from({ length: 300 }, (_, n) => record(n % 50 === 7 ? null : valueV2(n), n))
    await lake.log.append(userEvents.topic, 0, records)
    await lake.log.flush()
    const common = { owner: 'tests', tables: [{ contract: userEvents }], file: { format: 'jsonl' as const } }
    const sink = createFanOutSink({
      sinks: [
        { name: 'disk', sink: createFileSink({ ...common, store: lake.store, sinkId: 'a', host: shared.fileSets }) },
        { name: 'memory', sink: createFileSink({ ...common, store: second, sinkId: 'a', host: shared.fileSets }) },
      ],
    })
    const summary = await runOnce(lake, { shared, pipeline: { sink } })
    expect(summary).toMatchObject({
      outcome: 'caught-up',
      topics: { [userEvents.topic]: { consumed: 300, stored: 294, deadLettered: 6, inFlight: 0 } },
    })
    const [left, right] = await Promise.all([contentOf(lake.store), contentOf(second)])
    expect(left.rows.length).toBe(294)
    expect(right.rows).toEqual(left.rows)
    expect(right.dead).toEqual(left.dead)
    await lake.dispose()
  })
})
