import type { DecodeCode } from '@sluice/columnar'
import avro from 'avsc'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  contracts,
  createRowCodec,
  DecodeError,
  parseSchema,
  SchemaError,
  type AvroSchema,
  type Row,
} from '../src/index.ts'
import { rowsOf, schemas } from './support/arbitraries.ts'

const record = (...types: AvroSchema[]): AvroSchema => ({
  type: 'record',
  name: 'R',
  fields: types.map((type, i) => ({ name: `f${i}`, type })),
})

function decodeProblem(schema: AvroSchema, bytes: readonly number[], limits = {}): { code: DecodeCode; path: string } {
  try {
    createRowCodec(schema, schema, limits).decode(Uint8Array.from(bytes))
  } catch (error) {
    if (error instanceof DecodeError) return { code: error.code, path: error.path }
    throw error
  }
  throw new Error('decoded')
}

function varint(value: bigint): number[] {
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
  const bytes: number[] = []
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128)
    rest >>= 7n
  }
  return [...bytes, Number(rest)]
}

describe('round trip', () => {
  it('gives back every row of every contract', () => {
    for (const contract of Object.values(contracts)) {
      const codec = createRowCodec(contract.schema)
      fc.assert(
        fc.property(rowsOf(codec.writer), (row) => {
          expect(codec.decode(codec.encode(row as Row))).toEqual(row)
        }),
        { seed: 7, numRuns: 40 },
      )
    }
  })

  it('gives back every row of random schemas, tricky names included (input 12)', () => {
    fc.assert(
      fc.property(
        schemas.chain((schema) => fc.tuple(fc.constant(schema), rowsOf(parseSchema(schema)))),
        ([schema, row]) => {
          const codec = createRowCodec(schema)
          expect(codec.decode(codec.encode(row as Row))).toEqual(row)
        },
      ),
      { seed: 11, numRuns: 400 },
    )
  })

  it('writes the bytes that plain avsc writes', () => {
    const schema = record(
      'int',
      'string',
      ['null', 'double'],
      { type: 'array', items: 'boolean' },
      { type: 'map', values: 'int' },
    )
    const rows = fc.record({
      f0: fc.integer(),
      f1: fc.string(),
      f2: fc.option(fc.double()),
      f3: fc.array(fc.boolean()),
      f4: fc.dictionary(
        fc.string({ minLength: 1 }).filter((key) => key !== '__proto__'),
        fc.integer(),
      ),
    })
    const plain = avro.Type.forSchema(schema as avro.Schema)
    const codec = createRowCodec<object>(schema)
    fc.assert(
      fc.property(rows, (row) => {
        expect(Buffer.from(codec.encode(row))).toEqual(plain.toBuffer(row))
      }),
      { seed: 3, numRuns: 200 },
    )
  })

  it('shares no memory with the bytes it read', () => {
    const codec = createRowCodec(record('bytes'))
    const bytes = Uint8Array.of(4, 1, 2)
    const row = codec.decode(bytes)
    bytes.fill(9)
    expect(row['f0']).toEqual(Uint8Array.of(1, 2))
  })

  it('reads a value that lies inside a larger buffer', () => {
    const slab = Uint8Array.of(9, 9, 4, 104, 105, 9)
    expect(createRowCodec(record('string')).decode(slab.subarray(2, 5))).toEqual(nullRow({ f0: 'hi' }))
  })
})

function nullRow(values: object): Row {
  return Object.assign(Object.create(null) as Row, values)
}

describe('bad bytes', () => {
  it('input 6: truncated bodies at every length, and trailing bytes', () => {
    const codec = createRowCodec(contracts['bakery.SalesEvent'].schema)
    const row = fc.sample(rowsOf(codec.writer), { seed: 5, numRuns: 1 })[0] as Row
    const bytes = codec.encode(row)
    for (let length = 0; length < bytes.length; length++) {
      expect(() => codec.decode(bytes.subarray(0, length))).toThrow(DecodeError)
    }
    expect(() => codec.decode(Uint8Array.from([...bytes, 0]))).toThrow(/trailing_bytes/)
    expect(decodeProblem(record('double'), [0, 0])).toEqual({ code: 'truncated', path: 'f0' })
  })

  it('never throws anything but DecodeError on random bytes, and what it accepts it can write again', () => {
    let accepted = 0
    fc.assert(
      fc.property(
        schemas,
        fc.array(fc.oneof(fc.constantFrom(0, 1, 2, 4), fc.integer({ min: 0, max: 255 })), { maxLength: 40 }),
        (schema, bytes) => {
          const codec = createRowCodec(schema)
          let row: Row
          try {
            row = codec.decode(Uint8Array.from(bytes))
          } catch (error) {
            expect(error).toBeInstanceOf(DecodeError)
            return
          }
          accepted++
          expect(codec.decode(codec.encode(row))).toEqual(row)
        },
      ),
      { seed: 13, numRuns: 3000 },
    )
    expect(accepted).toBeGreaterThan(20)
  })

  it('input 7: huge counts of items, zero-size ones too, cost nothing', () => {
    const nulls = record({ type: 'array', items: 'null' })
    for (const count of [20_000_000n, 100_000_000n, 2n ** 62n, -(2n ** 63n)]) {
      const bytes = [...varint(count), ...(count < 0n ? [0] : []), 0]
      expect(decodeProblem(nulls, bytes)).toEqual({ code: 'items_budget', path: 'f0' })
    }
  })

  it('input 7: items of no bytes have a budget of their own', () => {
    const nulls = record({ type: 'array', items: { type: 'fixed', name: 'F', size: 0 } })
    const bytes = [...varint(3n), 0]
    expect(createRowCodec(nulls, nulls, { maxEmptyItems: 3 }).decode(Uint8Array.from(bytes))['f0']).toHaveLength(3)
    expect(decodeProblem(nulls, bytes, { maxEmptyItems: 2 })).toEqual({ code: 'items_budget', path: 'f0' })
  })

  it('input 7: the budget counts all collections of a record together', () => {
    const lists = record({ type: 'array', items: 'null' }, { type: 'map', values: 'null' })
    const bytes = [...varint(6n), 0, ...varint(2n), 0, 2, 65, 0]
    expect(createRowCodec(lists, lists, { maxItems: 8 }).decode(Uint8Array.from(bytes))['f0']).toHaveLength(6)
    expect(decodeProblem(lists, bytes, { maxItems: 7 })).toEqual({ code: 'items_budget', path: 'f1' })
  })

  it('input 8: a negative block count needs the true byte size', () => {
    const ints = record({ type: 'array', items: 'int' })
    const block = (size: bigint): number[] => [...varint(-2n), ...varint(size), 2, 4, 0]
    expect(createRowCodec(ints).decode(Uint8Array.from(block(2n)))).toEqual(nullRow({ f0: [1, 2] }))
    expect(decodeProblem(ints, block(1n))).toEqual({ code: 'block_size', path: 'f0' })
    expect(decodeProblem(ints, block(3n))).toEqual({ code: 'block_size', path: 'f0' })
    expect(decodeProblem(ints, block(-1n))).toEqual({ code: 'length_negative', path: 'f0' })
    expect(decodeProblem(ints, block(99n))).toEqual({ code: 'length_exceeds', path: 'f0' })
  })

  it('input 9: lengths beyond the record are refused before anything is allocated', () => {
    for (const kind of ['string', 'bytes'] as const) {
      for (const length of [1n, 2n ** 31n, 9_000_000_000_000_000n, 2n ** 63n - 1n]) {
        expect(decodeProblem(record(kind), varint(length))).toEqual({ code: 'length_exceeds', path: 'f0' })
      }
      expect(decodeProblem(record(kind), varint(-1n))).toEqual({ code: 'length_negative', path: 'f0' })
    }
  })

  it('input 10: nesting stops at the cap, not at the end of the stack', () => {
    const linked: AvroSchema = { type: 'record', name: 'L', fields: [{ name: 'next', type: ['null', 'L'] }] }
    const nested = (depth: number): number[] => [...Array<number>(depth - 1).fill(2), 0]
    expect(() => createRowCodec(linked).decode(Uint8Array.from(nested(100)))).not.toThrow()
    expect(decodeProblem(linked, nested(101)).code).toBe('depth_exceeded')
    expect(decodeProblem(linked, nested(100_000)).code).toBe('depth_exceeded')
    const cyclic = { next: null } as Record<string, unknown>
    cyclic['next'] = cyclic
    expect(() => createRowCodec<object>(linked).encode(cyclic)).toThrow(/levels deep/)
  })

  it('input 12: fields and keys named __proto__, constructor, toString stay data', () => {
    const schema = {
      type: 'record',
      name: 'R',
      fields: [
        { name: '__proto__', type: { type: 'record', name: 'P', fields: [{ name: 'admin', type: 'boolean' }] } },
        { name: 'constructor', type: 'string' },
        { name: 'm', type: { type: 'map', values: { type: 'map', values: 'int' } } },
      ],
    } as AvroSchema
    const codec = createRowCodec<Record<string, unknown>>(schema)
    const bytes = Uint8Array.from([
      1,
      2,
      120,
      4,
      18,
      ...Buffer.from('__proto__'),
      2,
      2,
      97,
      2,
      0,
      16,
      ...Buffer.from('toString'),
      0,
      0,
    ])
    const row = codec.decode(bytes)
    expect(Object.keys(row)).toEqual(['__proto__', 'constructor', 'm'])
    expect(Object.getPrototypeOf(row)).toBeNull()
    expect((row as { admin?: unknown }).admin).toBeUndefined()
    expect(Object.keys(row['m'] as object)).toEqual(['__proto__', 'toString'])
    expect(codec.encode(row)).toEqual(bytes)
    expect(({} as { admin?: unknown }).admin).toBeUndefined()
  })

  it('input 19: invalid UTF-8 in values and keys is refused, never replaced', () => {
    for (const bad of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xe2, 0x82], [0xf4, 0x90, 0x80, 0x80]]) {
      const value = [...varint(BigInt(bad.length)), ...bad]
      expect(decodeProblem(record('string'), value)).toEqual({ code: 'utf8_invalid', path: 'f0' })
      expect(decodeProblem(record({ type: 'map', values: 'null' }), [2, ...value, 0])).toEqual({
        code: 'utf8_invalid',
        path: 'f0[]',
      })
    }
    const codec = createRowCodec(record('string'))
    expect(() => codec.encode({ f0: '\ud800' })).toThrow(/well-formed/)
    expect(() => createRowCodec(record({ type: 'map', values: 'int' })).encode({ f0: { '\udfff': 1 } })).toThrow(
      /well-formed/,
    )
  })

  it('input 20: longs beyond 2^53 are exact', () => {
    const codec = createRowCodec(record('long'))
    for (const value of [2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n), 9007199254740993n]) {
      expect(codec.decode(Uint8Array.from(varint(value)))).toEqual(nullRow({ f0: value }))
      expect([...codec.encode({ f0: value })]).toEqual(varint(value))
    }
    expect(() => codec.encode({ f0: 2n ** 63n })).toThrow(/64-bit/)
    expect(() => codec.encode({ f0: 1 })).toThrow(/64-bit/)
    expect(decodeProblem(record('long'), [...Array<number>(9).fill(255), 2])).toEqual({
      code: 'varint_overflow',
      path: 'f0',
    })
    expect(decodeProblem(record('int'), varint(2n ** 31n))).toEqual({ code: 'varint_overflow', path: 'f0' })
    expect(createRowCodec(record('int', 'long')).decode(Uint8Array.of(0x82, 0, 0x82, 0))).toEqual(
      nullRow({ f0: 1, f1: 1n }),
    )
  })

  it('input 21: decimals are exact and never rounded; doubles keep NaN, infinities and -0', () => {
    const decimal = record({ type: 'bytes', logicalType: 'decimal', precision: 5, scale: 2 })
    const codec = createRowCodec(decimal)
    for (const [text, canonical] of [
      ['999.99', '999.99'],
      ['-0.01', '-0.01'],
      ['0.1', '0.10'],
      ['7', '7.00'],
      ['1.500', '1.50'],
    ]) {
      expect(codec.decode(codec.encode({ f0: text! }))).toEqual(nullRow({ f0: canonical }))
    }
    for (const text of ['1000.00', '0.001', 'NaN', '1e2', '', '.5', '+1', ' 1']) {
      expect(() => codec.encode({ f0: text })).toThrow(SchemaError)
    }
    expect(decodeProblem(decimal, [6, 1, 0x86, 0xa0])).toEqual({ code: 'decimal_precision', path: 'f0' })
    const doubles = createRowCodec(record('double', 'double'))
    expect(doubles.decode(doubles.encode({ f0: NaN, f1: -0 }))).toEqual(nullRow({ f0: NaN, f1: -0 }))
    expect(() => createRowCodec(record('float')).encode({ f0: 1e300 })).toThrow(/range of a float/)
  })

  it('input 21: a decimal of megabytes costs a look, and bytes that repeat the sign are no digits', () => {
    const decimal = record({ type: 'bytes', logicalType: 'decimal', precision: 5, scale: 2 })
    const huge = Uint8Array.from([...varint(8_000_000n), ...new Uint8Array(8_000_000).fill(0x55)])
    expect(decodeProblem(decimal, huge as unknown as number[])).toEqual({ code: 'decimal_precision', path: 'f0' })
    const padded = (sign: number, last: number): Uint8Array => {
      const body = new Uint8Array(1000).fill(sign)
      body[999] = last
      return Uint8Array.from([...varint(1000n), ...body])
    }
    expect(createRowCodec(decimal).decode(padded(0, 7))).toEqual(nullRow({ f0: '0.07' }))
    expect(createRowCodec(decimal).decode(padded(0, 0xff))).toEqual(nullRow({ f0: '2.55' }))
    expect(createRowCodec(decimal).decode(padded(0xff, 0xff))).toEqual(nullRow({ f0: '-0.01' }))
    expect(createRowCodec(decimal).decode(padded(0xff, 0))).toEqual(nullRow({ f0: '-2.56' }))
    expect(createRowCodec(decimal).decode(Uint8Array.of(0))).toEqual(nullRow({ f0: '0.00' }))
  })

  it('input 22: timestamps and dates are whole numbers at any distance, negative ones too', () => {
    const schema = record({ type: 'long', logicalType: 'timestamp-micros' }, { type: 'int', logicalType: 'date' })
    const codec = createRowCodec(schema)
    for (const row of [
      { f0: -1n, f1: -1 },
      { f0: -(2n ** 63n), f1: -719528 },
      { f0: 253402300799999999n, f1: 2932896 },
    ]) {
      expect(codec.decode(codec.encode(row))).toEqual(nullRow(row))
    }
  })

  it('refuses booleans but 0 and 1, and indexes outside enums and unions', () => {
    expect(decodeProblem(record('boolean'), [2])).toEqual({ code: 'boolean_invalid', path: 'f0' })
    const suit = record({ type: 'enum', name: 'E', symbols: ['A', 'B'] })
    expect(decodeProblem(suit, [4])).toEqual({ code: 'enum_index', path: 'f0' })
    expect(decodeProblem(suit, [1])).toEqual({ code: 'enum_index', path: 'f0' })
    expect(decodeProblem(record(['null', 'int']), [4])).toEqual({ code: 'union_index', path: 'f0' })
    expect(decodeProblem(record(['null', 'int']), [1])).toEqual({ code: 'union_index', path: 'f0' })
    expect(decodeProblem(record({ type: 'string', logicalType: 'uuid' }), [2, 65])).toEqual({
      code: 'uuid_invalid',
      path: 'f0',
    })
  })

  it('caps the bytes of a record', () => {
    expect(decodeProblem(record('string'), [6, 65, 65, 65], { maxBytes: 3 }).code).toBe('size_exceeded')
  })

  it('says where, and never what', () => {
    const schema = contracts['bakery.SalesEvent'].schema
    const codec = createRowCodec<Record<string, unknown>>(schema)
    const row = fc.sample(rowsOf(codec.writer), { seed: 2, numRuns: 1 })[0] as Row
    row['lines'] = [
      {
        line_number: 1,
        product_id: 'MARKER',
        quantity: 'MARKER',
        unit_price: '1',
        discount: '0',
        line_total: '1',
        promotion_id: null,
      },
    ]
    let caught: unknown
    try {
      codec.encode(row)
    } catch (error) {
      caught = error
    }
    expect(caught).toMatchObject({ code: 'ROW_INVALID', path: 'lines[].quantity', expected: 'a 32-bit int' })
    expect(String(caught)).not.toContain('MARKER')
  })
})

describe('rows to write', () => {
  it('refuses unknown fields, so that nothing is lost', () => {
    expect(() => createRowCodec<object>(record('int')).encode({ f0: 1, f9: 2 })).toThrow(/unknown fields/)
  })

  it('fills missing fields with their default, null only where allowed', () => {
    const schema: AvroSchema = {
      type: 'record',
      name: 'R',
      fields: [
        { name: 'n', type: ['null', 'int'], default: null },
        { name: 'd', type: { type: 'array', items: 'long' }, default: [1, 2] },
        { name: 'r', type: 'int' },
      ],
    }
    const codec = createRowCodec<Record<string, unknown>>(schema)
    expect(codec.decode(codec.encode({ r: 1 }))).toEqual(nullRow({ n: null, d: [1n, 2n], r: 1 }))
    expect(() => codec.encode({})).toThrow(/r is not a 32-bit int/)
  })

  it('ignores language hooks and unknown logical types (input 36)', () => {
    const schema = record({ type: 'string', 'java-class': 'java.lang.Runtime', logicalType: 'shell' })
    const codec = createRowCodec(schema)
    expect(codec.decode(codec.encode({ f0: 'x' }))).toEqual(nullRow({ f0: 'x' }))
  })
})
