import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { rowsOf } from '@sluice/columnar'
import { deriveContract } from '@sluice/schemas'
import type { Contract, DeriveStep } from '@sluice/schemas'
import { createDecodeStage } from '../src/decode/decode-stage.ts'
import type { DecodedBatch } from '../src/decode/decoded.ts'
import { decodeLimits } from '../src/decode/request.ts'
import type { LogRecord } from '../src/log/encode-batch.ts'
import { createFileSink } from '../src/sink/file-sink.ts'
import { createMemoryBucket, createMemoryStore } from '../src/stores/memory-store.ts'
import { createIngestWorkers } from '../src/workers/ingest-workers.ts'
import { customers, fetched, noon, partitionOf, userEvents, record } from './pipeline-events.ts'
import { never, openDeadLetters, openTestLake, runOnce } from './pipeline-lake.ts'
import type { TestLake } from './pipeline-lake.ts'

const steps: readonly DeriveStep[] = [
  { op: 'keep', when: { field: 'contract', oneOf: ['One year', 'Two year'] } },
  { op: 'default', field: 'tenure', value: 0 },
  { op: 'multiply', decimal: 'monthly_charges', by: 'tenure', field: 'total_charges' },
]
const clean = (version: number, max = 5000): Contract =>
  deriveContract(customers, {
    event: 'Clean',
    version,
    steps: version === 1 ? steps : [...steps, { op: 'null-mask', fields: ['email'], as: 'unknown' }],
    rules: [{ name: 'plausible', field: 'total_charges', max }],
  })

function customer(n: number, more: Record<string, unknown> = {}): LogRecord {
  const state = { customer_id: `C-${n}`, contract: 'One year', monthly_charges: 10.5, updated_at: noon + n, ...more }
  return { key: Buffer.from(`C-${n}`), value: Buffer.from(JSON.stringify(state)), timestamp: noon + n, headers: [] }
}

function decode(contract: Contract, records: readonly LogRecord[]): DecodedBatch {
  const of = fetched(customers, records)
  const stage = createDecodeStage(contract, decodeLimits)
  const range = { from: of.start, to: of.end }
  const reply = stage.decode({ fetched: of, ...range, countDuplicates: true, schemas: [], crashed: [] })
  if (reply.kind !== 'decoded') throw new Error(reply.kind)
  return reply.decoded
}

const records = [
  customer(0, { tenure: 3 }),
  customer(1, { contract: 'Month-to-month' }),
  customer(2, { tenure: 900 }),
  customer(3, { extra: true }),
  customer(4, { tenure: -1 }),
  customer(5, { tenure: 2, total_charges: 20.9 }),
  customer(6),
]

describe('a derived contract in the decode stage', () => {
  it('gives every record one outcome, with its bytes when it is refused', () => {
    const { batch, rejects, filtered, filteredOffsets, consumed, derivation } = decode(clean(1), records)
    const rows = rowsOf(batch).map((row) => [row['customer_id'], row['tenure'], row['total_charges'], row['_offset']])
    expect(rows).toEqual([
      ['C-0', 3, '31.50', 0n],
      ['C-5', 2, '20.90', 5n],
      ['C-6', 0, '0.00', 6n],
    ])
    expect(rejects.map(({ offset, stage, code, path }) => [offset, stage, code, path])).toEqual([
      [2, 'rule', 'rule_plausible', 'total_charges'],
      [3, 'decode', 'field_unknown', ''],
      [4, 'rule', 'rule_tenure_range', 'tenure'],
    ])
    for (const { offset, value } of rejects) expect(Buffer.from(value!)).toEqual(records[offset]!.value)
    expect([consumed, filtered, [...filteredOffsets!]]).toEqual([7, 1, [1]])
    expect(derivation).toBe(clean(1).derived?.id)
  })

  it('names the offsets of skipped tombstones as well', () => {
    const skipping = { ...userEvents, tombstones: 'skip' } as const
    const of = fetched(skipping, [record(null), record(null)])
    const stage = createDecodeStage(skipping, decodeLimits)
    const range = { from: 0, to: 2 }
    const reply = stage.decode({ fetched: of, ...range, countDuplicates: true, schemas: [], crashed: [] })
    expect(reply).toMatchObject({ kind: 'decoded', decoded: { filtered: 2, filteredOffsets: Float64Array.of(0, 1) } })
  })
})

describe('an open plan of another derivation', () => {
  it('is refused instead of filled with other rows', async () => {
    const bucket = createMemoryBucket()
    const partition = partitionOf(customers)
    const open = async (contract: Contract, failing: boolean) => {
      const store = createMemoryStore({
        bucket,
        faults: (op, key) => (failing && op === 'putIfAbsent' && key.endsWith('.jsonl') ? 'unavailable' : undefined),
      })
      await store.open(never)
      const retry = { firstMs: 1, maxMs: 1, deadlineMs: 5 }
      const tables = [{ contract }]
      const sink = createFileSink({ store, sinkId: 's', owner: 'o', tables, file: { format: 'jsonl' }, retry })
      await sink.open(partition, () => Promise.resolve(0), never)
      return sink
    }
    const write = { partition, ...decode(clean(1), records) }
    const planner = await open(clean(1), true)
    await planner.write(write, never)
    await expect(planner.commit({ partition, reason: 'time' }, never)).rejects.toMatchObject({
      code: 'SINK_UNAVAILABLE',
    })
    await planner.close()

    const changed = await open(clean(2), false)
    const other = { partition, ...decode(clean(2), records) }
    await expect(changed.write(other, never)).rejects.toMatchObject({
      code: 'PLAN_MISMATCH',
      message: expect.stringContaining('Clean@1') as string,
    })
    await changed.close()
    const plain = await open(clean(1), false)
    await expect(plain.write({ partition, ...decode(customers, records) }, never)).rejects.toMatchObject({
      code: 'PLAN_MISMATCH',
    })
    await plain.close()

    const same = await open(clean(1), false)
    await same.write(write, never)
    expect(await same.commit({ partition, reason: 'time' }, never)).toMatchObject({
      reason: 'recovery',
      counts: { stored: 3, filtered: 1, deadLettered: 3 },
    })
    await same.close()
  })
})

async function rowsIn({ store }: TestLake): Promise<Record<string, unknown>[]> {
  const rows: Record<string, unknown>[] = []
  for await (const { key } of store.list('customers/', never)) {
    const text = new TextDecoder().decode(await store.get(key, never))
    for (const line of text.trim().split('\n')) rows.push(JSON.parse(line) as Record<string, unknown>)
  }
  return rows
}

describe('a derived contract from log to lake', () => {
  let lake: TestLake
  const contract = clean(1)
  const workers = createIngestWorkers({ contracts: [contract], size: 1 })
  afterAll(() => workers.close())
  beforeEach(async () => {
    lake = await openTestLake()
    await lake.log.createTopic(customers.topic, { partitions: 1 })
    await lake.log.append(customers.topic, 0, records)
    await lake.log.flush()
  })
  afterEach(() => lake.dispose())

  it('lands derived rows from workers, and dead letters that a replay takes through the same steps', async () => {
    const parts = { shared: workers, contracts: [contract] }
    const summary = await runOnce(lake, { ...parts, sink: { tables: [{ contract }] } })
    expect(summary.topics[customers.topic]).toMatchObject({ consumed: 7, stored: 3, filtered: 1, deadLettered: 3 })
    const letters = openDeadLetters(lake, workers, { contracts: [contract] })
    const fix = (): Uint8Array => Buffer.from(records[0]!.value!)
    expect(await letters.replay({ code: 'field_unknown', fix }, never)).toMatchObject({ landed: 1 })
    expect(await letters.audit(never)).toMatchObject({ conserved: true })
    const files = await rowsIn(lake)
    const found = files.map((row) => [Number(row['_offset']), row['total_charges']])
    expect(found.sort()).toEqual([
      [0, '31.50'],
      [3, '31.50'],
      [5, '20.90'],
      [6, '0.00'],
    ])
  })

  it('replays into files that hold fewer columns than are decoded', async () => {
    const carried = clean(2)
    const wide = createIngestWorkers({ contracts: [carried], size: 1 })
    try {
      await runOnce(lake, { shared: wide, contracts: [carried], sink: { tables: [{ contract }] } })
      const letters = openDeadLetters(lake, wide, { contracts: [carried], tables: [contract] })
      const fix = (): Uint8Array => Buffer.from(records[0]!.value!)
      expect(await letters.replay({ code: 'field_unknown', fix }, never)).toMatchObject({ landed: 1 })
      const rows = await rowsIn(lake)
      expect(rows).toHaveLength(4)
      expect(new Set(rows.map((row) => Object.keys(row).join(' '))).size).toBe(1)
      expect(rows[0]).not.toHaveProperty('unknown')
    } finally {
      await wide.close()
    }
  })
})
