import { takeRows } from '@sluice/columnar'
import type { FileEncoder, Schema } from '@sluice/columnar'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sinkTestContract, sinkTestNoon, testBatch, testRecords } from '../src/conformance/sink-records.ts'
import type { TestRecord } from '../src/conformance/sink-records.ts'
import type { SinkBatch } from '../src/contracts/sink.ts'
import { layouts } from '../src/layout/layout.ts'
import { deadLetterColumns } from '../src/sink/dead-letter-columns.ts'
import { columnarEncoders } from '../src/sink/file-encoders.ts'
import type { FileEncoders } from '../src/sink/file-encoders.ts'
import { createFileSet } from '../src/sink/file-set.ts'
import type { FinishedFlush, FlushSpec } from '../src/sink/flush-spec.ts'
import { splitSinkBatch } from '../src/sink/split-batch.ts'
import { specOf } from './sink-flush-spec.ts'

const deadColumns = deadLetterColumns()

const seed = 20261121
const day = 86_400_000

/** Runs the log through a file set, in batches that end at `cuts`. */
function flush(log: readonly TestRecord[], spec: FlushSpec = specOf(), cuts: readonly number[] = []): FinishedFlush {
  const set = createFileSet({ spec, deadColumns }, columnarEncoders)
  let at = 0
  for (const end of [...cuts, log.length]) {
    set.append(testBatch(log, at, end))
    at = end
  }
  return set.finish(log.length)
}

const keysOf = (finished: FinishedFlush): string[] => finished.files.map(({ key }) => key)
const linesOf = (finished: FinishedFlush, index = 0): Record<string, unknown>[] =>
  new TextDecoder()
    .decode(finished.files[index]!.bytes)
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
const row = (at: number | null, site: string | null = null): TestRecord => ({ is: 'row', at, site })

describe('file set', () => {
  it('stores the columns of the contract, then where the row came from, with the ingest time of the flush', () => {
    const finished = flush([row(sinkTestNoon, 'x')])
    const [line] = linesOf(finished)
    expect(Object.keys(line!)).toEqual(
      'id site at _topic _partition _offset _timestamp _ingested_at _schema_id'.split(' '),
    )
    expect(line).toMatchObject({ id: 'id-0', at: '2026-11-21T12:00:00.000Z', _ingested_at: '2026-11-21T12:00:00.005Z' })
    expect(keysOf(finished)).toEqual(['readings/date=2026-11-21/conformance.readings+0+0-1.jsonl'])
  })

  it('sends each row to the folder of its event time, rounded down, before 1970 too (inputs 22, 23)', () => {
    const timeRange = { min: -1e15, max: 1e15 }
    const log = [row(0), row(-1), row(-62_135_596_800_000), row(253_402_300_799_999)]
    expect(keysOf(flush(log, specOf({ timeRange, latenessMs: 1e15 })))).toEqual([
      'readings/date=0001-01-01/conformance.readings+0+0-4.jsonl',
      'readings/date=1969-12-31/conformance.readings+0+0-4.jsonl',
      'readings/date=1970-01-01/conformance.readings+0+0-4.jsonl',
      'readings/date=9999-12-31/conformance.readings+0+0-4.jsonl',
    ])
  })

  it('has folders for missing and absurd times, which never move the watermark (input 23)', () => {
    const log = [row(null), row(9_000_000_000_000_000), row(sinkTestNoon), row(sinkTestNoon - 50_000)]
    const finished = flush(log)
    expect(keysOf(finished)).toEqual([
      'readings/date=2026-11-21/conformance.readings+0+0-4.jsonl',
      'readings/date=_out_of_range/conformance.readings+0+0-4.jsonl',
      'readings/date=_unknown/conformance.readings+0+0-4.jsonl',
    ])
    expect(finished).toMatchObject({ stored: 4, late: 0, watermark: sinkTestNoon })
  })

  it('calls a row late exactly when it is more than the lateness behind the rows before it', () => {
    const { latenessMs } = sinkTestContract
    const log = [
      row(sinkTestNoon),
      row(sinkTestNoon - latenessMs),
      row(sinkTestNoon - latenessMs - 1),
      row(sinkTestNoon + 1),
    ]
    const finished = flush(log)
    expect(finished).toMatchObject({ stored: 3, late: 1, watermark: sinkTestNoon + 1 })
    expect(finished.files.find(({ kind }) => kind === 'late')!.key).toBe(
      'late/readings/ingest_date=2026-11-21/conformance.readings+0+0-4.jsonl',
    )
    // The watermark of former flushes counts.
    expect(flush([row(sinkTestNoon)], specOf({ watermark: sinkTestNoon + latenessMs }))).toMatchObject({ late: 0 })
    expect(flush([row(sinkTestNoon)], specOf({ watermark: sinkTestNoon + latenessMs + 1 }))).toMatchObject({ late: 1 })
  })

  it('makes folders of field values: null, empty and hostile ones apart (input 24)', () => {
    const partitionBy = [
      { field: 'site', transform: 'value', as: 'site' },
      { field: 'at', transform: 'hour', as: 'hour' },
    ] as const
    const sites = [null, '', 'a/../b', '__EMPTY__', 'x', 'x']
    const log = sites.map((site, i) => row(sinkTestNoon + (i === 5 ? 3_600_000 : 0), site))
    const name = 'conformance.readings+0+0-6.jsonl'
    expect(keysOf(flush(log, specOf({ partitionBy })))).toEqual([
      `readings/site=%5F_EMPTY__/hour=2026-11-21-12/${name}`,
      `readings/site=__EMPTY__/hour=2026-11-21-12/${name}`,
      `readings/site=__HIVE_DEFAULT_PARTITION__/hour=2026-11-21-12/${name}`,
      `readings/site=a%2F..%2Fb/hour=2026-11-21-12/${name}`,
      `readings/site=x/hour=2026-11-21-12/${name}`,
      `readings/site=x/hour=2026-11-21-13/${name}`,
    ])
  })

  it('keeps rows that share a path in one file, in offset order', () => {
    const patterns = { ...layouts.lake, data: '{table}/{year}/' }
    const log = Array.from({ length: 20 }, (_, i) => row(sinkTestNoon - (i % 2) * 20_000))
    const finished = flush(log, specOf({ patterns }))
    expect(finished.files).toHaveLength(1)
    expect(linesOf(finished).map((line) => line['_offset'])).toEqual(log.map((_, i) => i))
  })

  it('writes the same files whether their rows waited in the stage or went to an encoder at once', () => {
    const partitionBy = [{ field: 'site', transform: 'value', as: 'site' }] as const
    const log = Array.from({ length: 400 }, (_, i) => row(sinkTestNoon + i * 50, `user-${(i * 31) % 90}`))
    const spec = { ...specOf({ partitionBy, latenessMs: 15_000 }), file: { format: 'parquet' } as const }
    const reference = createFileSet({ spec, deadColumns, encodersAtOnce: 1000 }, columnarEncoders)
    reference.append(testBatch(log, 0, 400))
    const wanted = reference.finish(400)
    expect(wanted.files).toHaveLength(90)
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 1, max: 399 })),
        fc.integer({ min: 0, max: 90 }),
        (cuts, encodersAtOnce) => {
          const set = createFileSet({ spec, deadColumns, encodersAtOnce }, columnarEncoders)
          let at = 0
          for (const end of [...cuts.sort((a, b) => a - b), 400]) {
            set.append(testBatch(log, at, end))
            at = end
          }
          expect(set.finish(400)).toEqual(wanted)
        },
      ),
      { seed, numRuns: 20 },
    )
  })

  it('hands out the files of a sealed flush a part at a time', () => {
    const partitionBy = [{ field: 'site', transform: 'value', as: 'site' }] as const
    const log = Array.from({ length: 150 }, (_, i) => row(sinkTestNoon, `user-${i}`))
    const set = createFileSet({ spec: specOf({ partitionBy }), deadColumns }, columnarEncoders)
    set.append(testBatch(log, 0, 150))
    expect(set.seal(150)).toMatchObject({ files: 150, stored: 150, late: 0 })
    const taken = [set.take(), set.take(), set.take()]
    expect(taken.map((files) => files.length)).toEqual([64, 64, 22])
    expect(new Set(taken.flat().map(({ key }) => key)).size).toBe(150)
    expect(set.take()).toEqual([])
  })

  it('goes on far beyond any number of files, and says how many are open (input 25)', () => {
    const partitionBy = [{ field: 'site', transform: 'value', as: 'site' }] as const
    const log = Array.from({ length: 300 }, (_, i) => row(sinkTestNoon, `user-${i}`))
    const set = createFileSet({ spec: specOf({ partitionBy }), deadColumns }, columnarEncoders)
    expect(set.append(testBatch(log, 0, 300))).toMatchObject({ rows: 300, openFiles: 300 })
    const finished = set.finish(300)
    expect(finished.files).toHaveLength(300)
    expect(new Set(keysOf(finished)).size).toBe(300)
  })

  it('writes one line of the dead-letter contract per reject, bytes as base64', () => {
    const finished = flush(testRecords('rxrx'))
    const dead = finished.files.findIndex(({ kind }) => kind === 'dead')
    expect(finished.files[dead]!.key).toBe(
      'dead-letter-queue/conformance.readings/date=2026-11-21/conformance.readings+0+0-4.jsonl',
    )
    const [first, second] = linesOf(finished, dead)
    expect(first).toEqual({
      cluster_id: 'conformance',
      topic_id: 'topic-id-1',
      topic: 'conformance.readings',
      partition: 0,
      offset: 1,
      timestamp: '2026-11-21T12:00:00.001Z',
      key: null,
      value: 'AP8B',
      headers: null,
      schema_id: 1,
      stage: 'decode',
      code: 'truncated',
      path: 'id',
      expected: 'a string',
      attempt: 1,
      pipeline: 'bakery',
      pipeline_version: '1.2.3',
      first_seen: '2026-11-21T12:00:00.005000Z',
    })
    expect(second!['offset']).toBe(3)
    expect(finished.dead).toEqual({
      verdicts: [{ stage: 'decode', code: 'truncated', path: 'id', expected: 'a string' }],
      offsets: [1, 3],
      verdictOf: [0, 0],
    })
  })

  it.each(['parquet', 'jsonl'] as const)('writes the same %s bytes however records were batched (4a)', (format) => {
    const anyLog = fc.array(
      fc.oneof(
        {
          weight: 8,
          arbitrary: fc.record({
            is: fc.constant('row' as const),
            at: fc.option(fc.integer({ min: sinkTestNoon - 3 * day, max: sinkTestNoon })),
            site: fc.option(fc.string()),
          }),
        },
        { weight: 1, arbitrary: fc.constant<TestRecord>({ is: 'reject' }) },
        { weight: 1, arbitrary: fc.constantFrom<TestRecord>({ is: 'filtered' }, { is: 'hole' }) },
      ),
      { minLength: 1, maxLength: 60 },
    )
    const sameBytes = fc.property(anyLog, fc.array(fc.nat({ max: 59 })), (log, points) => {
      const cuts = [...new Set(points)].filter((cut) => cut < log.length).sort((a, b) => a - b)
      const spec = specOf({ file: { format } })
      const whole = flush(log, spec)
      const parts = flush(log, spec, cuts)
      expect({ ...parts, files: parts.files.map(({ key, sha256, rows }) => ({ key, sha256, rows })) }).toEqual({
        ...whole,
        files: whole.files.map(({ key, sha256, rows }) => ({ key, sha256, rows })),
      })
      expect(whole.stored + whole.late).toBe(log.filter(({ is }) => is === 'row').length)
    })
    fc.assert(sameBytes, { seed, numRuns: 150 })
  })

  it('gives a batch with one route to the encoder as it is', () => {
    const selections: (Int32Array | undefined)[] = []
    const encoder = (schema: Schema): FileEncoder => {
      const real = columnarEncoders.create({ format: 'jsonl' }, schema)
      return {
        extension: 'jsonl',
        get rows() {
          return real.rows
        },
        estimatedBytes: 1,
        bufferedBytes: 1,
        append(batch, rows) {
          selections.push(rows)
          real.append(batch, rows)
        },
        finish: () => real.finish(),
      }
    }
    const encoders: FileEncoders = { id: () => 'spy', create: (_, schema) => encoder(schema) }
    const set = createFileSet({ spec: specOf(), deadColumns }, encoders)
    set.append(testBatch(testRecords('rrr'), 0, 3))
    expect(selections).toEqual([undefined])
  })

  it('refuses columns that are not those of the table', () => {
    const set = createFileSet({ spec: specOf(), deadColumns }, columnarEncoders)
    const { batch, ...rest } = testBatch(testRecords('r'), 0, 1)
    const fields = batch.schema.fields.map((field) =>
      field.name === 'site' ? { ...field, type: { kind: 'int32' } as const } : field,
    )
    const wrong: SinkBatch = { ...rest, batch: { ...batch, schema: { fields } } }
    expect(() => set.append(wrong)).toThrow(expect.objectContaining({ code: 'SINK_BATCH_INVALID' }))
    const less: SinkBatch = {
      ...rest,
      batch: { ...batch, schema: { fields: fields.slice(1) }, columns: batch.columns.slice(1) },
    }
    expect(() => set.append(less)).toThrow('column id')
  })

  it('refuses at once a path that needs a field which is not there, or has no text', () => {
    const make = (patterns: FlushSpec['patterns']): unknown =>
      createFileSet({ spec: specOf({ patterns }), deadColumns }, columnarEncoders)
    expect(() => make({ ...layouts.lake, data: '{table}/{value:nothing}/' })).toThrow('nothing')
    expect(() => make({ ...layouts.lake, data: '{table}/{date:site}/' })).toThrow('not a time')
    expect(() => make({ ...layouts.lake, data: '{table}/{value:_timestamp}/' })).toThrow('cannot be a folder')
  })
})

describe('an adopted plan', () => {
  const planned = {
    verdicts: [{ stage: 'schema', code: 'schema_unknown', path: '', expected: 'known' }],
    offsets: [1],
    verdictOf: [0],
  } as const

  it('gives dead records the verdict of the plan, not a later one', () => {
    const set = createFileSet({ spec: specOf(), deadColumns, planned }, columnarEncoders)
    set.append(testBatch(testRecords('rxr'), 0, 3))
    const finished = set.finish(3)
    expect(linesOf(finished, 0)[0]).toMatchObject({ offset: 1, code: 'schema_unknown', stage: 'schema' })
    expect(finished.dead).toEqual(planned)
  })

  it.each([
    ['rrr', 'a planned dead record is a row now'],
    ['rxx', 'a planned row is a reject now'],
    ['xxr', 'a planned row is a reject now'],
    ['r-r', 'a planned dead record is gone'],
  ])('stops at %s: %s; never a dead letter', (letters) => {
    const set = createFileSet({ spec: specOf(), deadColumns, planned }, columnarEncoders)
    const run = (): unknown => {
      set.append(testBatch(testRecords(letters), 0, 3))
      return set.finish(3)
    }
    expect(run).toThrow(expect.objectContaining({ code: 'PLAN_MISMATCH' }))
  })

  it('names columns that the plan has and the batch has not', () => {
    const columns = {
      fields: [...specOf().columns.fields, { name: 'gone', type: { kind: 'int32' }, nullable: true } as const],
    }
    const set = createFileSet({ spec: specOf({ columns }), deadColumns, planned }, columnarEncoders)
    const run = (): unknown => set.append(testBatch(testRecords('rx'), 0, 2))
    expect(run).toThrow(
      expect.objectContaining({ code: 'PLAN_MISMATCH', message: expect.stringContaining('gone') as unknown }),
    )
  })
})

describe('splitting a batch', () => {
  it('divides rows, rejects and counts at any offset', () => {
    const log = testRecords('rxf-rrfxr-')
    for (let at = 1; at < log.length; at++) {
      const batch = testBatch(log, 0, log.length, { duplicate: 2 })
      const filteredBefore = testBatch(log, 0, at).filtered
      const [first, rest] = splitSinkBatch(batch, at, filteredBefore)
      const expected = [testBatch(log, 0, at, { duplicate: 2 }), testBatch(log, at, log.length)]
      for (const [part, wanted] of [
        [first, expected[0]!],
        [rest, expected[1]!],
      ] as const) {
        expect({ ...part, batch: part.batch.length }).toEqual({ ...wanted, batch: wanted.batch.length })
        const all = Int32Array.from({ length: wanted.batch.length }, (_, i) => i)
        expect(takeRows(part.batch, all).columns).toEqual(takeRows(wanted.batch, all).columns)
      }
    }
  })

  it('refuses counts of filtered records that cannot be', () => {
    const batch = testBatch(testRecords('rff-'), 0, 4)
    for (const [at, before] of [
      [1, 1],
      [3, 0],
      [3, -1],
      [3, 3],
    ] as const) {
      expect(() => splitSinkBatch(batch, at, before)).toThrow(expect.objectContaining({ code: 'PLAN_MISMATCH' }))
    }
  })
})
