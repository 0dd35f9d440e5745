import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { codecs } from '../src/codecs/codec.ts'
import type { RecordSlab } from '../src/contracts/records.ts'
import { LogError } from '../src/errors/log-error.ts'
import { encodeRecordBatch } from '../src/log/encode-batch.ts'
import type { LogRecord, RecordBatchInput } from '../src/log/encode-batch.ts'
import { splitRecordBatches } from '../src/log/record-batch.ts'
import { parseHeaders } from '../src/log/record-headers.ts'

const limits = { maxInflatedBytes: 2 ** 24 }

interface PlainRecord {
  readonly offset: number
  readonly timestamp: number
  readonly key: string | null
  readonly value: string | null
  readonly headers: [string, string | null][]
}

const hex = (bytes: Uint8Array | null): string | null => (bytes === null ? null : Buffer.from(bytes).toString('hex'))

function plain(slab: RecordSlab): PlainRecord[] {
  const range = (start: number, end: number): string | null => (start < 0 ? null : hex(slab.bytes.subarray(start, end)))
  return Array.from({ length: slab.length }, (_, i) => ({
    offset: slab.offsets[i]!,
    timestamp: slab.timestamps[i]!,
    key: range(slab.keyStart[i]!, slab.keyEnd[i]!),
    value: range(slab.valueStart[i]!, slab.valueEnd[i]!),
    headers:
      slab.headersStart[i]! < 0
        ? []
        : parseHeaders(slab.bytes.subarray(slab.headersStart[i]!, slab.headersEnd[i]!)).map(
            ({ nameBytes, value }): [string, string | null] => [hex(nameBytes)!, hex(value)],
          ),
  }))
}

function plainInput({ baseOffset, records, offsets, logAppendTime }: RecordBatchInput): PlainRecord[] {
  return records.map((record, i) => ({
    offset: offsets?.[i] ?? baseOffset + i,
    timestamp: logAppendTime ?? record.timestamp,
    key: hex(record.key),
    value: hex(record.value),
    headers: (record.headers ?? []).map(([name, value]) => [hex(Buffer.from(name))!, hex(value)]),
  }))
}

const bytesOrNull = fc.option(fc.uint8Array({ maxLength: 300 }), { nil: null })
const timestamps = fc.oneof(
  fc.integer({ min: 1.6e12, max: 1.8e12 }),
  fc.constantFrom(-1, 0, 1, -(2 ** 31), 2 ** 31, 2 ** 52, -(2 ** 52)),
)
const recordArbitrary: fc.Arbitrary<LogRecord> = fc.record({
  key: bytesOrNull,
  value: bytesOrNull,
  timestamp: timestamps,
  headers: fc.array(fc.tuple(fc.uint8Array({ maxLength: 20 }), bytesOrNull), { maxLength: 4 }),
})
const batchArbitrary: fc.Arbitrary<RecordBatchInput> = fc
  .record({
    baseOffset: fc.oneof(fc.nat(), fc.constantFrom(0, 2 ** 31, 2 ** 32 + 1, 2 ** 53 - 2 ** 20)),
    recordsAndGaps: fc.array(fc.tuple(recordArbitrary, fc.nat(3)), { maxLength: 40 }),
    codec: fc.constantFrom(...codecs),
    logAppendTime: fc.option(fc.integer({ min: 0, max: 2e12 }), { nil: undefined }),
  })
  .map(({ baseOffset, recordsAndGaps, codec, logAppendTime }) => {
    let offset = baseOffset - 1
    const offsets = recordsAndGaps.map(([, gap]) => (offset += 1 + gap))
    const records = recordsAndGaps.map(([record]) => record)
    const lastOffset = Math.max(offset, baseOffset) + 2
    return { baseOffset, records, offsets, lastOffset, codec, ...(logAppendTime !== undefined && { logAppendTime }) }
  })

const record = (value: string, timestamp = 1000): LogRecord => ({ key: null, value: Buffer.from(value), timestamp })
const valuesOf = (slab: RecordSlab): string[] => plain(slab).map(({ value }) => Buffer.from(value!, 'hex').toString())

describe('record batches', () => {
  it('round-trip: any records, every codec, holes, extreme offsets and timestamps', () => {
    fc.assert(
      fc.property(batchArbitrary, (input) => {
        const bytes = encodeRecordBatch(input)
        const result = splitRecordBatches(bytes, limits)
        expect(plain(result.slab)).toEqual(plainInput(input))
        expect(result.nextOffset).toBe(input.lastOffset! + 1)
        expect(result).toMatchObject({
          consumedBytes: bytes.length,
          truncatedBytes: 0,
          controlRecords: 0,
          abortedRecords: 0,
        })
      }),
      { seed: 20261121, numRuns: 400 },
    )
  })

  it('splits several batches of mixed codecs and takes exactly [from, to)', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom(...codecs), fc.integer({ min: 1, max: 9 }), fc.nat(2)), {
          minLength: 1,
          maxLength: 6,
        }),
        fc.nat(60),
        fc.nat(60),
        (shape, from, length) => {
          let next = 0
          const offsets: number[] = []
          const batches = shape.map(([codec, count, hole]) => {
            const baseOffset = (next += hole)
            next += count
            for (let i = 0; i < count; i++) offsets.push(baseOffset + i)
            return encodeRecordBatch({
              baseOffset,
              codec,
              records: Array.from({ length: count }, (_, i) => record(`${baseOffset + i}`)),
            })
          })
          const { slab, nextOffset } = splitRecordBatches(Buffer.concat(batches), {
            ...limits,
            from,
            to: from + length,
          })
          const expected = offsets.filter((offset) => offset >= from && offset < from + length)
          expect(valuesOf(slab)).toEqual(expected.map(String))
          expect([...slab.offsets]).toEqual(expected)
          if (nextOffset !== null) expect(nextOffset).toBeLessThanOrEqual(from + length)
        },
      ),
      { seed: 7, numRuns: 400 },
    )
  })

  it('points into the input when nothing is compressed', () => {
    const bytes = Buffer.concat([
      encodeRecordBatch({ baseOffset: 0, records: [record('a')] }),
      encodeRecordBatch({ baseOffset: 1, records: [record('b')] }),
    ])
    expect(splitRecordBatches(bytes, limits).slab.bytes).toBe(bytes)
  })

  it('finds every single-byte change behind the header’s first 17 bytes', () => {
    for (const codec of codecs) {
      const bytes = encodeRecordBatch({ baseOffset: 5, codec, records: [record('one'), record('two')] })
      for (let at = 17; at < bytes.length; at++) {
        const damaged = bytes.slice()
        damaged[at]! ^= 1 << (at % 8)
        expect(
          codeOf(() => splitRecordBatches(damaged, limits)),
          `${codec}, byte ${at}`,
        ).toBe('BATCH_CRC_MISMATCH')
      }
    }
  })

  it('never crashes, hangs or answers wrongly on damaged bytes, also when the CRC was made to fit', () => {
    let refusals = 0
    fc.assert(
      fc.property(
        batchArbitrary,
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 }),
        fc.nat(3),
        fc.boolean(),
        (input, changes, cut, mend) => {
          const bytes = encodeRecordBatch(input).slice()
          for (const [at, value] of changes) bytes[at % bytes.length] = value
          const damaged = bytes.subarray(0, bytes.length - cut)
          if (mend && damaged.length > 61) mendBatch(damaged)
          const outcome = codeOf(() => splitRecordBatches(damaged, limits))
          if (outcome !== undefined) refusals++
          else {
            const { slab } = splitRecordBatches(damaged, limits)
            for (let i = 0; i < slab.length; i++) {
              expect(slab.valueEnd[i]!).toBeLessThanOrEqual(slab.bytes.length)
              expect(slab.headersEnd[i]!).toBeLessThanOrEqual(slab.bytes.length)
            }
          }
        },
      ),
      { seed: 99, numRuns: 3000 },
    )
    expect(refusals).toBeGreaterThan(1000)
  })

  it('recognises a tail cut anywhere and takes what is whole', () => {
    const first = encodeRecordBatch({ baseOffset: 0, records: [record('kept')] })
    const second = encodeRecordBatch({ baseOffset: 1, codec: 'zstd', records: [record('cut')] })
    const both = Buffer.concat([first, second])
    for (let size = 0; size < both.length; size++) {
      const result = splitRecordBatches(both.subarray(0, size), limits)
      const whole = size >= first.length ? first.length : 0
      expect(result).toMatchObject({
        consumedBytes: whole,
        truncatedBytes: size - whole,
        nextOffset: whole > 0 ? 1 : null,
      })
      expect(result.slab.length).toBe(whole > 0 ? 1 : 0)
    }
  })

  it('refuses old formats, unknown codecs, false counts and lengths, offsets beyond 2^53, by code', () => {
    const make = (change: (view: DataView) => void, mend = true): (() => unknown) => {
      const bytes = encodeRecordBatch({ baseOffset: 5, records: [record('one'), record('two')] })
      change(new DataView(bytes.buffer))
      if (mend) mendBatch(bytes)
      return () => splitRecordBatches(bytes, limits)
    }
    for (const magic of [0, 1, 3, -1])
      expect(codeOf(make((view) => view.setInt8(16, magic)))).toBe('BATCH_MAGIC_UNSUPPORTED')
    for (const codec of [5, 6, 7]) expect(codeOf(make((view) => view.setInt16(21, codec)))).toBe('BATCH_CODEC_UNKNOWN')
    for (const count of [-1, 1, 3, 0x7fffffff])
      expect(codeOf(make((view) => view.setInt32(57, count)))).toBe('BATCH_MALFORMED')
    for (const delta of [-1, 0]) expect(codeOf(make((view) => view.setInt32(23, delta)))).toBe('BATCH_MALFORMED')
    for (const length of [-1, 0, 48])
      expect(codeOf(make((view) => view.setInt32(8, length), false))).toBe('BATCH_MALFORMED')
    const tooFar = [2n ** 53n - 1n, 2n ** 53n, 2n ** 63n - 1n, -1n]
    for (const offset of tooFar) expect(codeOf(make((view) => view.setBigInt64(0, offset)))).toBe('BATCH_OFFSET_UNSAFE')
    expect(codeOf(make((view) => view.setBigInt64(0, 2n ** 53n - 3n)))).toBeUndefined()
  })

  it('refuses a count that cannot fit before asking for memory', () => {
    const bytes = encodeRecordBatch({ baseOffset: 0, records: [record('x')], lastOffset: 0x7fffffff - 1 })
    new DataView(bytes.buffer).setInt32(57, 0x7fffffff)
    mendBatch(bytes)
    const before = process.memoryUsage().arrayBuffers
    expect(codeOf(() => splitRecordBatches(bytes, limits))).toBe('BATCH_MALFORMED')
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 20)
  })

  it('refuses batches out of order', () => {
    const bytes = Buffer.concat([
      encodeRecordBatch({ baseOffset: 3, records: [record('b')] }),
      encodeRecordBatch({ baseOffset: 3, records: [record('a')] }),
    ])
    expect(codeOf(() => splitRecordBatches(bytes, limits))).toBe('BATCH_MALFORMED')
  })

  it('refuses a bomb of any codec, or names it and takes its neighbours (input 27)', () => {
    for (const codec of codecs) {
      if (codec === 'none') continue
      const bomb = encodeRecordBatch({
        baseOffset: 1,
        codec,
        records: [{ key: null, value: new Uint8Array(2 ** 25), timestamp: 77 }, record('beside')],
      })
      const before = encodeRecordBatch({ baseOffset: 0, records: [record('before')] })
      const after = encodeRecordBatch({ baseOffset: 3, codec, records: [record('after')] })
      const all = Buffer.concat([before, bomb, after])
      const memory = process.memoryUsage().arrayBuffers
      expect(
        codeOf(() => splitRecordBatches(all, { maxInflatedBytes: 2 ** 20 })),
        codec,
      ).toBe('BATCH_TOO_LARGE')
      const result = splitRecordBatches(all, { maxInflatedBytes: 2 ** 20, tooLarge: 'refuse' })
      expect(process.memoryUsage().arrayBuffers - memory).toBeLessThan(2 ** 24)
      expect(valuesOf(result.slab)).toEqual(['before', 'after'])
      expect(result.nextOffset).toBe(4)
      expect(result.refused).toEqual([
        {
          code: 'BATCH_TOO_LARGE',
          baseOffset: 1,
          lastOffset: 2,
          recordCount: 2,
          timestamp: 1000,
          start: before.length,
          end: before.length + bomb.length,
        },
      ])
    }
  })

  it('stops where the whole would become too large, and goes on from there', () => {
    const batches = Array.from({ length: 5 }, (_, i) =>
      encodeRecordBatch({
        baseOffset: i,
        codec: 'zstd',
        records: [{ key: null, value: new Uint8Array(1000), timestamp: i }],
      }),
    )
    const all = Buffer.concat(batches)
    const seen: number[] = []
    let calls = 0
    for (let at = 0; at < all.length; calls++) {
      const { slab, consumedBytes } = splitRecordBatches(all.subarray(at), { ...limits, maxTotalBytes: 2500 })
      expect(consumedBytes).toBeGreaterThan(0)
      seen.push(...slab.offsets)
      at += consumedBytes
    }
    expect(seen).toEqual([0, 1, 2, 3, 4])
    expect(calls).toBe(3)
    expect(splitRecordBatches(all, { ...limits, maxTotalBytes: 10 }).slab.length).toBe(1)
  })

  it('leaves out control records, and aborted transactions when told of them (fault 30)', () => {
    const marker = (baseOffset: number, producerId: number): Uint8Array =>
      encodeRecordBatch({ baseOffset, producerId, transactional: true, control: true, records: [record('marker')] })
    const data = (baseOffset: number, producerId: number, transactional = true): Uint8Array =>
      encodeRecordBatch({ baseOffset, producerId, transactional, records: [record(`p${producerId}`), record('+')] })
    const log = Buffer.concat([
      data(0, 7),
      data(2, 8),
      data(4, 7),
      marker(6, 7),
      data(7, 9, false),
      data(9, 7),
      marker(11, 8),
      marker(12, 7),
    ])
    const all = splitRecordBatches(log, limits)
    expect([...all.slab.offsets]).toEqual([0, 1, 2, 3, 4, 5, 7, 8, 9, 10])
    expect(all).toMatchObject({ controlRecords: 3, abortedRecords: 0, nextOffset: 13 })
    const abortedTransactions = [{ producerId: 7, firstOffset: 0 }]
    const committed = splitRecordBatches(log, { ...limits, abortedTransactions })
    expect([...committed.slab.offsets]).toEqual([2, 3, 7, 8, 9, 10])
    expect(committed).toMatchObject({ controlRecords: 3, abortedRecords: 4, nextOffset: 13 })
    // The marker lies below `from`: what comes after it must still be read.
    const later = splitRecordBatches(log, { ...limits, abortedTransactions, from: 8 })
    expect([...later.slab.offsets]).toEqual([8, 9, 10])
    const markers = splitRecordBatches(Buffer.concat([marker(0, 1), marker(1, 2)]), limits)
    expect(markers).toMatchObject({ nextOffset: 2, controlRecords: 2, slab: { length: 0 } })
  })

  it('keeps 10,000 headers, names that repeat, are empty or not UTF-8 (input 30)', () => {
    const names = [
      Buffer.from('same'),
      Buffer.from('same'),
      Buffer.alloc(0),
      Buffer.from([0xff, 0xfe]),
      Buffer.from('__proto__'),
    ]
    const headers = Array.from(
      { length: 10_000 },
      (_, i) => [names[i % 5]!, i % 3 === 0 ? null : Buffer.from(`${i}`)] as const,
    )
    const bytes = encodeRecordBatch({ baseOffset: 0, records: [{ ...record('x'), headers }, record('next')] })
    const { slab } = splitRecordBatches(bytes, limits)
    expect(slab.length).toBe(2)
    const parsed = parseHeaders(slab.bytes.subarray(slab.headersStart[0]!, slab.headersEnd[0]!))
    expect(parsed.map(({ nameBytes, value }) => [hex(nameBytes), hex(value)])).toEqual(
      headers.map(([name, value]) => [hex(name), hex(value)]),
    )
    expect(parsed[0]!.name).toBe('same')
    const few = parseHeaders(slab.bytes.subarray(slab.headersStart[0]!, slab.headersEnd[0]!), 3)
    expect(few).toHaveLength(3)
  })

  it('refuses damaged header sections and keeps the record', () => {
    const sections = [
      [],
      [0x80],
      [2],
      [2, 2, 0x61, 1, 0],
      [1],
      [2, 40, 0x61],
      [2, 2, 0x61, 8, 1],
      [0xfe, 0xff, 0xff, 0xff, 0x0f],
    ]
    for (const section of sections) {
      expect(
        codeOf(() => parseHeaders(Uint8Array.from(section))),
        `${section}`,
      ).toBe('BATCH_MALFORMED')
    }
    expect(parseHeaders(Uint8Array.of(0))).toEqual([])
  })

  it('puts no record contents into errors', () => {
    const marker = 'SECRET-MARKER'
    const messages: string[] = []
    for (let at = 12; at < 120; at++) {
      const bytes = encodeRecordBatch({ baseOffset: 0, records: [record(marker), record(marker)] })
      if (at >= bytes.length) break
      bytes[at]! ^= 0x55
      if (at > 61) mendBatch(bytes)
      try {
        splitRecordBatches(bytes, limits)
      } catch (error) {
        messages.push(String(error))
      }
    }
    expect(messages.length).toBeGreaterThan(40)
    expect(messages.join()).not.toContain('SECRET')
  })

  it('refuses to encode offsets that do not rise or do not fit', () => {
    const records = [record('a'), record('b')]
    expect(() => encodeRecordBatch({ baseOffset: 0, records, offsets: [1, 1] })).toThrow(RangeError)
    expect(() => encodeRecordBatch({ baseOffset: 5, records, offsets: [4, 6] })).toThrow(RangeError)
    expect(() => encodeRecordBatch({ baseOffset: 0, records, lastOffset: 0 })).toThrow(RangeError)
    expect(() => encodeRecordBatch({ baseOffset: -1, records })).toThrow(RangeError)
    expect(() => encodeRecordBatch({ baseOffset: 2 ** 53 - 1, records })).toThrow(RangeError)
    expect(() => encodeRecordBatch({ baseOffset: 0, records, lastOffset: 2 ** 31 })).toThrow(RangeError)
  })
})

describe('record batches of others', () => {
  const foreign = JSON.parse(readFileSync(new URL('./fixtures/log-foreign-batches.json', import.meta.url), 'utf8')) as {
    records: {
      key: string | null
      value: string | null
      timestamp: number
      headers?: Record<string, string | string[]>
    }[]
    batches: Record<'none' | 'gzip', string>
  }
  const input = {
    baseOffset: 4294967300,
    leaderEpoch: 3,
    transactional: true,
    producerId: 77,
    producerEpoch: 2,
    baseSequence: 9,
    records: foreign.records.map(({ key, value, timestamp, headers }) => ({
      key: key === null ? null : Buffer.from(key),
      value: value === null ? null : Buffer.from(value),
      timestamp,
      headers: Object.entries(headers ?? {}).flatMap(([name, values]) =>
        [values].flat().map((each) => [name, Buffer.from(each)] as const),
      ),
    })),
  }

  it('reads what kafkajs encodes', () => {
    for (const codec of ['none', 'gzip'] as const) {
      const { slab } = splitRecordBatches(Buffer.from(foreign.batches[codec], 'base64'), limits)
      expect(plain(slab)).toEqual(plainInput(input))
    }
  })

  it('encodes byte for byte what kafkajs encodes', () => {
    expect(Buffer.from(encodeRecordBatch(input)).toString('base64')).toBe(foreign.batches.none)
  })
})

/** Length and CRC as if the bytes had been written so. */
function mendBatch(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  view.setInt32(8, bytes.length - 12)
  view.setUint32(17, slowCrc32c(bytes.subarray(21)))
}

/** Bit by bit after RFC 3720, B.4: independent of the library under test. */
function slowCrc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0)
  }
  return ~crc >>> 0
}

/** Code of the LogError thrown; undefined when nothing was. Anything else is a failure of the test. */
function codeOf(run: () => unknown): string | undefined {
  try {
    run()
    return undefined
  } catch (error) {
    if (error instanceof LogError) return error.code
    throw error
  }
}
