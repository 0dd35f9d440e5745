import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { compressSync } from 'snappy'
import { describe, expect, it } from 'vitest'
import { codecs, compress, inflate } from '../src/codecs/codec.ts'
import { LogError } from '../src/errors/log-error.ts'

const packed = codecs.filter((codec) => codec !== 'none')

describe('codecs', () => {
  it('give back what they were given', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...codecs),
        fc.oneof(
          fc.uint8Array({ maxLength: 200 }),
          fc
            .tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.nat(4000))
            .map(([unit, n]) => Buffer.concat(Array(n).fill(unit))),
          fc.integer({ min: 0, max: 200_000 }).map((n) => randomFrom(n)),
        ),
        (codec, bytes) => {
          const inflated = inflate(codec, compress(codec, bytes), bytes.length)
          expect(Buffer.compare(inflated, bytes)).toBe(0)
        },
      ),
      { seed: 5, numRuns: 200 },
    )
  })

  it('hold the limit to the byte', () => {
    for (const codec of codecs) {
      for (const bytes of [new Uint8Array(100_000), randomBytes(100_000), Uint8Array.of(7)]) {
        const small = compress(codec, bytes)
        expect(inflate(codec, small, bytes.length).length).toBe(bytes.length)
        expect(
          codeOf(() => inflate(codec, small, bytes.length - 1)),
          codec,
        ).toBe('BATCH_TOO_LARGE')
      }
    }
  })

  it('refuse bombs without asking for their memory (input 27)', () => {
    const zeros = new Uint8Array(2 ** 28)
    for (const codec of packed) {
      const bomb = compress(codec, zeros)
      const before = process.memoryUsage().arrayBuffers
      expect(
        codeOf(() => inflate(codec, bomb, 2 ** 20)),
        codec,
      ).toBe('BATCH_TOO_LARGE')
      expect(process.memoryUsage().arrayBuffers - before, codec).toBeLessThan(2 ** 23)
    }
  })

  it('refuse six bytes of snappy that claim a gibibyte', () => {
    const claim = Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x04, 0x00)
    const before = process.memoryUsage().rss
    expect(codeOf(() => inflate('snappy', claim, 2 ** 24))).toBe('BATCH_TOO_LARGE')
    // Below the limit, but beyond what so few bytes can make.
    expect(codeOf(() => inflate('snappy', claim, 2 ** 31))).toBe('BATCH_MALFORMED')
    const xerial = Buffer.concat([xerialHead, Uint8Array.of(0, 0, 0, 6), claim])
    expect(codeOf(() => inflate('snappy', xerial, 2 ** 24))).toBe('BATCH_TOO_LARGE')
    expect(process.memoryUsage().rss - before).toBeLessThan(2 ** 26)
  })

  it('never do anything but inflate or refuse by code', () => {
    const source = Buffer.from('the quick brown fox '.repeat(500))
    fc.assert(
      fc.property(
        fc.constantFrom(...packed),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 5 }),
        fc.nat(30),
        (codec, changes, cut) => {
          const bytes = Buffer.from(compress(codec, source))
          for (const [at, value] of changes) bytes[at % bytes.length] = value
          const outcome = codeOf(() =>
            expect(inflate(codec, bytes.subarray(0, bytes.length - cut), 2 ** 20).length).toBeLessThanOrEqual(2 ** 20),
          )
          expect([undefined, 'BATCH_MALFORMED', 'BATCH_TOO_LARGE']).toContain(outcome)
        },
      ),
      { seed: 11, numRuns: 2000 },
    )
    for (const codec of packed) {
      for (const bytes of [new Uint8Array(0), Uint8Array.of(0), randomFrom(64)]) {
        if (codec === 'snappy' && bytes.length === 1) continue
        expect(
          codeOf(() => inflate(codec, bytes, 1000)),
          `${codec} ${bytes.length}`,
        ).toBe('BATCH_MALFORMED')
      }
    }
  })

  it('read every frame of zstd and every member of gzip, under one limit', () => {
    const parts = ['first ', 'second ', 'third'].map((part) => Buffer.from(part))
    const frames = Buffer.concat(parts.map((part) => zstdCompressSync(part)))
    const members = Buffer.concat(parts.map((part) => gzipSync(part)))
    for (const [codec, bytes] of [
      ['zstd', frames],
      ['gzip', members],
    ] as const) {
      expect(Buffer.from(inflate(codec, bytes, 18)).toString()).toBe('first second third')
      expect(
        codeOf(() => inflate(codec, bytes, 17)),
        codec,
      ).toBe('BATCH_TOO_LARGE')
    }
    expect(codeOf(() => inflate('zstd', Buffer.concat([frames, Uint8Array.of(1, 2, 3)]), 100))).toBe('BATCH_MALFORMED')
  })

  it('read snappy raw and in xerial framing with blocks of any size', () => {
    const source = Buffer.from('abcabcabc'.repeat(300))
    expect(Buffer.compare(inflate('snappy', compressSync(source), 3000), source)).toBe(0)
    const blocks = [source.subarray(0, 1), source.subarray(1, 1000), source.subarray(1000)].flatMap((part) => {
      const block = compressSync(part)
      const length = Buffer.alloc(4)
      length.writeUInt32BE(block.length)
      return [length, block]
    })
    const framed = Buffer.concat([xerialHead, ...blocks])
    expect(Buffer.compare(inflate('snappy', framed, source.length), source)).toBe(0)
    expect(codeOf(() => inflate('snappy', framed, source.length - 1))).toBe('BATCH_TOO_LARGE')
    // Cut between two blocks it is a shorter stream; the batch's record count then tells.
    const boundaries = new Set(
      [1, 2].map((n) => 16 + blocks.slice(0, n * 2).reduce((sum, { length }) => sum + length, 0)),
    )
    for (let size = 17; size < framed.length; size++) {
      const outcome = codeOf(() => inflate('snappy', framed.subarray(0, size), 3000))
      expect(outcome, `${size}`).toBe(boundaries.has(size) ? undefined : 'BATCH_MALFORMED')
    }
    expect(Buffer.from(compress('snappy', source)).subarray(0, 16)).toEqual(xerialHead)
  })

  it('read LZ4 frames of liblz4: linked blocks, content size, checksums, large blocks', () => {
    const { lz4 } = JSON.parse(
      readFileSync(new URL('./fixtures/log-foreign-batches.json', import.meta.url), 'utf8'),
    ) as {
      lz4: Record<string, string>
    }
    const source = Buffer.concat([
      Buffer.from('sluice '.repeat(20_000)),
      ...Array<Uint8Array>(40).fill(Uint8Array.from({ length: 256 }, (_, i) => i)),
    ])
    expect(Object.keys(lz4)).toHaveLength(3)
    for (const [name, frame] of Object.entries(lz4)) {
      const bytes = Buffer.from(frame, 'base64')
      expect(Buffer.compare(inflate('lz4', bytes, source.length), source), name).toBe(0)
      expect(
        codeOf(() => inflate('lz4', bytes, source.length - 1)),
        name,
      ).toBe('BATCH_TOO_LARGE')
      expect(
        codeOf(() => inflate('lz4', Buffer.concat([bytes, Uint8Array.of(0)]), 2 ** 20)),
        name,
      ).toBe('BATCH_MALFORMED')
    }
  })

  it('refuse LZ4 matches that reach before the beginning or have no distance, and blocks cut within a sequence', () => {
    const frame = (...block: number[]): Uint8Array =>
      Uint8Array.of(0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82, block.length, 0, 0, 0, ...block, 0, 0, 0, 0)
    // Two literals, a match of four from two back, one literal at the end.
    expect(Buffer.from(inflate('lz4', frame(0x20, 0x61, 0x62, 2, 0, 0x10, 0x63), 100)).toString()).toBe('abababc')
    const wrong = [
      [0x20, 0x61, 0x62, 3, 0, 0x10, 0x63],
      [0x20, 0x61, 0x62, 0, 0, 0x10, 0x63],
      [0x20, 0x61, 0x62, 2, 0],
      [0x20, 0x61, 0x62, 2],
      [0x20, 0x61],
      [0xf0, 0xff],
      [0x2f, 0x61, 0x62, 2, 0, 0xff],
    ]
    for (const block of wrong)
      expect(
        codeOf(() => inflate('lz4', frame(...block), 1000)),
        `${block}`,
      ).toBe('BATCH_MALFORMED')
  })

  it('write LZ4 frames as Kafka’s Java client reads them: version 1, independent blocks, right header checksum', () => {
    const frame = compress('lz4', Buffer.from('hello hello hello hello hello hello hello'))
    // 60 40 82: the header that Kafka's KafkaLZ4BlockOutputStream writes, checksum included.
    expect(Buffer.from(frame).subarray(0, 7).toString('hex')).toBe('04224d18604082')
  })
})

const xerialHead = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1])

/** The same bytes for the same size. */
function randomFrom(size: number): Uint8Array {
  const bytes = new Uint8Array(size)
  let state = size + 1
  for (let i = 0; i < size; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    bytes[i] = state >>> 24
  }
  return bytes
}

function codeOf(run: () => unknown): string | undefined {
  try {
    run()
    return undefined
  } catch (error) {
    if (error instanceof LogError) return error.code
    throw error
  }
}
