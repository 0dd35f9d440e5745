import { createRowCodec, frame, type AvroSchema, type Row as CodecRow } from '@sluice/schemas'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createAvroEncoder } from '../src/avro-encoder.ts'
import { createCanonicalRow, createSimulation, listFeeds, noFaults } from '../src/index.ts'

const everything: AvroSchema = {
  type: 'record',
  name: 'Everything',
  fields: [
    { name: 'flag', type: 'boolean' },
    { name: 'small', type: 'int' },
    { name: 'big', type: 'long' },
    { name: 'ratio', type: 'double' },
    { name: 'text', type: 'string' },
    { name: 'maybe', type: ['null', 'string'], default: null },
    { name: 'turned', type: ['string', 'null'], default: '' },
    { name: 'raw', type: 'bytes' },
    { name: 'id', type: { type: 'fixed', name: 'Id', size: 4 } },
    { name: 'kind', type: { type: 'enum', name: 'Kind', symbols: ['A', 'B', 'C'] } },
    { name: 'price', type: { type: 'bytes', logicalType: 'decimal', precision: 15, scale: 2 } },
    { name: 'rate', type: { type: 'fixed', name: 'Rate', size: 9, logicalType: 'decimal', precision: 15, scale: 4 } },
    { name: 'tags', type: { type: 'array', items: 'string' } },
    { name: 'scores', type: { type: 'map', values: 'double' } },
    {
      name: 'inner',
      type: {
        type: 'record',
        name: 'Inner',
        fields: [{ name: 'at', type: { type: 'long', logicalType: 'timestamp-micros' } }],
      },
    },
  ],
}

const decimalText = (scale: number) =>
  fc.bigInt({ min: -(10n ** 15n) + 1n, max: 10n ** 15n - 1n }).map((n) => {
    const digits = String(n < 0n ? -n : n).padStart(scale + 1, '0')
    return `${n < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
  })
const text = fc.string({ unit: 'binary', maxLength: 80 }).filter((s) => s.isWellFormed())
const row = fc.record({
  flag: fc.boolean(),
  small: fc.integer(),
  big: fc.oneof(
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.constantFrom(
      0n,
      -1n,
      2n ** 53n,
      2n ** 53n - 1n,
      -(2n ** 53n) - 1n,
      2n ** 31n,
      -(2n ** 31n),
      2n ** 30n,
      -(2n ** 30n) - 1n,
    ),
  ),
  ratio: fc.double(),
  text,
  maybe: fc.option(text),
  turned: fc.option(text),
  raw: fc.uint8Array({ maxLength: 40 }),
  id: fc.uint8Array({ minLength: 4, maxLength: 4 }),
  kind: fc.constantFrom('A', 'B', 'C'),
  price: decimalText(2),
  rate: decimalText(4),
  tags: fc.array(text, { maxLength: 5 }),
  scores: fc.dictionary(fc.string({ maxLength: 10 }), fc.double(), { maxKeys: 4 }),
  inner: fc.record({ at: fc.bigInt({ min: -(10n ** 17n), max: 10n ** 17n }) }),
})

describe('avro encoder', () => {
  test('writes the bytes of the row codec, for any row', () => {
    const codec = createRowCodec(everything)
    const encoder = createAvroEncoder(everything, 7)
    fc.assert(
      fc.property(row, (made) => {
        const plain = { ...made, scores: { ...made.scores } } as unknown as CodecRow
        expect(encoder.encode(made)).toEqual(frame(7, codec.encode(plain)))
      }),
      { seed: 20260105, numRuns: 1500 },
    )
  })

  test('values stay what they were while slabs fill up', () => {
    const encoder = createAvroEncoder({ type: 'record', name: 'T', fields: [{ name: 't', type: 'string' }] }, 1)
    const sizes = [10, 200_000, 70_000, 63, 64, 300_000, 5]
    const values = sizes.map((size, i) => encoder.encode({ t: String(i).repeat(size) }))
    for (const [i, value] of values.entries()) {
      expect(Buffer.from(value).toString('latin1').endsWith(String(i).repeat(sizes[i]!))).toBe(true)
    }
  })

  test.each(
    listFeeds()
      .filter((feed) => feed.contract.format === 'avro')
      .map((feed) => [feed.name, feed.contract] as const),
  )('agrees with the row codec on %s', (name, contract) => {
    const codec = createRowCodec(contract.schema)
    const simulation = createSimulation([name], { count: 2000, faults: noFaults, scale: 0.1, schemaId: () => 258 })
    let seen = 0
    for (let batch = simulation.next(); batch.length > 0; batch = simulation.next()) {
      for (const record of batch) {
        expect(Buffer.from(record.value!).equals(frame(258, codec.encode(record.row as CodecRow)))).toBe(true)
        seen++
      }
    }
    expect(seen).toBe(2000)
  })
})

describe('canonical row', () => {
  const canonical = createCanonicalRow(everything)
  const base = {
    flag: true,
    small: -1,
    big: 2n ** 60n,
    ratio: -0,
    text: 'a"\\\n\ud83d\ude00',
    maybe: null,
    turned: 'x',
    raw: Uint8Array.of(0, 255),
    id: Uint8Array.of(1, 2, 3, 4),
    kind: 'B',
    price: '-0.05',
    rate: '1.0000',
    tags: [],
    scores: { b: NaN, a: 1e21 },
    inner: { at: 5n },
  }
  test('is JSON in schema order with integers in full', () => {
    expect(canonical(base)).toBe(
      '{"flag":true,"small":-1,"big":1152921504606846976,"ratio":-0,"text":"a\\"\\\\\\n\ud83d\ude00","maybe":null,"turned":"x",' +
        '"raw":"00ff","id":"01020304","kind":"B","price":"-0.05","rate":"1.0000","tags":[],"scores":{"a":1e+21,"b":"NaN"},"inner":{"at":5}}',
    )
  })
  test('does not depend on the order of keys', () => {
    const turned = Object.fromEntries(Object.entries(base).reverse())
    expect(canonical(turned)).toBe(canonical(base))
  })
})
