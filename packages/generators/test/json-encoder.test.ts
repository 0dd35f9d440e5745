import { compileJsonDecoder, createBatchBuilder, type DecodeReject, rowsOf, avroToSchema } from '@sluice/columnar'
import { type AvroSchema, parseSchema } from '@sluice/schemas'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compileComplete, compileJson } from '../src/json-encoder.ts'
import type { JsonStyle } from '../src/json-style.ts'
import type { Row } from '../src/index.ts'

const schema: AvroSchema = {
  type: 'record',
  name: 'Everything',
  fields: [
    { name: 'flag', type: 'boolean' },
    { name: 'count', type: 'int' },
    { name: 'big', type: 'long' },
    { name: 'ratio', type: 'double' },
    { name: 'text', type: 'string' },
    { name: 'color', type: { type: 'enum', name: 'Color', symbols: ['RED', 'GREEN'] } },
    { name: 'day', type: { type: 'int', logicalType: 'date' } },
    { name: 'millis', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'micros', type: { type: 'long', logicalType: 'timestamp-micros' } },
    { name: 'local', type: { type: 'long', logicalType: 'local-timestamp-micros' } },
    { name: 'price', type: { type: 'bytes', logicalType: 'decimal', precision: 12, scale: 2 } },
    { name: 'blob', type: 'bytes' },
    { name: 'tags', type: { type: 'array', items: 'string' } },
    {
      name: 'maybe',
      type: ['null', { type: 'record', name: 'Inner', fields: [{ name: 'x', type: ['null', 'int'] }] }],
    },
  ],
}
const node = parseSchema(schema)

function decode(text: string): unknown {
  const decoder = compileJsonDecoder(avroToSchema(schema))
  const builder = createBatchBuilder(decoder.schema, 1)
  const bytes = Buffer.from(text)
  const rejects: DecodeReject[] = []
  decoder.decodeInto(builder, { bytes, starts: Int32Array.of(0), ends: Int32Array.of(bytes.length) }, 0, 1, rejects)
  if (rejects.length > 0) throw new Error(`${rejects[0]!.code} at ${rejects[0]!.path}`)
  return rowsOf(builder.finish())[0]
}

const year0 = -62_135_596_800_000n
const year9999 = 253_402_300_799_999n
const rows: fc.Arbitrary<Row> = fc.record(
  {
    flag: fc.boolean(),
    count: fc.integer(),
    big: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    ratio: fc.double({ noNaN: true, noDefaultInfinity: true }),
    text: fc.string({ unit: 'grapheme' }),
    color: fc.constantFrom('RED', 'GREEN'),
    day: fc.integer({ min: -719_000, max: 2_932_000 }),
    millis: fc.bigInt({ min: year0, max: year9999 }),
    micros: fc.bigInt({ min: year0 * 1000n, max: year9999 * 1000n }),
    local: fc.bigInt({ min: year0 * 1000n, max: year9999 * 1000n }),
    price: fc.integer({ min: -999_999, max: 999_999 }).map((n) => (n / 100).toFixed(2).replace('-0.00', '0.00')),
    blob: fc.uint8Array({ maxLength: 40 }),
    tags: fc.array(fc.string()),
    maybe: fc.option(fc.record({ x: fc.option(fc.integer()) }, { requiredKeys: [] })),
  },
  {
    requiredKeys: [
      'flag',
      'count',
      'big',
      'ratio',
      'text',
      'color',
      'day',
      'millis',
      'micros',
      'local',
      'price',
      'blob',
      'tags',
    ],
  },
)

describe.each<JsonStyle>([
  { times: 'iso', decimals: 'number' },
  { times: 'epoch', decimals: 'string' },
])('rows as JSON, $times and $decimals', (style) => {
  const render = compileJson(node, style, false)
  const renderRaw = compileJson(node, style, true)
  const complete = compileComplete(node)

  test('what is written is what the strict decoder reads, and what JSON.parse takes', () => {
    fc.assert(
      fc.property(rows, (row) => {
        const text = render(row)
        expect(renderRaw(row)).toBe(text)
        expect({ ...(decode(text) as Row) }).toEqual(complete(row))
        expect(Object.keys(JSON.parse(text) as Row)).toEqual(Object.keys(complete(row) as Row).filter((k) => k in row))
      }),
      { seed: 7, numRuns: 300 },
    )
  })

  test('numbers that JSON does not have are refused', () => {
    const row = { ...fc.sample(rows, { seed: 1, numRuns: 1 })[0]!, ratio: NaN }
    expect(() => render(row)).toThrow(TypeError)
  })
})
