import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sinkTestContract, sinkTestNoon, sinkTestPartition, testBatch } from '../src/conformance/sink-records.ts'
import type { TestRecord } from '../src/conformance/sink-records.ts'
import type { ObjectStore } from '../src/contracts/object-store.ts'
import type { Sink } from '../src/contracts/sink.ts'
import { layouts } from '../src/layout/layout.ts'
import type { Clock } from '../src/pipeline/clock.ts'
import { auditChain } from '../src/sink/audit.ts'
import { createFileSink } from '../src/sink/file-sink.ts'
import { createMemoryBucket, createMemoryStore } from '../src/stores/memory-store.ts'
import type { MemoryBucket, StoreFault } from '../src/stores/memory-store.ts'
import { readLanded } from './sink-lake.ts'

/**
 * Random interleavings of several writers of one partition over one store (RELIABILITY 1.4). Each writer is a process that
 * opens, writes in random steps, commits at random, is killed anywhere in the protocol, is started again with other
 * settings, or sleeps through what the others do and then goes on (a zombie). Store calls of all writers are let through
 * one at a time in random order; any of them may be refused or lose its request or its reply.
 */

const never = new AbortController().signal

/** Small numbers that decide everything that happens; taken from the front, zeros when used up. */
interface Dice {
  roll(sides: number): number
}

function dice(numbers: readonly number[]): Dice {
  let at = 0
  return { roll: (sides) => (at < numbers.length ? numbers[at++]! % sides : 0) }
}

/** Lets the store calls of all writers through one at a time, in the order of the dice. */
function createGate(chance: Dice) {
  const waiting: { readonly writer: number; readonly go: () => void }[] = []
  return {
    waiting,
    wait: (writer: number) => new Promise<void>((resolve) => waiting.push({ writer, go: resolve })),
    /** Opens for one call of a writer that is awake. False when there is none. */
    release(asleep: ReadonlySet<number>): boolean {
      const ready = waiting.filter(({ writer }) => !asleep.has(writer))
      if (ready.length === 0) return false
      const chosen = ready[chance.roll(ready.length)]!
      waiting.splice(waiting.indexOf(chosen), 1)
      chosen.go()
      return true
    },
  }
}

/** Time that passes when somebody waits for it: deadlines are reached without waiting. */
function jumpingClock(): Clock {
  let now = sinkTestNoon
  return {
    now: () => (now += 1),
    after(ms, fn) {
      now += ms
      const immediate = setImmediate(fn)
      return () => clearImmediate(immediate)
    },
  }
}

class Killed extends Error {
  readonly code = 'KILLED'
}

/** What happened in all schedules: a simulator in which nothing goes wrong proves nothing. */
const met = { schedules: 0, KILLED: 0, FENCED: 0, SINK_UNAVAILABLE: 0, recoveries: 0, zombies: 0 }

interface World {
  readonly bucket: MemoryBucket
  readonly log: readonly TestRecord[]
  readonly progress: number[]
  /** A break of the protocol that the ledger must notice. */
  readonly mutant: ((store: ObjectStore) => ObjectStore) | undefined
}

interface WriterOptions {
  readonly world: World
  readonly id: number
  readonly chance: Dice
  readonly gate: ReturnType<typeof createGate>
  readonly calm: () => boolean
}

/** One process: until the log is stored. Returns when it has seen its end, or gave up because it was killed for good. */
async function runWriter({ world, id, chance, gate, calm }: WriterOptions): Promise<void> {
  for (let life = 0; life < 6; life++) {
    const alive = { killed: false }
    let outage = 0
    const store = createMemoryStore({
      bucket: world.bucket,
      faults: (op): StoreFault | undefined => {
        if (calm() || op === 'open') return undefined
        if (outage > 0) {
          outage -= 1
          return 'unavailable'
        }
        const roll = chance.roll(24)
        if (roll === 4 && chance.roll(3) === 1) outage = 8
        if (roll === 1) return 'unavailable'
        if (roll === 2) return 'before'
        return roll === 3 && op === 'putIfAbsent' ? 'reply-lost' : undefined
      },
      step: async () => {
        await gate.wait(id)
        // The process is gone: its requests are, too. What was sent before has its effect.
        if (alive.killed) throw new Killed('killed while it waited for the store')
      },
    })
    await store.open(never)
    const sink = createFileSink({
      store: world.mutant?.(store) ?? store,
      sinkId: 'simulated',
      owner: 'group',
      tables: [{ contract: sinkTestContract, layout: chance.roll(2) === 1 ? layouts.hourly : layouts.lake }],
      file: { format: 'jsonl', options: { nulls: chance.roll(2) === 1 ? 'omit' : 'write' } },
      maxInlineDead: chance.roll(3),
      parallelPuts: 1 + chance.roll(3),
      retry: { firstMs: 10, maxMs: 20, deadlineMs: 60 },
      clock: jumpingClock(),
      hooks: {
        at() {
          if (calm() || chance.roll(12) !== 1) return
          alive.killed = true
          throw new Killed('killed at a hook')
        },
      },
    })
    try {
      if (await liveOnce(sink, world, chance, calm)) return
    } catch (error) {
      const code = (error as { code?: string }).code
      // Anything else is a defect, and a chain that diverges here is one, too.
      if (code !== 'KILLED' && code !== 'FENCED' && code !== 'SINK_UNAVAILABLE') throw error
      met[code] += 1
    }
    // A killed process is not closed; one that had trouble abandons, which is the same to the store.
  }
}

/** True when the end of the log was reached. */
async function liveOnce(sink: Sink, world: World, chance: Dice, calm: () => boolean): Promise<boolean> {
  const { log, progress } = world
  const { next } = await sink.open(sinkTestPartition, () => Promise.resolve(0), never)
  let at = next
  let committed = next
  const commit = async (): Promise<void> => {
    for (;;) {
      const receipt = await sink.commit({ partition: sinkTestPartition, reason: 'time' }, never)
      if (receipt === undefined) return
      expect(receipt.start).toBe(committed)
      committed = receipt.end
      progress.push(receipt.end)
      if (receipt.reason === 'recovery') met.recoveries += 1
      if (receipt.end >= at) return
    }
  }
  while (at < log.length) {
    const end = Math.min(log.length, at + 1 + chance.roll(7))
    await sink.write(testBatch(log, at, end), never)
    at = end
    if (!calm() && chance.roll(20) === 1) throw new Killed('killed between writes')
    if (chance.roll(3) === 1) await commit()
  }
  await commit()
  return committed >= log.length
}

const anyRecord: fc.Arbitrary<TestRecord> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.integer({ min: -200, max: 30 }).map((s): TestRecord => ({ is: 'row', at: sinkTestNoon + s * 1000 })),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom<TestRecord>({ is: 'row', at: null }, { is: 'row', at: 4e15 }, { is: 'row', at: -1 }),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom<TestRecord>({ is: 'reject', code: 'truncated' }, { is: 'reject', code: 'utf8_invalid' }),
  },
  { weight: 1, arbitrary: fc.constantFrom<TestRecord>({ is: 'filtered' }, { is: 'hole' }) },
)

/** Runs one schedule to its end and checks the ledger. */
async function runSchedule(
  log: readonly TestRecord[],
  writers: number,
  numbers: readonly number[],
  mutant?: World['mutant'],
): Promise<void> {
  met.schedules += 1
  const chance = dice(numbers)
  const gate = createGate(chance)
  const world: World = { bucket: createMemoryBucket(), log, progress: [], mutant }
  let running = writers
  let releases = 0
  let failure: { readonly error: unknown } | undefined
  const calm = (): boolean => releases > 400
  for (let id = 0; id < writers; id++) {
    void runWriter({ world, id, chance, gate, calm })
      .catch((error: unknown) => (failure ??= { error }))
      .finally(() => (running -= 1))
  }
  const asleep = new Set<number>()
  while (running > 0 && failure === undefined) {
    for (let i = 0; i < 4 && gate.waiting.length === 0 && running > 0; i++)
      await new Promise((resolve) => setImmediate(resolve))
    if (chance.roll(15) === 1) {
      asleep.add(chance.roll(writers))
      met.zombies += 1
    }
    if (chance.roll(10) === 1 || releases > 300) asleep.clear()
    if (!gate.release(asleep)) asleep.clear()
    releases += 1
    if (releases > 5000) throw new Error('the schedule does not end')
    await Promise.resolve()
  }
  if (failure !== undefined) throw failure.error
  // Somebody always comes back: a last process without trouble finishes what is left.
  const last = createGate(chance)
  const finishing = runWriter({ world, id: 0, chance: dice([]), gate: last, calm: () => true })
  let finished = false
  void finishing.finally(() => (finished = true))
  while (!finished) {
    last.release(new Set())
    await new Promise((resolve) => setImmediate(resolve))
  }
  await finishing
  await checkLedger(world)
}

async function checkLedger({ bucket, log, progress }: World): Promise<void> {
  const landed = readLanded(bucket)
  const offsets = (is: TestRecord['is']): number[] => log.flatMap((record, at) => (record.is === is ? [at] : []))
  const ascending = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b)
  // Stored, late and dead are disjoint, complete, each exactly once; what is filtered is in none of them.
  expect(ascending([...landed.stored, ...landed.late])).toEqual(offsets('row'))
  expect(ascending(landed.dead)).toEqual(offsets('reject'))
  expect(ascending(landed.late)).toEqual(lateOffsets(log))
  const history = bucket.history.map(({ key }) => key)
  expect(new Set(history).size).toBe(history.length)
  expect(Math.max(0, ...progress)).toBeLessThanOrEqual(log.length)
  const store = createMemoryStore({ bucket })
  await store.open(never)
  const report = await auditChain(store, { sinkId: 'simulated', deep: true })
  expect(report.findings.filter(({ severity }) => severity === 'error')).toEqual([])
  expect(report.findings.filter(({ code }) => code.endsWith('UNFINISHED'))).toEqual([])
  const [partition] = report.partitions
  expect(partition).toMatchObject({ first: 0, next: log.length })
  expect(partition!.counts.filtered).toBe(offsets('filtered').length)
  expect(ascending(partition!.dead.map(({ offset }) => offset))).toEqual(offsets('reject'))
}

/** The definition of decision 0006, by itself. */
function lateOffsets(log: readonly TestRecord[]): number[] {
  let watermark = -Infinity
  return log.flatMap((record, offset) => {
    if (record.is !== 'row' || record.at === null || record.at === undefined) return []
    if (record.at < watermark - sinkTestContract.latenessMs) return [offset]
    if (record.at < 4e12 && record.at > 0) watermark = Math.max(watermark, record.at)
    return []
  })
}

const schedules = [
  fc.array(anyRecord, { minLength: 1, maxLength: 40 }),
  fc.integer({ min: 1, max: 3 }),
  fc.array(fc.nat({ max: 0xffff }), { minLength: 100, maxLength: 1500, size: 'max' }),
] as const

describe('commit chain, simulated', () => {
  it('keeps every promise under random interleavings of several writers (faults 3-7, 17-21, 45-47, 79)', async () => {
    const property = fc.asyncProperty(...schedules, (log, writers, numbers) => runSchedule(log, writers, numbers))
    await fc.assert(property, { seed: 20261121, numRuns: 2000, endOnFailure: true })
    for (const [what, times] of Object.entries(met)) expect(times, what).toBeGreaterThan(100)
  }, 300_000)

  // Shows that the ledger can fail: each break is one that a careless change could make.
  const mutants: Readonly<Record<string, NonNullable<World['mutant']>>> = {
    'a lost race for a plan goes unnoticed': (store) => ({
      ...store,
      async putIfAbsent(key, body, digest, metadata, signal) {
        const put = await store.putIfAbsent(key, body, digest, metadata, signal)
        return key.endsWith('.plan') ? { outcome: 'created' } : put
      },
    }),
    'an unfinished plan is overlooked at start': (store) => ({
      ...store,
      async *list(prefix, signal, after) {
        const entries = []
        for await (const entry of store.list(prefix, signal, after)) entries.push(entry)
        const dones = new Set(entries.map(({ key }) => key))
        for (const entry of entries) {
          if (!entry.key.endsWith('.plan') || dones.has(entry.key.replace('.plan', '.done'))) yield entry
        }
      },
    }),
    'the store overwrites (fault 53)': (store) => ({
      ...store,
      async putIfAbsent(key, body, digest, metadata, signal) {
        await store.delete([key], signal)
        return store.putIfAbsent(key, body, digest, metadata, signal)
      },
    }),
  }
  for (const [what, mutant] of Object.entries(mutants)) {
    it(`goes red when ${what}`, async () => {
      const property = fc.asyncProperty(...schedules, (log, writers, numbers) =>
        runSchedule(log, writers, numbers, mutant),
      )
      const result = await fc.check(property, { seed: 20261121, numRuns: 500, endOnFailure: true })
      expect(result.failed).toBe(true)
    })
  }
})
