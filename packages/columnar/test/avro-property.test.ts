import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseAvro } from '../src/avro/parse.ts'
import type { RecordNode } from '../src/avro/model.ts'
import { compileAvroDecoder, createBatchBuilder, rowsOf } from '../src/index.ts'
import type { DecodeReject } from '../src/index.ts'
import { avscType, expectedValue } from './avsc-oracle.ts'
import { createRng, randomRecord } from './random-avro.ts'
import { rangesOf } from './ranges.ts'

describe('Avro decoder against avsc', () => {
  it('reads random data of random writer schemas as avsc does with the reader schema', () => {
    fc.assert(
      fc.property(fc.integer(), fc.boolean(), (seed, oneByOne) => {
        const rng = createRng(seed)
        const pair = randomRecord(rng, 3, { next: 0 })
        const writerType = avscType(pair.writer)
        const readerType = avscType(pair.reader)
        const resolver = readerType.createResolver(writerType)
        const records = Array.from({ length: 20 }, () => writerType.toBuffer(pair.value(rng)))
        const reader = parseAvro(pair.reader) as RecordNode
        const expected = records.map((record) => expectedValue(reader, readerType.fromBuffer(record, resolver)))

        const decoder = compileAvroDecoder(pair.writer, pair.reader)
        const builder = createBatchBuilder(decoder.schema, 1)
        const rejects: DecodeReject[] = []
        const input = rangesOf(records)
        const rowsOut = new Int32Array(records.length)
        let rows = 0
        const step = oneByOne ? 1 : records.length
        for (let i = 0; i < records.length; i += step) {
          rows += decoder.decodeInto(builder, input, i, i + step, rejects, rowsOut, rows)
        }
        expect(rejects).toEqual([])
        expect(rows).toBe(records.length)
        expect([...rowsOut]).toEqual(records.map((_, i) => i))
        expect(rowsOf(builder.finish())).toEqual(expected)
        expect(builder.length).toBe(0)
      }),
      { seed: 20260101, numRuns: 600 },
    )
  })

  it('isolates random damage: no crash, neighbours unchanged', () => {
    let refused = 0
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const rng = createRng(seed)
        const pair = randomRecord(rng, 3, { next: 0 })
        const writerType = avscType(pair.writer)
        const decoder = compileAvroDecoder(pair.writer, pair.reader)
        const builder = createBatchBuilder(decoder.schema)
        const good = Array.from({ length: 21 }, () => writerType.toBuffer(pair.value(rng)) as Uint8Array)
        const decode = (records: readonly Uint8Array[], rejects: DecodeReject[]) => {
          const rowsOut = new Int32Array(records.length)
          const rows = decoder.decodeInto(builder, rangesOf(records), 0, records.length, rejects, rowsOut)
          return { rows: rowsOf(builder.finish()), indices: rowsOut.slice(0, rows) }
        }
        const clean = decode(good, []).rows
        const damaged = good.map((record, i) => (i % 2 === 1 ? damage(rng, record) : record))
        const rejects: DecodeReject[] = []
        const { rows, indices } = decode(damaged, rejects)
        refused += rejects.length
        expect(indices.length + rejects.length).toBe(good.length)
        indices.forEach((index, row) => {
          if (index % 2 === 0) expect(rows[row]).toEqual(clean[index])
        })
        expect(rejects.filter((reject) => reject.index % 2 === 0)).toEqual([])
        for (const reject of rejects) expect(reject.expected).not.toBe('')
      }),
      { seed: 7, numRuns: 400 },
    )
    expect(refused).toBeGreaterThan(1000)
  })
})

function damage(rng: ReturnType<typeof createRng>, record: Uint8Array): Uint8Array {
  const bytes = [...record]
  for (let times = 1 + rng.int(3); times > 0; times--) {
    const at = rng.int(bytes.length + 1)
    switch (rng.int(4)) {
      case 0:
        bytes.length = Math.min(bytes.length, at)
        break
      case 1:
        bytes.splice(at, 0, rng.pick([0, 1, 2, 0x7f, 0x80, 0xff, rng.int(256)]))
        break
      case 2:
        bytes.splice(at, 1)
        break
      default:
        if (at < bytes.length) bytes[at]! ^= 1 << rng.int(8)
    }
  }
  return Uint8Array.from(bytes)
}
