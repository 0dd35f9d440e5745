import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  createFileLedger,
  createJsonlOutput,
  createMemoryLedger,
  createMemoryOutput,
  createStreamOutput,
  generatorErrors,
  listFeeds,
  produce,
  readLedger,
  readLedgerSummary,
  type LedgerEntry,
  type LedgerSummary,
  type MemoryLedger,
  type Output,
  type ProduceProgress,
} from '../src/index.ts'

const feeds = listFeeds()
  .filter((feed) => feed.name.startsWith('bakery.'))
  .map((feed) => feed.name)
const faults = { bad: 0.05, duplicate: 0.05, late: 0.03, too_late: 0.03, out_of_order: 0.05 }
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-generators-'))
})
afterAll(() => rm(folder, { recursive: true }))

describe('produce', () => {
  test('the ledger has one line per record, and the summary adds up', async () => {
    const output = createMemoryOutput()
    const ledger = createMemoryLedger()
    const summary = await produce({ feeds, outputs: [output], ledger, count: 5000, faults, batchRecords: 300 })
    expect(ledger.summary).toBe(summary)
    expect(ledger.entries).toHaveLength(5000)
    const seen = new Set<string>()
    for (const [topic, totals] of Object.entries(summary.topics)) {
      const entries = ledger.entries.filter((entry) => entry.topic === topic)
      const expected = (outcome: string) => entries.filter((entry) => entry.expect === outcome).length
      expect(totals.produced).toBe(entries.length)
      expect(totals.stored).toBe(expected('stored'))
      expect(totals.late).toBe(expected('late'))
      expect(totals.deadLettered).toBe(expected('dead-letter'))
      expect(totals.filtered).toBe(expected('filtered'))
      expect(totals.duplicates).toBe(entries.filter((entry) => entry.duplicateOf !== undefined).length)
      const sum = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((a, b) => a + b, 0)
      expect(sum(totals.byCode)).toBe(totals.deadLettered)
      expect(sum(totals.byFault)).toBe(entries.filter((entry) => entry.fault !== undefined).length)
      let bytes = 0
      for (const [partition, next] of totals.nextOffsets.entries()) {
        const records = output.records(topic, partition)
        expect(records).toHaveLength(next)
        for (const record of records) bytes += (record.key?.length ?? 0) + (record.value?.length ?? 0)
      }
      expect(totals.bytes).toBe(bytes)
    }
    for (const entry of ledger.entries) {
      seen.add(`${entry.topic}/${entry.partition}/${entry.offset}`)
      expect((entry.code !== undefined) === (entry.expect === 'dead-letter')).toBe(true)
      expect((entry.rowHash !== undefined) === (entry.expect === 'stored' || entry.expect === 'late')).toBe(true)
    }
    expect(seen.size).toBe(5000)
  })

  test('offsets are those of the first output; other outputs get the same records', async () => {
    const inner = createMemoryOutput()
    const copy = createMemoryOutput()
    const shifted: Output = {
      write: async (topic, records) =>
        (await inner.write(topic, records)).map((r) => ({ ...r, baseOffset: r.baseOffset + 1_000_000 })),
      close: () => inner.close(),
    }
    const ledger = createMemoryLedger()
    await produce({ feeds, outputs: [shifted, copy], ledger, count: 900, faults: { duplicate: 0.3 } })
    expect(ledger.entries.every((entry) => entry.offset >= 1_000_000)).toBe(true)
    const duplicates = ledger.entries.filter((entry) => entry.duplicateOf !== undefined)
    expect(duplicates.length).toBeGreaterThan(50)
    const byPlace = new Map(ledger.entries.map((e) => [`${e.topic}/${e.partition}/${e.offset}`, e]))
    for (const { topic, id, duplicateOf } of duplicates) {
      expect(byPlace.get(`${topic}/${duplicateOf!.partition}/${duplicateOf!.offset}`)?.id).toBe(id)
    }
    for (const topic of feeds) expect(copy.records(topic, 0)).toEqual(inner.records(topic, 0))
  })

  test('a run goes on where the last one stopped: no event twice, offsets and truth continued', async () => {
    const output = createMemoryOutput()
    const path = join(folder, 'continued', 'ledger.jsonl')
    const options = { feeds, outputs: [output], seed: 'go on', faults }
    const first = await produce({ ...options, count: 4000, ledger: await createFileLedger(path) })
    expect(await readLedgerSummary(path)).toEqual(first)
    const second = await produce({ ...options, count: 4000, ledger: await createFileLedger(path), continueFrom: first })
    expect(second.run).toBe(1)
    expect(second.simulatedFrom).toBeGreaterThanOrEqual(first.simulatedTo - 60_000)
    const firsts = new Map<string, number>()
    const places = new Set<string>()
    let lines = 0
    for await (const entry of readLedger(path)) {
      lines++
      places.add(`${entry.topic}/${entry.partition}/${entry.offset}`)
      const event = `${entry.topic}/${entry.id}`
      if (entry.duplicateOf === undefined) firsts.set(event, (firsts.get(event) ?? 0) + 1)
    }
    expect(lines).toBe(8000)
    expect(places.size).toBe(8000)
    expect([...firsts.values()].every((n) => n === 1)).toBe(true)
    for (const [topic, totals] of Object.entries(second.topics)) {
      for (const [partition, watermark] of totals.watermarks.entries()) {
        const before = first.topics[topic]!.watermarks[partition]
        if (before !== null && before !== undefined) expect(watermark).toBeGreaterThanOrEqual(before)
      }
    }
  })

  test('two runs make what one makes', async () => {
    const run = async (count: number, continueFrom?: LedgerSummary) => {
      const ledger = createMemoryLedger()
      const more = continueFrom === undefined ? {} : { continueFrom }
      await produce({ feeds, outputs: [createMemoryOutput()], ledger, count, faults: {}, batchRecords: 1, ...more })
      return ledger
    }
    const whole = await run(3000)
    const first = await run(1234)
    const second = await run(1766, first.summary)
    const hashes = (ledgers: readonly MemoryLedger[]) => ledgers.flatMap(({ entries }) => entries.map((e) => e.rowHash))
    expect(hashes([first, second])).toEqual(hashes([whole]))
  })

  test('rate and speed-up follow the clock given', async () => {
    const clock = { time: 0, now: () => clock.time, sleep: async (ms: number) => void (clock.time += ms) }
    await produce({ feeds, outputs: [createMemoryOutput()], count: 3000, rate: 500, clock })
    expect(clock.time / 1000).toBeCloseTo(6, 1)
    clock.time = 0
    await produce({ feeds, outputs: [createMemoryOutput()], forMs: 7_200_000, speedUp: 3600, clock })
    expect(clock.time / 1000).toBeCloseTo(2, 1)
  })

  test('with a speed-up each record is written when its simulated time has come', async () => {
    const clock = { time: 0, now: () => clock.time, sleep: async (ms: number) => void (clock.time += ms) }
    const start = Date.UTC(2026, 0, 5)
    const output = createMemoryOutput()
    let checked = 0
    const watched: Output = {
      async write(topic, records) {
        for (const { timestamp } of records) {
          const due = (timestamp - start) / 60
          if (Math.abs(clock.time - due) > 2) throw new Error(`due at ${due} ms, written at ${clock.time} ms`)
          checked++
        }
        return output.write(topic, records)
      },
      close: () => output.close(),
    }
    await produce({
      feeds: ['pharma.sensor_data'],
      outputs: [watched],
      forMs: 7_200_000,
      speedUp: 60,
      faults: {},
      clock,
    })
    expect(checked).toBeGreaterThan(50)
    // Readings of a sensor, five minutes apart, come every five seconds.
    expect(clock.time / 1000).toBeCloseTo(120, 0)
  })

  test('runForMs ends after real time, at any rate; what was held back is written', async () => {
    const clock = { time: 0, now: () => clock.time, sleep: async (ms: number) => void (clock.time += ms) }
    const ledger = createMemoryLedger()
    const options = { feeds, outputs: [createMemoryOutput()], ledger, clock, faults: { out_of_order: 0.3 } }
    const summary = await produce({ ...options, rate: 100, runForMs: 10_000 })
    expect(clock.time).toBeGreaterThanOrEqual(10_000)
    expect(clock.time).toBeLessThan(10_100)
    expect(Math.abs(summary.records - 1000)).toBeLessThan(20)
    expect(ledger.entries).toHaveLength(summary.records)
    clock.time = 0
    const slow = await produce({ ...options, outputs: [createMemoryOutput()], rate: 0.01, runForMs: 5000 })
    expect(slow.records).toBe(0)
    expect(clock.time).toBe(5000)
    await expect(produce({ ...options, runForMs: -1 })).rejects.toMatchObject({ code: 'OPTION_INVALID' })
  })

  test('an abort writes what was taken and finishes the ledger; progress is told', async () => {
    const abort = new AbortController()
    const ledger = createMemoryLedger()
    const seen: ProduceProgress[] = []
    const summary = await produce({
      feeds,
      outputs: [createMemoryOutput()],
      ledger,
      faults,
      batchRecords: 100,
      signal: abort.signal,
      onProgress: (progress) => {
        seen.push(progress)
        if (progress.records > 500) abort.abort()
      },
      clock: { now: () => seen.length * 1000, sleep: async () => {} },
    })
    expect(summary.records).toBeGreaterThan(500)
    expect(ledger.entries).toHaveLength(summary.records)
    expect(ledger.summary).toBe(summary)
    expect(seen.at(-1)!.records).toBe(summary.records)
  })

  test('mistakes and broken outputs are refused with their code', async () => {
    const output = createMemoryOutput()
    const mute: Output = { write: async () => [], close: async () => {} }
    await expect(produce({ feeds, outputs: [] })).rejects.toMatchObject({ code: 'OPTION_INVALID' })
    await expect(produce({ feeds, outputs: [output], rate: 1, speedUp: 1 })).rejects.toMatchObject({
      code: 'OPTION_INVALID',
    })
    await expect(produce({ feeds, outputs: [mute], count: 10 })).rejects.toMatchObject({
      code: 'OUTPUT_RECEIPT_INVALID',
    })
  })

  test('schema ids come from a registry when one is given', async () => {
    const output = createMemoryOutput()
    const subjects: string[] = []
    const registry = { register: async (subject: string) => 100 + subjects.push(subject) }
    await produce({ feeds: ['bakery.promotions'], outputs: [output], registry, count: 20, faults: {}, partitions: 1 })
    expect(subjects).toEqual(['bakery.promotions-value'])
    for (const record of output.records('bakery.promotions', 0)) {
      expect([...record.value!.subarray(0, 5)]).toEqual([0, 0, 0, 0, 101])
    }
    const foreign = createMemoryOutput()
    const options = { registry, count: 20, faults: { foreign_schema_id: 1 }, partitions: 1 }
    await produce({ feeds: ['bakery.promotions'], outputs: [foreign], ...options })
    expect(subjects).toEqual(['bakery.promotions-value', 'bakery.promotions-value', 'sluice.dead_letters-value'])
    expect([...foreign.records('bakery.promotions', 0)[0]!.value!.subarray(0, 5)]).toEqual([0, 0, 0, 0, 103])
    const incompatible = createMemoryOutput()
    const faults = { incompatible_schema_id: 1 }
    await produce({ feeds: ['bakery.promotions', 'telco.customers'], outputs: [incompatible], ...options, faults })
    expect(subjects.slice(3)).toEqual(['bakery.promotions-value', 'telco.customers-value', 'bakery.promotions-value'])
    expect(incompatible.records('bakery.promotions', 0)[0]!.value![4]).toBe(106)
  })
})

describe('outputs', () => {
  const records = [
    { partition: 1, key: Buffer.from('k'), value: Buffer.from('{"a":1}'), timestamp: Date.UTC(2026, 0, 5, 9) },
    { partition: 0, key: null, value: Buffer.from([0, 255]), timestamp: Date.UTC(2026, 0, 5, 10) },
    { partition: 1, key: Buffer.from([255]), value: null, timestamp: Date.UTC(2026, 0, 5, 10) },
  ]

  test('JSONL files by topic, date and hour, bytes kept', async () => {
    const output = createJsonlOutput(join(folder, 'jsonl'), { maxOpenFiles: 1 })
    expect(await output.write('t', records)).toEqual([
      { partition: 1, baseOffset: 0 },
      { partition: 0, baseOffset: 0 },
    ])
    await output.write('t', records.slice(0, 1))
    await output.close()
    await output.close()
    expect((await readdir(join(folder, 'jsonl/t/2026-01-05'))).sort()).toEqual([
      't-2026-01-05-09.jsonl',
      't-2026-01-05-10.jsonl',
    ])
    const lines = (await readFile(join(folder, 'jsonl/t/2026-01-05/t-2026-01-05-09.jsonl'), 'utf8')).trim().split('\n')
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { topic: 't', partition: 1, offset: 0, timestamp: records[0]!.timestamp, key: 'k', value: '{"a":1}' },
      { topic: 't', partition: 1, offset: 2, timestamp: records[0]!.timestamp, key: 'k', value: '{"a":1}' },
    ])
    const later = await readFile(join(folder, 'jsonl/t/2026-01-05/t-2026-01-05-10.jsonl'), 'utf8')
    expect(
      later
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([
      { topic: 't', partition: 0, offset: 0, timestamp: records[1]!.timestamp, key: null, value: { base64: 'AP8=' } },
      { topic: 't', partition: 1, offset: 1, timestamp: records[1]!.timestamp, key: { base64: '/w==' }, value: null },
    ])
  })

  test('headers are in the line when a record has some', async () => {
    const output = createJsonlOutput(join(folder, 'headers'))
    const headers = [
      ['trace', Buffer.from('abc')],
      ['raw', Buffer.from([1, 255])],
    ] as const
    await output.write('t', [{ ...records[0]!, headers }])
    await output.close()
    const text = await readFile(join(folder, 'headers/t/2026-01-05/t-2026-01-05-09.jsonl'), 'utf8')
    expect((JSON.parse(text) as { headers: unknown }).headers).toEqual({ trace: 'abc', raw: { base64: 'Af8=' } })
  })

  test('a stream gets lines and is waited for', async () => {
    let text = ''
    let waiting = 0
    const stream = new Writable({
      highWaterMark: 1,
      write(chunk, _encoding, done) {
        text += String(chunk)
        waiting++
        setImmediate(done)
      },
    })
    const output = createStreamOutput(stream)
    await output.write('t', records)
    await output.write('t', records)
    expect(waiting).toBe(2)
    expect(
      text
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as LedgerEntry).offset),
    ).toEqual([0, 0, 1, 2, 1, 3])
  })
})

describe('ledger files', () => {
  test('a broken line is named; a missing summary is undefined', async () => {
    const path = join(folder, 'broken.jsonl')
    await writeFile(path, '{"topic":"t"}\n{"topic":\n')
    const read = async () => {
      for await (const entry of readLedger(path)) expect(entry.topic).toBe('t')
    }
    await expect(read()).rejects.toThrow(/line 2/)
    expect(await readLedgerSummary(join(folder, 'none.jsonl'))).toBeUndefined()
    await writeFile(`${path}.summary.json`, '{')
    await expect(readLedgerSummary(path)).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' })
  })
})

test('the README lists every error code and no other', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  const listed = [...readme.matchAll(/^\| `([A-Z_]+)`\s+\|/gm)].map((match) => match[1]!)
  expect(listed.sort()).toEqual(Object.keys(generatorErrors).sort())
})
