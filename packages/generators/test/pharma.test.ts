import { beforeAll, describe, expect, test } from 'vitest'
import { createSimulation, findFeed, listFeeds, noFaults, type Row } from '../src/index.ts'

const feeds = listFeeds()
  .filter((feed) => feed.name.startsWith('pharma.'))
  .map((feed) => feed.name)
const seen = new Map<string, Row[]>()
const of = (topic: string) => seen.get(`pharma.${topic}`)!
const time = (row: Row, field: string) => Number(row[field])

beforeAll(() => {
  const simulation = createSimulation(feeds, {
    seed: 'pharma',
    forMs: 120 * 86_400_000,
    faults: noFaults,
    hashRows: false,
  })
  for (const feed of feeds) seen.set(feed, [])
  for (let batch = simulation.next(); batch.length > 0; batch = simulation.next()) {
    for (const { topic, row } of batch) seen.get(topic)!.push(row!)
  }
  for (const [feed, rows] of seen) {
    const { eventTime } = findFeed(feed).feed.contract
    rows.sort((a, b) => time(a, eventTime) - time(b, eventTime))
  }
})

const next: Record<string, readonly string[]> = {
  QUEUED: ['IN_PROGRESS'],
  IN_PROGRESS: ['COMPLETED', 'FAILED', 'ON_HOLD'],
  ON_HOLD: ['IN_PROGRESS'],
  COMPLETED: [],
  FAILED: [],
}

describe('batches', () => {
  test('live from QUEUED to an end, with the exact ids, sizes and people', () => {
    const last = new Map<string, Row>()
    const outcomes: Record<string, number> = {}
    for (const row of of('batch_status')) {
      const id = row['batch_id'] as string
      expect(id).toMatch(/^BATCH-\d{8}-\d{4}$/)
      expect(['PROD-500MG', 'PROD-250MG', 'PROD-100MG']).toContain(row['product_id'])
      expect(['EQUIP-001', 'EQUIP-002', 'EQUIP-003']).toContain(row['equipment_id'])
      expect(['OP-101', 'OP-102', 'OP-103', 'OP-104']).toContain(row['operator_id'])
      expect([100, 150, 200, 250]).toContain(row['batch_size'])
      const before = last.get(id)
      if (before === undefined) expect(row['status']).toBe('QUEUED')
      else expect(next[before['status'] as string]).toContain(row['status'])
      expect(row['end_time'] !== null).toBe(row['status'] === 'COMPLETED')
      outcomes[row['status'] as string] = (outcomes[row['status'] as string] ?? 0) + 1
      last.set(id, row)
    }
    expect(last.size).toBeGreaterThan(500)
    expect(outcomes['COMPLETED']! / last.size).toBeGreaterThan(0.9)
    expect(outcomes['FAILED']!).toBeGreaterThan(3)
    expect(outcomes['ON_HOLD']!).toBeGreaterThan(3)
  })
})

describe('sensors', () => {
  test('read only for the batch that is running on their equipment, every five minutes', () => {
    const changes = Map.groupBy(of('batch_status'), (row) => row['batch_id'] as string)
    const last = new Map<string, number>()
    let gaps = 0
    for (const row of of('sensor_data')) {
      const at = time(row, 'reading_timestamp')
      const state = changes
        .get(row['batch_id'] as string)!
        .filter((change) => time(change, 'event_timestamp') <= at)
        .at(-1)!
      if (state['status'] !== 'IN_PROGRESS' || state['equipment_id'] !== row['equipment_id']) {
        throw new Error(`a reading for a batch that is ${state['status'] as string}`)
      }
      const lane = `${row['sensor_id'] as string}/${row['batch_id'] as string}`
      const before = last.get(lane)
      if (before !== undefined && at - before !== 300_000) gaps++
      last.set(lane, at)
    }
    // Only batches that were on hold have gaps.
    const holds = of('batch_status').filter((row) => row['status'] === 'ON_HOLD').length
    expect(gaps).toBeLessThanOrEqual(3 * holds)
    expect(of('sensor_data').length).toBeGreaterThan(100_000)
  })

  test('nine sensors of one type each drift by small steps around their specification', () => {
    const kinds: Record<string, readonly [number, number, number, string]> = {
      TEMPERATURE: [20, 25, 0.5, 'Celsius'],
      HUMIDITY: [40, 60, 2, '%'],
      PRESSURE: [1, 2, 0.1, 'bar'],
      VIBRATION: [0, 4.5, 0.35, 'mm/s'],
    }
    const types = new Map<string, string>()
    const values = new Map<string, number>()
    const outside = new Map<string, number>()
    for (const row of of('sensor_data')) {
      const id = row['sensor_id'] as string
      const type = row['sensor_type'] as string
      const [min, max, step, unit] = kinds[type]!
      const value = row['value'] as number
      const before = values.get(id)
      const fits =
        (types.get(id) ?? type) === type &&
        row['unit'] === unit &&
        row['specification_min'] === min &&
        row['specification_max'] === max &&
        row['is_out_of_spec'] === (value < min || value > max) &&
        value >= min - (max - min) * 0.1 - 0.001 &&
        value <= max + (max - min) * 0.1 + 0.001 &&
        (before === undefined || Math.abs(value - before) <= step + 0.0011)
      if (!fits) throw new Error(`reading of ${id} (${type}) does not fit`)
      types.set(id, type)
      values.set(id, value)
      if (row['is_out_of_spec'] === true) outside.set(type, (outside.get(type) ?? 0) + 1)
    }
    expect([...types.keys()].sort()).toEqual(Array.from({ length: 9 }, (_, i) => `SENSOR-00${i + 1}`))
    expect(new Set(types.values()).size).toBe(4)
    for (const type of ['TEMPERATURE', 'HUMIDITY', 'PRESSURE']) {
      expect(outside.get(type)!).toBeGreaterThan(10)
      expect(outside.get(type)! / of('sensor_data').length).toBeLessThan(0.1)
    }
  })
})

describe('laboratory', () => {
  test('90 % pass; a failing result lies 1 to 10 outside', () => {
    let passed = 0
    for (const row of of('lab_results')) {
      const value = row['test_result'] as number
      const min = row['specification_min'] as number
      const max = row['specification_max'] as number
      const beyond = Math.max(min - value, value - max)
      if (row['pass_fail'] === 'PASS') {
        passed++
        expect(beyond).toBeLessThanOrEqual(0)
      } else {
        expect(beyond).toBeGreaterThanOrEqual(0.999)
        expect(beyond).toBeLessThanOrEqual(10.001)
      }
    }
    const n = of('lab_results').length
    expect(n).toBeGreaterThan(3000)
    expect(Math.abs(passed / n - 0.9)).toBeLessThan(3 * Math.sqrt((0.9 * 0.1) / n))
    expect(new Set(of('lab_results').map((row) => row['test_name'])).size).toBe(4)
  })
})

describe('laboratory, by the specification', () => {
  test('four tests with exact specifications and units, by three analysts', () => {
    const specifications: Record<string, readonly [number, number, string]> = {
      DISSOLUTION: [85, 110, '%'],
      WEIGHT_UNIFORMITY: [-5, 5, '%'],
      HARDNESS: [50, 120, 'N'],
      MOISTURE: [0, 3, '%'],
    }
    const analysts = new Set<unknown>()
    for (const row of of('lab_results')) {
      const [min, max, unit] = specifications[row['test_name'] as string]!
      const same = row['specification_min'] === min && row['specification_max'] === max && row['unit'] === unit
      if (!same) throw new Error(`specification of ${row['test_name'] as string}`)
      analysts.add(row['analyst_id'])
    }
    expect([...analysts].sort()).toEqual(['ANALYST-001', 'ANALYST-002', 'ANALYST-003'])
    // Moisture has nothing below zero; the other tests fail on both sides about as often.
    const low = of('lab_results').filter(
      (row) => row['pass_fail'] === 'FAIL' && (row['test_result'] as number) < (row['specification_min'] as number),
    )
    expect(low.some((row) => row['test_name'] === 'MOISTURE')).toBe(false)
    const two = of('lab_results').filter((row) => row['pass_fail'] === 'FAIL' && row['test_name'] !== 'MOISTURE').length
    expect(Math.abs(low.length / two - 0.5)).toBeLessThan(4 * Math.sqrt(0.25 / two))
  })

  test('a batch is tested every two hours of its run, by all four tests at once', () => {
    const starts = new Map<string, number>()
    for (const row of of('batch_status')) {
      if (row['status'] === 'IN_PROGRESS') starts.set(row['batch_id'] as string, time(row, 'start_time'))
    }
    const rounds = Map.groupBy(
      of('lab_results'),
      (row) => `${row['batch_id'] as string} ${time(row, 'test_timestamp')}`,
    )
    for (const round of rounds.values()) {
      expect(new Set(round.map((row) => row['test_name'])).size).toBe(4)
      const since = time(round[0]!, 'test_timestamp') - starts.get(round[0]!['batch_id'] as string)!
      if (since <= 0 || since % 7_200_000 !== 0) throw new Error(`a test ${since} ms after the start`)
    }
    // Batches run for 5 to 9 hours, so 2 to 4 rounds each.
    const perBatch = Map.groupBy(rounds.values(), (round) => round[0]!['batch_id'])
    const sizes = new Set([...perBatch.values()].map((list) => list.length))
    for (const size of [2, 3, 4]) expect(sizes).toContain(size)
  })
})

describe('deviations', () => {
  test('come from failed tests and readings, and live from OPEN to an end', () => {
    const life: Record<string, readonly string[]> = {
      OPEN: ['INVESTIGATING', 'CANCELLED'],
      INVESTIGATING: ['CAPA_IN_PROGRESS', 'CLOSED'],
      CAPA_IN_PROGRESS: ['CAPA_IN_PROGRESS', 'CLOSED'],
      CLOSED: [],
      CANCELLED: [],
    }
    const capaLife: Record<string, readonly string[]> = {
      PLANNED: ['IN_PROGRESS'],
      IN_PROGRESS: ['IMPLEMENTED'],
      IMPLEMENTED: ['VERIFIED', 'INEFFECTIVE'],
      INEFFECTIVE: ['IN_PROGRESS'],
      VERIFIED: ['VERIFIED'],
    }
    const failed = new Set(
      of('lab_results')
        .filter((row) => row['pass_fail'] === 'FAIL')
        .map((row) => row['test_id']),
    )
    // The result that opened a deviation of the last minute may still be on its way.
    const end = Math.max(...of('deviations').map((row) => time(row, 'event_timestamp'))) - 120_000
    const last = new Map<string, Row>()
    for (const row of of('deviations')) {
      const id = row['deviation_id'] as string
      const before = last.get(id)
      const status = row['status'] as string
      if (before === undefined) expect(status).toBe('OPEN')
      else expect(life[before['status'] as string]).toContain(status)
      if (row['test_id'] !== null && time(row, 'opened_at') < end) expect(failed.has(row['test_id'])).toBe(true)
      const capa = row['capa'] as Row | null
      const earlier = (before?.['capa'] ?? null) as Row | null
      if (capa !== null && earlier !== null) expect(capaLife[earlier['state'] as string]).toContain(capa['state'])
      if (status === 'CLOSED' && capa !== null) expect(capa['state']).toBe('VERIFIED')
      last.set(id, row)
    }
    const final = [...last.values()]
    const share = (status: string) => final.filter((row) => row['status'] === status).length / final.length
    expect(final.length).toBeGreaterThan(300)
    expect(share('CLOSED')).toBeGreaterThan(0.5)
    expect(share('CANCELLED')).toBeGreaterThan(0.005)
    expect(share('OPEN')).toBeLessThan(0.3)
  })
})
