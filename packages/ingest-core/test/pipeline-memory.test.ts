import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Contract } from '@sluice/schemas'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openSegmentLog } from '../src/log/segment-log.ts'
import { createByteBudget } from '../src/pipeline/byte-budget.ts'
import { createChunkCharges } from '../src/pipeline/chunk-charge.ts'
import { createExpansion } from '../src/pipeline/expansion.ts'
import { createMemoryPressure } from '../src/pipeline/memory-pressure.ts'
import type { RunSummary } from '../src/pipeline/options.ts'
import { createMemoryStore } from '../src/stores/memory-store.ts'
import { noon, record, testRegistry, userEvents, valueV2 } from './pipeline-events.ts'
import { assemble, never } from './pipeline-lake.ts'

const MiB = 1024 * 1024

describe('what a chunk is charged with', () => {
  it('is learned: it rises at once and falls slowly', () => {
    const expansion = createExpansion()
    expect(expansion.factor).toBe(4)
    expansion.saw(100, 900)
    expect(expansion.factor).toBe(9)
    expansion.saw(100, 400)
    expect(expansion.factor).toBeCloseTo(8.5)
    expansion.saw(100, 2000)
    expect(expansion.factor).toBe(20)
    expansion.saw(0, 5)
    expect(expansion.factor).toBe(20)
    const small = createExpansion()
    small.saw(100, 110)
    expect(small.factor).toBe(2)
  })

  it('is the estimate, then input and columns, then less by what the sink has, then nothing', () => {
    const budget = createByteBudget(10_000)
    const charges = createChunkCharges(budget, createExpansion())
    const charge = charges.open(100)
    expect([budget.used, charges.bytes]).toEqual([400, 400])
    charge.decoded([500, 300])
    expect([budget.used, charges.bytes]).toEqual([900, 900])
    const other = charges.open(100)
    expect(budget.used).toBe(1800)
    charge.handedOver(500)
    expect(budget.used).toBe(1300)
    charge.close()
    charge.close()
    other.close()
    expect([budget.used, charges.bytes, budget.peak]).toEqual([0, 0, 1800])
  })
})

describe('memory pressure', () => {
  function learned() {
    const expansion = createExpansion()
    expansion.saw(100, 400)
    return expansion
  }

  function setUp(limit = 1600, pollBytes = 100, expansion = learned()) {
    const budget = createByteBudget(limit)
    const pressure = createMemoryPressure(budget, expansion, pollBytes)
    const cuts: string[] = []
    const holder = (name: string, cuttableBytes: number, freeingBytes = 0, stuckBytes = 0, fileBytes = MiB) => ({
      hold: { cuttableBytes, freeingBytes, stuckBytes, fileBytes },
      requestCut: () => void cuts.push(name),
    })
    return { budget, pressure, cuts, holder }
  }

  it('reads little until a chunk has shown how much memory it takes', () => {
    const expansion = createExpansion()
    const { pressure } = setUp(1600, 100, expansion)
    expect(pressure.room([])).toBe(12)
    expansion.saw(12, 48)
    expect(pressure.room([])).toBe(100)
    // Also where that is less than a poll is worth later on: a budget that is large beside the polls.
    expect(setUp(100_000, 800, createExpansion()).pressure.room([])).toBe(100)
    expect(setUp(10_000, 8000, createExpansion()).pressure.room([])).toBe(1000)
  })

  it('leaves room for what the bytes will become, and headroom', () => {
    const { budget, pressure } = setUp()
    expect(pressure.room([])).toBe(100)
    const account = budget.open(1100)
    expect(pressure.room([])).toBe((1600 - 1100 - 200) / 4)
    account.set(1301)
    expect(pressure.room([])).toBe(0)
  })

  it('lets one small read through when nothing is held, however small the budget', () => {
    const { budget, pressure } = setUp(64, 100)
    expect(pressure.room([])).toBeGreaterThan(0)
    const tiny = setUp(1, 100)
    expect(tiny.pressure.room([])).toBe(1)
    budget.open(64)
    expect(pressure.room([])).toBe(0)
  })

  it('goes on where all that is held waits for more records', () => {
    const { budget, pressure, holder } = setUp(64, 100)
    budget.open(200)
    expect(pressure.room([holder('plan', 0, 0, 100)])).toBe(0)
    expect(pressure.room([holder('plan', 0, 0, 200)])).toBe(1)
  })

  it('never waits for a cut that it does not ask for', () => {
    for (let used = 0; used <= 1600; used += 10) {
      const { budget, pressure, cuts, holder } = setUp()
      if (used > 0) budget.open(used)
      const one = holder('one', used)
      if (pressure.room([one]) === 0) pressure.relieve([one])
      expect(cuts.length > 0 || pressure.room([one]) > 0, `${used} used`).toBe(true)
    }
  })

  it('leaves more room where the sink takes more than the rows took', () => {
    const budget = createByteBudget(1600)
    const expansion = learned()
    const pressure = createMemoryPressure(budget, expansion, 100)
    budget.open(1100)
    expect(pressure.room([])).toBe(75)
    expansion.sawSurplus(300)
    expansion.sawSurplus(-50)
    expect(expansion.surplus).toBeCloseTo(297)
    expect(pressure.room([])).toBe(Math.floor((1600 - 1100 - 297) / 4))
    expansion.sawSurplus(100_000)
    expect(pressure.room([])).toBe(0)
    budget.open(-1100)
    expect(pressure.room([])).toBe(100)
  })

  it('cuts the largest, and no more than it takes', () => {
    const { budget, pressure, cuts, holder } = setUp()
    budget.open(1500)
    pressure.relieve([holder('small', 200), holder('large', 700), holder('middle', 600)])
    expect(cuts).toEqual(['large'])
  })

  it('cuts the largest ahead of time: while what is free is less than it holds, the others are read on', () => {
    const { budget, pressure, cuts, holder } = setUp()
    const account = budget.open(900)
    const lanes = [holder('small', 300), holder('large', 500), holder('empty', 0)]
    pressure.lookAhead(lanes)
    expect(cuts).toEqual([])
    account.set(901)
    pressure.lookAhead(lanes)
    expect(cuts).toEqual(['large'])
  })

  it('cuts nothing ahead of time when enough is on its way out, or when the files would be small', () => {
    const { budget, pressure, cuts, holder } = setUp()
    budget.open(1300)
    pressure.lookAhead([holder('under way', 0, 600), holder('next', 500)])
    pressure.lookAhead([holder('many folders', 700, 0, 0, 512 * 1024 - 1), holder('few folders', 600)])
    pressure.lookAhead([])
    expect(cuts).toEqual([])
    pressure.lookAhead([holder('under way', 0, 200), holder('next', 500)])
    pressure.lookAhead([holder('some folders', 700, 0, 0, 512 * 1024)])
    expect(cuts).toEqual(['next', 'some folders'])
  })

  it('counts on cuts under way, and cuts another one when they are not enough', () => {
    const { budget, pressure, cuts, holder } = setUp()
    budget.open(1500)
    pressure.relieve([holder('under way', 0, 700), holder('middle', 600)])
    expect(cuts).toEqual([])
    pressure.relieve([holder('under way', 0, 200), holder('middle', 600), holder('empty', 0)])
    expect(cuts).toEqual(['middle'])
  })
})

describe('many live folders', () => {
  const cells: Contract = { ...userEvents, partitionBy: [{ field: 'session_id', transform: 'value', as: 'cell' }] }
  let root = ''

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'sluice-memory-'))
  })
  afterEach(() => rm(root, { recursive: true, force: true }))

  /** Compressed, as a topic is: what is fetched is a fraction of what it becomes. */
  async function land(events: number, folders: number, budgetBytes: number, late: boolean): Promise<RunSummary> {
    const place = join(root, late ? 'late' : 'plain')
    const log = await openSegmentLog({ root: join(place, 'log'), fsync: 'roll', codec: 'zstd' })
    await log.createTopic(cells.topic, { partitions: 2 })
    for (const partition of [0, 1]) {
      const records = Array.from({ length: events / 2 }, (_, n) => {
        const behind = late && n % 100 === 99 ? 7_200_000 + n * 1000 : 0
        const session_id = `cell-${((n * 7919) >>> 3) % folders}`
        return record(valueV2(n, { session_id, timestamp: BigInt(noon + n * 10 - behind) }), n)
      })
      for (let at = 0; at < records.length; at += 1000) {
        await log.append(cells.topic, partition, records.slice(at, at + 1000))
      }
    }
    await log.close()
    const store = createMemoryStore()
    await store.open(never)
    const { pipeline, workers } = await assemble(
      { root: place, store, registry: testRegistry() },
      {
        contracts: [cells],
        workers: { contracts: [cells] },
        pipeline: { budgetBytes, pollBytes: 64 * 1024 },
      },
    )
    try {
      return await pipeline.run({ until: 'caught-up' })
    } finally {
      await workers.close()
      await store.close()
    }
  }

  const filesOf = (summary: RunSummary): number => summary.receipts.reduce((sum, { files }) => sum + files.length, 0)

  it('stay inside the budget: it is a promise, also where it has to cut', { timeout: 120_000 }, async () => {
    const budgetBytes = 8 * MiB
    const summary = await land(24_000, 1000, budgetBytes, false)
    expect(summary).toMatchObject({
      outcome: 'caught-up',
      topics: { [cells.topic]: { consumed: 24_000, stored: 24_000 } },
    })
    expect(summary.receipts.some(({ reason }) => reason === 'memory')).toBe(true)
    expect(summary.peakBytes).toBeLessThanOrEqual(budgetBytes)
    // It is used, too: a cut that comes too early makes files that nobody needs.
    expect(summary.peakBytes).toBeGreaterThan(budgetBytes / 2)
  })

  it(
    'are one file each where the budget has room, and 1 % of late rows adds one file to a flush',
    { timeout: 120_000 },
    async () => {
      const plain = await land(8_000, 200, 64 * MiB, false)
      const late = await land(8_000, 200, 64 * MiB, true)
      expect(filesOf(plain)).toBe(400)
      expect(late.topics[cells.topic]).toMatchObject({ consumed: 8_000, late: 80 })
      expect(filesOf(late)).toBe(402)
      const lateKeys = late.receipts.flatMap(({ files }) => files).filter(({ key }) => key.startsWith('late/'))
      expect(lateKeys).toHaveLength(2)
      for (const { key } of lateKeys) expect(key).toMatch(/^late\/user_events\/ingest_date=\d{4}-\d\d-\d\d\//)
    },
  )
})
