import { describe, expect, it } from 'vitest'
import { contracts, createRowCodec, DecodeError, SchemaError, type AvroSchema, type Row } from '../src/index.ts'

const field = (type: AvroSchema, more = {}): AvroSchema => ({
  type: 'record',
  name: 'R',
  fields: [{ name: 'f', type, ...more }],
})

function through(writer: AvroSchema, value: unknown, reader: AvroSchema): unknown {
  const bytes = createRowCodec<object>(field(writer)).encode({ f: value })
  return createRowCodec<Row>(field(writer), field(reader)).decode(bytes)['f']
}

describe('schema resolution', () => {
  it.each([
    ['int', 5, 'long', 5n],
    ['int', 16777217, 'float', 16777216],
    ['int', 5, 'double', 5],
    ['long', 2n ** 53n + 1n, 'double', 2 ** 53],
    ['long', 16777217n, 'float', 16777216],
    ['float', 1.5, 'double', 1.5],
    ['string', 'é', 'bytes', Uint8Array.of(0xc3, 0xa9)],
    ['bytes', Uint8Array.of(0xc3, 0xa9), 'string', 'é'],
    ['int', 1, ['null', 'long'], 1n],
    [['null', 'int'], 3, 'long', 3n],
    [['int', 'string'], { string: 'x' }, ['null', 'string', 'long'], { string: 'x' }],
    [['int', 'string'], { int: 4 }, ['null', 'string', 'long'], { long: 4n }],
  ] as [AvroSchema, unknown, AvroSchema, unknown][])(
    'case %#: %o read as another type',
    (writer, value, reader, expected) => {
      expect(through(writer, value, reader)).toEqual(
        typeof expected === 'object' && !(expected instanceof Uint8Array)
          ? Object.assign(Object.create(null) as object, expected)
          : expected,
      )
    },
  )

  it('refuses bytes that are no UTF-8 when read as a string', () => {
    expect(() => through('bytes', Uint8Array.of(0xff), 'string')).toThrow(/utf8_invalid at f/)
  })

  it.each([
    ['string', 'int'],
    ['long', 'int'],
    [
      { type: 'long', logicalType: 'timestamp-millis' },
      { type: 'long', logicalType: 'timestamp-micros' },
    ],
    [
      { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 },
      { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 3 },
    ],
    [
      { type: 'fixed', name: 'F', size: 2 },
      { type: 'fixed', name: 'F', size: 3 },
    ],
    [
      { type: 'enum', name: 'A', symbols: ['X'] },
      { type: 'enum', name: 'B', symbols: ['X'] },
    ],
    [['int', 'string'], 'boolean'],
  ] as [AvroSchema, AvroSchema][])('case %#: refuses when compiling', (writer, reader) => {
    expect(() => createRowCodec(field(writer), field(reader))).toThrow(SchemaError)
    expect(() => createRowCodec(field(writer), field(reader))).toThrow(/SCHEMA_INCOMPATIBLE/)
  })

  it('lets a union fail only for the branch that is written', () => {
    const writer = field(['null', 'string'])
    const codec = createRowCodec<object>(writer)
    const reader = createRowCodec<Row>(writer, field('string'))
    expect(reader.decode(codec.encode({ f: 'x' }))['f']).toBe('x')
    expect(() => reader.decode(codec.encode({ f: null }))).toThrow(DecodeError)
    expect(() => reader.decode(codec.encode({ f: null }))).toThrow(/union_branch at f/)
  })

  it('maps an unknown symbol to the enum default, or refuses it', () => {
    const writer: AvroSchema = { type: 'enum', name: 'E', symbols: ['A', 'B'] }
    expect(through(writer, 'B', { type: 'enum', name: 'E', symbols: ['A', 'Z'], default: 'Z' })).toBe('Z')
    expect(() => through(writer, 'B', { type: 'enum', name: 'E', symbols: ['A'] })).toThrow(/enum_symbol at f/)
  })

  it('lets a decimal gain precision, never lose it', () => {
    const decimal = (precision: number): AvroSchema => ({ type: 'bytes', logicalType: 'decimal', precision, scale: 1 })
    expect(through(decimal(2), '9.9', decimal(9))).toBe('9.9')
    expect(() => through(decimal(9), '9.9', decimal(2))).toThrow(/SCHEMA_INCOMPATIBLE/)
  })

  it('rounds a long to a float once', () => {
    // Between two floats, nearer to the upper one by less than a double can hold.
    const value = 2n ** 62n + 2n ** 38n + 1n
    expect(through('long', value, 'float')).toBe(2 ** 62 + 2 ** 39)
    expect(Math.fround(Number(value))).toBe(2 ** 62)
  })

  it('reorders, drops, adds by default, and follows aliases of fields and records', () => {
    const writer: AvroSchema = {
      type: 'record',
      name: 'old.R',
      fields: [
        { name: 'a', type: 'int' },
        { name: 'gone', type: { type: 'map', values: 'string' } },
        { name: 'former', type: 'string' },
      ],
    }
    const reader: AvroSchema = {
      type: 'record',
      name: 'new.Renamed',
      aliases: ['old.R'],
      fields: [
        { name: 'now', type: 'string', aliases: ['former'] },
        { name: 'added', type: ['string', 'null'], default: 'x' },
        { name: 'a', type: 'long' },
      ],
    }
    const bytes = createRowCodec<object>(writer).encode({ a: 1, gone: { k: 'v' }, former: 'y' })
    expect({ ...createRowCodec(writer, reader).decode(bytes) }).toEqual({ now: 'y', added: 'x', a: 1n })
  })

  it('gives every row its own copy of a default', () => {
    const reader = field({ type: 'array', items: 'int' }, { default: [1] })
    const codec = createRowCodec<Row>({ type: 'record', name: 'R', fields: [] }, reader)
    const first = codec.decode(new Uint8Array())
    ;(first['f'] as number[]).push(2)
    expect(codec.decode(new Uint8Array())['f']).toEqual([1])
  })

  it('reads UserEvent v1 with v2', () => {
    const [v1, v2] = contracts['ecommerce.UserEvent'].versions
    const event = { event_id: 'e', user_id: 'u', event_type: 'SEARCH', timestamp: 1n, session_id: 's' }
    const bytes = createRowCodec<object>(v1!.schema).encode(event)
    const added = {
      product_id: null,
      product_name: null,
      price: null,
      category: null,
      device_type: null,
      country: null,
    }
    expect({ ...createRowCodec(v1!.schema, v2!.schema).decode(bytes) }).toEqual({ ...event, ...added })
  })

  it('refuses a default that is not a value of its type', () => {
    const reader = field('int', { default: 'one' })
    expect(() => createRowCodec({ type: 'record', name: 'R', fields: [] }, reader)).toThrow(/SCHEMA_INVALID/)
  })
})

describe('recursive schemas', () => {
  it('do not keep what was built for a branch that the reader cannot take', () => {
    const record = (name: string, ...fields: object[]) => ({ type: 'record', name, fields })
    const schema = (b: string): AvroSchema =>
      record(
        'Root',
        {
          name: 'u',
          type: [
            'string',
            record(
              'R',
              { name: 'x', type: record('X', { name: 'back', type: ['null', 'R'] }) },
              { name: 'b', type: b },
            ),
          ],
        },
        { name: 'later', type: ['null', 'X'] },
      )
    const codec = createRowCodec<Row>(schema('int'), schema('string'))
    const bytes = createRowCodec<object>(schema('int')).encode({
      u: { string: 'a' },
      later: { back: { x: { back: null }, b: 1 } },
    })
    expect(() => codec.decode(bytes)).toThrow(/union_branch at later.back/)
  })
})
