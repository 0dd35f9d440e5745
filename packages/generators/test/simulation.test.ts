import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import {
  createMemoryLedger,
  createMemoryOutput,
  createSimulation,
  findFeed,
  GeneratorError,
  listFeeds,
  partitionForKey,
  produce,
  simulate,
  type FaultRates,
  type SimulatedRecord,
  type SimulationOptions,
} from '../src/index.ts'

const bakery = listFeeds()
  .filter((feed) => feed.name.startsWith('bakery.'))
  .map((feed) => feed.name)
const mixed: FaultRates = {
  bad: 0.05,
  duplicate: 0.05,
  late: 0.05,
  too_late: 0.03,
  out_of_order: 0.05,
  clock_skew: 0.02,
  hot_key: 0.02,
  tombstone: 0.01,
}

function collect(feeds: readonly string[], options: SimulationOptions): SimulatedRecord[] {
  const simulation = createSimulation(feeds, options)
  const all: SimulatedRecord[] = []
  for (let batch = simulation.next(); batch.length > 0; batch = simulation.next()) all.push(...batch)
  return all
}

function digest(records: readonly SimulatedRecord[]): string {
  const hash = createHash('sha256')
  for (const { topic, partition, timestamp, key, value, fault, expect: outcome, code, rowHash } of records) {
    hash.update(JSON.stringify([topic, partition, timestamp, fault, outcome, code, rowHash]))
    hash.update(key ?? '-')
    hash.update(value ?? '-')
  }
  return hash.digest('hex')
}

describe('determinism', () => {
  test('same seed, same bytes; another seed, other bytes', () => {
    const options = { seed: 11, count: 8000, faults: mixed }
    const first = digest(collect(bakery, options))
    expect(digest(collect(bakery, options))).toBe(first)
    expect(digest(collect(bakery, { ...options, seed: 12 }))).not.toBe(first)
    expect(digest(collect(bakery, { ...options, start: '2026-02-05T00:00:00Z' }))).not.toBe(first)
  })

  test('the bytes of a feed do not depend on who else is produced, nor on the size of reads', () => {
    const options = { seed: 5, forMs: 9 * 3_600_000, faults: mixed }
    const together = collect(bakery, options)
    for (const feed of bakery) {
      const alone = collect([feed], options)
      expect(alone.length).toBeGreaterThan(5)
      expect(digest(alone)).toBe(digest(together.filter((record) => record.topic === feed)))
    }
    const simulation = createSimulation(bakery, options)
    const bySeven: SimulatedRecord[] = []
    for (let batch = simulation.next(7); batch.length > 0; batch = simulation.next(7)) {
      expect(batch.length).toBeLessThanOrEqual(7)
      bySeven.push(...batch)
    }
    expect(digest(bySeven)).toBe(digest(together))
  })
})

describe('bounds', () => {
  test.each([0, 1, 2, 777])('count %d is met exactly, with second deliveries and records held back', (count) => {
    expect(collect(bakery, { count, faults: mixed })).toHaveLength(count)
  })

  test('forMs bounds simulated time', () => {
    const simulation = createSimulation(bakery, { forMs: 3_600_000 })
    while (simulation.next().length > 0);
    expect(simulation.now - simulation.from).toBe(3_600_000)
  })

  test('three lines are enough', async () => {
    const ids: (string | null)[] = []
    for await (const record of simulate('bakery.weather_data', { seed: 1, count: 30 })) ids.push(record.id)
    expect(ids).toHaveLength(30)
  })

  test.each([
    [() => createSimulation(['bakery.sale_events']), 'FEED_UNKNOWN'],
    [() => createSimulation([]), 'OPTION_INVALID'],
    [() => createSimulation(bakery, { start: 'yesterday' }), 'OPTION_INVALID'],
    [() => createSimulation(bakery, { count: -1 }), 'OPTION_INVALID'],
    [() => createSimulation(bakery, { scale: 0 }), 'OPTION_INVALID'],
    [() => createSimulation(bakery, { partitions: 1.5 }), 'OPTION_INVALID'],
    [() => createSimulation(bakery, { writerVersions: { 'bakery.sales_events': 9 } }), 'OPTION_INVALID'],
    [() => createSimulation(bakery, { faults: { gremlins: 1 } as FaultRates }), 'FAULT_UNKNOWN'],
    [() => createSimulation(bakery, { faults: { late: 2 } }), 'FAULT_RATE_INVALID'],
    [() => createSimulation(bakery, { faults: { late: 0.6, duplicate: 0.6 } }), 'FAULT_RATE_INVALID'],
  ] as const)('mistakes are refused with their code (%#)', (run, code) => {
    expect(run).toThrow(GeneratorError)
    expect(run).toThrow(expect.objectContaining({ code }))
  })
})

describe('ledger truth', () => {
  test('lateness follows from the order in the log and the definition alone', async () => {
    const output = createMemoryOutput()
    const ledger = createMemoryLedger()
    await produce({ feeds: bakery, outputs: [output], ledger, count: 12_000, faults: mixed, seed: 3 })
    // The rows, by event id, from a second simulation: independent of what the ledger claims.
    const rows = new Map<string, bigint[]>()
    for (const record of collect(bakery, { count: 12_000, faults: mixed, seed: 3 })) {
      if (record.row === null) continue
      const { eventTime } = findFeed(record.topic).feed.contract
      const list = rows.get(`${record.topic}/${record.partition}/${record.offset}`) ?? []
      list.push(record.row[eventTime] as bigint)
      rows.set(`${record.topic}/${record.partition}/${record.offset}`, list)
    }
    const watermarks = new Map<string, bigint>()
    let late = 0
    for (const topic of bakery) {
      const { contract } = findFeed(topic).feed
      const micros = JSON.stringify(contract.schema).includes(
        `"${contract.eventTime}","type":{"type":"long","logicalType":"timestamp-micros"`,
      )
      const lateness = BigInt(contract.latenessMs) * (micros ? 1000n : 1n)
      const entries = ledger.entries.filter((entry) => entry.topic === topic)
      for (const entry of entries.sort((a, b) => a.partition - b.partition || a.offset - b.offset)) {
        if (entry.expect === 'dead-letter' || entry.expect === 'filtered') continue
        const lane = `${topic}/${entry.partition}`
        const [time] = rows.get(`${lane}/${entry.offset}`)!
        const watermark = watermarks.get(lane)
        const isLate = watermark !== undefined && time! < watermark - lateness
        expect(entry.expect).toBe(isLate ? 'late' : 'stored')
        if (isLate) late++
        if (watermark === undefined || time! > watermark) watermarks.set(lane, time!)
      }
    }
    expect(late).toBeGreaterThan(200)
  })

  test('keys choose partitions as Kafka does, and duplicates repeat bytes in the same partition', () => {
    const byPlace = new Map<string, SimulatedRecord>()
    let duplicates = 0
    for (const record of collect(bakery, { count: 6000, faults: mixed })) {
      byPlace.set(`${record.topic}/${record.partition}/${record.offset}`, record)
      expect(record.partition).toBe(partitionForKey(record.key!, 3))
      if (record.duplicateOf === undefined) continue
      duplicates++
      const first = byPlace.get(`${record.topic}/${record.duplicateOf.partition}/${record.duplicateOf.offset}`)!
      expect(first.id).toBe(record.id)
      expect(first.offset).toBeLessThan(record.offset)
      expect(Buffer.from(record.value!).equals(first.value!)).toBe(true)
      expect(record.rowHash).toBe(first.rowHash)
    }
    expect(duplicates).toBeGreaterThan(100)
  })

  test('default faults: 1 % bad data', () => {
    const made = collect(bakery, { count: 60_000, hashRows: false })
    const bad = made.filter((record) => record.expect === 'dead-letter').length / made.length
    // Three standard deviations of a 1 % share of 60,000.
    expect(Math.abs(bad - 0.01)).toBeLessThan(3 * Math.sqrt((0.01 * 0.99) / 60_000))
  })

  test('a hot key gathers records in one partition', () => {
    const made = collect(['bakery.inventory_updates'], { count: 3000, faults: { hot_key: 0.5 } })
    const hot = made.filter((record) => record.fault === 'hot_key')
    expect(new Set(hot.map((record) => Buffer.from(record.key!).toString())).size).toBe(1)
    expect(hot.length).toBeGreaterThan(1300)
  })
})
