import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createJsonlEncoder, type JsonlEncoderOptions } from '../src/jsonl-encoder.ts'
import type { DataType, Schema } from '../src/types.ts'
import { openDuckdb, type DuckdbReader } from './duckdb-rows.ts'
import { everyTypeRows, everyTypeSchema } from './every-type.ts'
import { makeBatch } from './make-batch.ts'

function encode(schema: Schema, rows: readonly Record<string, unknown>[], options?: JsonlEncoderOptions): Uint8Array {
  const encoder = createJsonlEncoder(schema, options)
  encoder.append(makeBatch(schema, rows))
  expect(encoder.rows).toBe(rows.length)
  return encoder.finish()
}

/** The text of one value, as the encoder writes it. */
function textOf(type: DataType, value: unknown, options?: JsonlEncoderOptions): string {
  const schema: Schema = { fields: [{ name: 'v', type, nullable: true }] }
  const line = Buffer.from(encode(schema, [{ v: value }], options)).toString()
  return /^\{"v":(.*)\}\n$/su.exec(line)![1]!
}

describe('numbers', () => {
  it('int64 keeps all digits', () => {
    for (const value of [
      0n,
      -1n,
      2n ** 53n - 1n,
      2n ** 53n,
      2n ** 53n + 1n,
      -(2n ** 53n),
      2n ** 63n - 1n,
      -(2n ** 63n),
    ])
      expect(textOf({ kind: 'int64' }, value)).toBe(String(value))
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        expect(textOf({ kind: 'int64' }, value)).toBe(String(value))
      }),
      { seed: 1, numRuns: 300 },
    )
  })
  it('int32', () => {
    for (const value of [0, 9, 10, -10, 99, 100, 2147483647, -2147483648])
      expect(textOf({ kind: 'int32' }, value)).toBe(String(value))
  })
  it('float64 reads back equal, -0 too', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(Object.is(JSON.parse(textOf({ kind: 'float64' }, value)), value)).toBe(true)
      }),
      { seed: 2, numRuns: 300 },
    )
  })
  it('float32 is short and reads back as the same float32', () => {
    expect(textOf({ kind: 'float32' }, Math.fround(0.1))).toBe('0.1')
    fc.assert(
      fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(Object.is(Math.fround(JSON.parse(textOf({ kind: 'float32' }, value)) as number), value)).toBe(true)
      }),
      { seed: 3, numRuns: 300 },
    )
  })
  it('NaN and infinities by policy', () => {
    const type = { kind: 'float64' } as const
    expect([NaN, Infinity, -Infinity].map((v) => textOf(type, v))).toEqual(['"NaN"', '"Infinity"', '"-Infinity"'])
    expect([NaN, Infinity, -Infinity].map((v) => textOf(type, v, { nonFinite: 'null' }))).toEqual([
      'null',
      'null',
      'null',
    ])
  })
  it('decimals are exact, as strings or numbers', () => {
    const type = { kind: 'decimal', precision: 38, scale: 2 } as const
    const cases: [bigint, string][] = [
      [0n, '0.00'],
      [5n, '0.05'],
      [-5n, '-0.05'],
      [-100n, '-1.00'],
      [2n ** 53n + 1n, '90071992547409.93'],
      [2n ** 64n, '184467440737095516.16'],
      [-(2n ** 64n), '-184467440737095516.16'],
      [1n - 10n ** 38n, `-${'9'.repeat(36)}.99`],
    ]
    for (const [value, text] of cases) {
      expect(textOf(type, value)).toBe(`"${text}"`)
      expect(textOf(type, value, { decimals: 'number' })).toBe(text)
    }
    expect(textOf({ kind: 'decimal', precision: 5, scale: 0 }, 12n)).toBe('"12"')
    expect(textOf({ kind: 'decimal', precision: 5, scale: 5 }, -12n)).toBe('"-0.00012"')
  })
})

describe('dates and times', () => {
  it('dates equal those of JavaScript, far years too', () => {
    fc.assert(
      fc.property(fc.integer({ min: -100_000_000, max: 100_000_000 }), (days) => {
        const expected = new Date(days * 86_400_000).toISOString().split('T')[0]!
        expect(textOf({ kind: 'date' }, days)).toBe(`"${expected}"`)
      }),
      { seed: 4, numRuns: 500 },
    )
  })
  it('timestamps in milliseconds equal those of JavaScript', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -8_640_000_000_000_000n, max: 8_640_000_000_000_000n }), (ms) => {
        const type = { kind: 'timestamp', unit: 'milli', utc: true } as const
        expect(textOf(type, ms)).toBe(`"${new Date(Number(ms)).toISOString()}"`)
      }),
      { seed: 5, numRuns: 500 },
    )
  })
  it('every digit of micro- and nanoseconds, before 1970 too', () => {
    expect(textOf({ kind: 'timestamp', unit: 'micro', utc: true }, -1n)).toBe('"1969-12-31T23:59:59.999999Z"')
    expect(textOf({ kind: 'timestamp', unit: 'micro', utc: false }, 1n)).toBe('"1970-01-01T00:00:00.000001"')
    expect(textOf({ kind: 'timestamp', unit: 'micro', utc: true }, 253_402_300_799_999_999n)).toBe(
      '"9999-12-31T23:59:59.999999Z"',
    )
    expect(textOf({ kind: 'timestamp', unit: 'nano', utc: true }, 1_795_000_000_123_456_789n)).toBe(
      '"2026-11-18T11:06:40.123456789Z"',
    )
    expect(textOf({ kind: 'timestamp', unit: 'nano', utc: true }, -(2n ** 63n))).toBe(
      '"1677-09-21T00:12:43.145224192Z"',
    )
    expect(textOf({ kind: 'time', unit: 'milli' }, 86_399_999)).toBe('"23:59:59.999"')
    expect(textOf({ kind: 'time', unit: 'micro' }, 3_600_000_001n)).toBe('"01:00:00.000001"')
  })
})

describe('text and bytes', () => {
  it('any text reads back, and no line holds a line break of any kind (input 40)', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({
        unit: fc.constantFrom('\n', '\r', '\u2028', '\u2029', '\u0085', '\0', '\x1f', '"', '\\', 'é', '€', '\u007f'),
      }),
    )
    fc.assert(
      fc.property(text, (value) => {
        const line = textOf({ kind: 'utf8' }, value)
        expect(JSON.parse(line)).toBe(value)
        expect(/[\n\r\u0085\u2028\u2029]/u.test(line)).toBe(false)
      }),
      { seed: 6, numRuns: 500 },
    )
    expect(textOf({ kind: 'utf8' }, 'a\n\t\u0001\u2028"\\é')).toBe('"a\\n\\t\\u0001\\u2028\\"\\\\é"')
  })
  it('names and enum symbols are escaped too', () => {
    const schema: Schema = {
      fields: [
        { name: 'a"\n', type: { kind: 'enum', symbols: ['x"\u2028'] }, nullable: false },
        { name: '__proto__', type: { kind: 'boolean' }, nullable: false },
      ],
    }
    const row = Object.fromEntries([
      ['a"\n', 'x"\u2028'],
      ['__proto__', true],
    ])
    expect(Buffer.from(encode(schema, [row])).toString()).toBe('{"a\\"\\n":"x\\"\\u2028","__proto__":true}\n')
  })
  it('base64 equals that of Node', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        expect(textOf({ kind: 'binary' }, bytes)).toBe(`"${Buffer.from(bytes).toString('base64')}"`)
      }),
      { seed: 7, numRuns: 200 },
    )
  })
})

describe('nested values and nulls', () => {
  const schema: Schema = {
    fields: [
      { name: 'a', type: { kind: 'int32' }, nullable: true },
      {
        name: 's',
        type: {
          kind: 'struct',
          fields: [
            { name: 'x', type: { kind: 'int32' }, nullable: true },
            {
              name: 'l',
              type: { kind: 'list', item: { name: 'i', type: { kind: 'int32' }, nullable: true } },
              nullable: true,
            },
          ],
        },
        nullable: true,
      },
      {
        name: 'm',
        type: { kind: 'map', value: { name: 'v', type: { kind: 'utf8' }, nullable: true } },
        nullable: true,
      },
      { name: 'n', type: { kind: 'null' }, nullable: true },
    ],
  }
  const rows = [
    { a: 1, s: { x: null, l: [1, null] }, m: [['k', null]], n: null },
    { a: null, s: null, m: [], n: null },
  ]
  it('writes nulls by default', () => {
    expect(Buffer.from(encode(schema, rows)).toString()).toBe(
      '{"a":1,"s":{"x":null,"l":[1,null]},"m":{"k":null},"n":null}\n{"a":null,"s":null,"m":{},"n":null}\n',
    )
  })
  it('can omit null fields; elements stay', () => {
    expect(Buffer.from(encode(schema, rows, { nulls: 'omit' })).toString()).toBe(
      '{"a":1,"s":{"l":[1,null]},"m":{"k":null}}\n{"m":{}}\n',
    )
  })
})

describe('files', () => {
  let duckdb: DuckdbReader
  beforeAll(async () => {
    duckdb = await openDuckdb()
  })
  afterAll(() => duckdb.close())

  const rows = everyTypeRows(2000)
  const plain = encode(everyTypeSchema, rows)

  it('are the same bytes however rows are split into batches and selections', () => {
    for (const options of [{}, { compression: 'gzip' }, { compression: 'zstd' }] as const) {
      const whole = encode(everyTypeSchema, rows, options)
      const encoder = createJsonlEncoder(everyTypeSchema, options)
      for (let from = 0; from < rows.length; from += 333)
        encoder.append(makeBatch(everyTypeSchema, rows.slice(from, from + 333)))
      expect(Buffer.from(encoder.finish()).equals(whole)).toBe(true)
      const selected = createJsonlEncoder(everyTypeSchema, options)
      selected.append(
        makeBatch(everyTypeSchema, rows),
        Int32Array.from(rows, (_, i) => i),
      )
      expect(Buffer.from(selected.finish()).equals(whole)).toBe(true)
    }
  })
  it('decompress to the plain text', () => {
    expect(plain.length).toBeGreaterThan(2 * 1024 * 1024)
    expect(gunzipSync(encode(everyTypeSchema, rows, { compression: 'gzip' })).equals(plain)).toBe(true)
    expect(zstdDecompressSync(encode(everyTypeSchema, rows, { compression: 'zstd' })).equals(plain)).toBe(true)
  })
  it.each([
    ['none', 'jsonl'],
    ['gzip', 'jsonl.gz'],
    ['zstd', 'jsonl.zst'],
  ] as const)('%s is read by DuckDB', async (compression, extension) => {
    expect(createJsonlEncoder(everyTypeSchema, { compression }).extension).toBe(extension)
    const path = duckdb.file(encode(everyTypeSchema, rows, { compression }), extension)
    const positive = rows.filter((row) => ((row['decimal38'] ?? 0n) as bigint) > 0n).length
    const texts = new Set(rows.map((row) => row['utf8']).filter((text) => text !== null)).size
    const columns = `{int64: 'BIGINT', decimal38: 'DECIMAL(38,10)', timestamp_micro: 'TIMESTAMP', utf8: 'VARCHAR'}`
    const found = await duckdb.query(
      `SELECT count(*)::INTEGER, count(DISTINCT int64)::INTEGER, sum(decimal38 > 0)::INTEGER, max(timestamp_micro)::VARCHAR,
       count(DISTINCT utf8)::INTEGER FROM read_json('${path}', columns = ${columns}, format = 'newline_delimited')`,
    )
    expect(found).toEqual([[2000, 7, positive, '2026-11-18 11:06:40.123456', texts]])
  })
  it('can be empty', () => {
    expect(encode(everyTypeSchema, []).length).toBe(0)
    expect(gunzipSync(encode(everyTypeSchema, [], { compression: 'gzip' })).length).toBe(0)
    expect(zstdDecompressSync(encode(everyTypeSchema, [], { compression: 'zstd' })).length).toBe(0)
  })
  it('a gzip header names no machine', () => {
    expect([...encode(everyTypeSchema, [], { compression: 'gzip' }).subarray(4, 10)]).toEqual([0, 0, 0, 0, 0, 255])
  })
  it('estimates its size and refuses use after the end and options unknown', () => {
    const encoder = createJsonlEncoder(everyTypeSchema)
    encoder.append(makeBatch(everyTypeSchema, rows))
    expect(encoder.estimatedBytes).toBe(plain.length)
    expect(encoder.bufferedBytes).toBeGreaterThanOrEqual(plain.length)
    encoder.finish()
    const code = (value: string): Error => expect.objectContaining({ code: value }) as Error
    expect(() => encoder.finish()).toThrowError(code('ENCODER_FINISHED'))
    expect(() => createJsonlEncoder(everyTypeSchema, { nulls: 'drop' } as unknown as JsonlEncoderOptions)).toThrowError(
      code('JSONL_OPTION'),
    )
  })
})
