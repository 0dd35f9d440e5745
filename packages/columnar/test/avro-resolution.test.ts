import { describe, expect, it } from 'vitest'
import { avroToSchema, ColumnarError, compileAvroDecoder } from '../src/index.ts'
import type { SchemaProblem } from '../src/index.ts'
import { bytes, decodeAvro, record, varint } from './decode-helpers.ts'

const decimal = (precision: number, scale: number) => ({ type: 'bytes', logicalType: 'decimal', precision, scale })
const logical = (type: string, logicalType: string) => ({ type, logicalType })
const symbols = (...names: string[]) => ({ type: 'enum', name: 'E', symbols: names })

function problemsOf(writer: object, reader: object): readonly SchemaProblem[] {
  try {
    compileAvroDecoder(writer, reader)
  } catch (error) {
    if (error instanceof ColumnarError && error.code === 'AVRO_INCOMPATIBLE') return error.problems
    throw error
  }
  return []
}

describe('promotion, by the table of the specification', () => {
  const readable: Readonly<Record<string, readonly string[]>> = {
    null: ['null'],
    boolean: ['boolean'],
    int: ['int', 'long', 'float', 'double'],
    long: ['long', 'float', 'double'],
    float: ['float', 'double'],
    double: ['double'],
    string: ['string', 'bytes'],
    bytes: ['bytes', 'string'],
  }
  for (const writer of Object.keys(readable)) {
    for (const reader of Object.keys(readable)) {
      const allowed = readable[writer]!.includes(reader)
      it(`${writer} ${allowed ? 'can' : 'cannot'} be read as ${reader}`, () => {
        const problems = problemsOf(record(['f', writer]), record(['f', reader]))
        expect(problems.map(({ path }) => path)).toEqual(allowed ? [] : ['f'])
      })
    }
  }

  it.each([
    ['double', -(2n ** 63n), -(2 ** 63)],
    ['double', 2n ** 53n + 1n, 2 ** 53],
    ['double', 2n ** 63n - 1n, 2 ** 63],
    ['float', 2n ** 63n - 1n, 2 ** 63],
    ['float', -(2n ** 63n), -(2 ** 63)],
    // Between two floats, a little above the middle: rounding by way of a double would go down.
    ['float', 2n ** 60n + 2n ** 36n + 1n, 2 ** 60 + 2 ** 37],
    ['float', 2n ** 60n + 2n ** 36n, 2 ** 60],
    ['float', -(2n ** 60n + 2n ** 36n + 1n), -(2 ** 60 + 2 ** 37)],
    ['float', 16777217n, 16777216],
  ])('long to %s rounds %s once (input 20)', (reader, value, expected) => {
    const { rows } = decodeAvro(record(['f', 'long']), record(['f', reader]), [bytes(varint(value))])
    expect(rows[0]!['f']).toBe(expected)
  })

  it.each([0, -1, 1, 2 ** 31 - 1, -(2 ** 31)])('int %s becomes the same long', (value) => {
    const { rows } = decodeAvro(record(['f', 'int']), record(['f', 'long']), [bytes(varint(value))])
    expect(rows[0]!['f']).toBe(BigInt(value))
  })

  it('bytes read as string must be UTF-8', () => {
    const { rejects } = decodeAvro(record(['f', 'bytes']), record(['f', 'string']), [bytes(2, 0xff)])
    expect(rejects).toMatchObject([{ code: 'utf8_invalid', path: 'f' }])
  })
})

describe('records', () => {
  it('matches fields by name, then by alias, skips removed ones and fills in defaults', () => {
    const writer = record(['a', 'int'], ['gone', { type: 'map', values: 'string' }], ['old', 'string'], ['b', 'long'])
    const reader = record(
      ['b', 'double'],
      ['renamed', 'string', { aliases: ['other', 'old'] }],
      ['added', ['null', 'int'], { default: null }],
      ['list', { type: 'array', items: 'int' }, { default: [1, 2] }],
      ['a', 'int'],
      ['price', decimal(5, 2), { default: '\u0001\u00f4' }],
    )
    const record1 = bytes(varint(7), 2, 2, 'k', 2, 'v', 0, 2, 'x', varint(9))
    const { rows, rejects } = decodeAvro(writer, reader, [record1, record1])
    expect(rejects).toEqual([])
    const row = { b: 9, renamed: 'x', added: null, list: [1, 2], a: 7, price: '5.00' }
    expect(rows.map((r) => ({ ...r }))).toEqual([row, row])
  })

  it('prefers a field of the name to one of an alias', () => {
    const { rows } = decodeAvro(record(['old', 'int'], ['new', 'int']), record(['new', 'int', { aliases: ['old'] }]), [
      bytes(varint(1), varint(2)),
    ])
    expect({ ...rows[0] }).toEqual({ new: 2 })
  })

  it('matches types by name without namespace, or by alias', () => {
    const named = (name: string, more = {}) => ({ ...record(['f', 'int']), name, ...more })
    expect(problemsOf(named('a.b.X'), named('other.X'))).toEqual([])
    expect(problemsOf(named('Old'), named('New', { aliases: ['Old'] }))).toEqual([])
    expect(problemsOf(named('Old'), named('New'))).toHaveLength(1)
  })

  it('lists every incompatible path', () => {
    const inner = (type: string) => ({ type: 'array', items: { ...record(['x', type]), name: 'Inner' } })
    const writer = record(['a', 'string'], ['list', inner('string')], ['fine', 'int'])
    const reader = record(['a', 'int'], ['list', inner('double')], ['fine', 'int'], ['missing', 'int'])
    expect(problemsOf(writer, reader).map(({ path }) => path)).toEqual(['a', 'list[].x', 'missing'])
  })

  it('refuses a default that is not a value of its type', () => {
    expect(() => compileAvroDecoder(record(['a', 'int']), record(['b', 'int', { default: 'x' }]))).toThrow(
      /default at b/,
    )
  })
})

describe('enums', () => {
  it('maps symbols by name and unknown ones to the default', () => {
    const writer = record(['e', symbols('A', 'B', 'C')])
    const reader = record(['e', { ...symbols('C', 'OTHER', 'A'), default: 'OTHER' }])
    const { rows } = decodeAvro(writer, reader, [bytes(0), bytes(2), bytes(4)])
    expect(rows.map((row) => row['e'])).toEqual(['A', 'OTHER', 'C'])
  })

  it('refuses an unknown symbol without a default, record by record', () => {
    const { rows, rejects } = decodeAvro(record(['e', symbols('A', 'B')]), record(['e', symbols('B')]), [
      bytes(0),
      bytes(2),
    ])
    expect(rows.map((row) => row['e'])).toEqual(['B'])
    expect(rejects).toMatchObject([{ index: 0, code: 'enum_symbol', path: 'e' }])
  })
})

describe('unions', () => {
  it('reads a plain writer into a nullable reader and the other way round', () => {
    const plain = record(['f', 'int'])
    const nullable = record(['f', ['null', 'long']])
    expect(decodeAvro(plain, nullable, [bytes(varint(5))]).rows[0]!['f']).toBe(5n)
    const back = decodeAvro(record(['f', ['null', 'int']]), record(['f', 'long']), [bytes(2, varint(5)), bytes(0)])
    expect(back.rows.map((row) => row['f'])).toEqual([5n])
    expect(back.rejects).toMatchObject([{ index: 1, code: 'union_branch', path: 'f' }])
  })

  it('is unreadable only when no branch can be read', () => {
    expect(problemsOf(record(['f', ['null', 'string']]), record(['f', 'int']))).toHaveLength(2)
    expect(problemsOf(record(['f', ['null', 'string']]), record(['f', ['null', 'int']]))).toEqual([])
  })

  it('prefers the branch of the same kind to one it can be promoted to', () => {
    const { rows } = decodeAvro(record(['f', 'int']), record(['f', ['string', 'double', 'int']]), [bytes(varint(3))])
    expect({ ...(rows[0]!['f'] as object) }).toEqual({ tag: 2, member0: null, member1: null, member2: 3 })
  })

  it('keeps several types apart as a struct of tag and members', () => {
    const schema = record(['f', ['null', 'int', 'string', record(['x', 'boolean'])]])
    const nested = { ...schema, name: 'Outer' }
    const { rows } = decodeAvro(nested, nested, [bytes(0), bytes(2, varint(-3)), bytes(4, 2, 'x'), bytes(6, 1)])
    expect(JSON.parse(JSON.stringify(rows.map((row) => row['f'])))).toEqual([
      null,
      { tag: 0, member0: -3, member1: null, member2: null },
      { tag: 1, member0: null, member1: 'x', member2: null },
      { tag: 2, member0: null, member1: null, member2: { x: true } },
    ])
  })
})

describe('logical types', () => {
  it.each([
    ['timestamp-millis', 'timestamp-micros'],
    ['timestamp-millis', 'local-timestamp-millis'],
    ['time-micros', 'timestamp-micros'],
  ])('refuses %s as %s', (writer, reader) => {
    expect(problemsOf(record(['f', logical('long', writer)]), record(['f', logical('long', reader)]))).toHaveLength(1)
  })

  it('takes a plain long for a timestamp, as the base types agree', () => {
    expect(problemsOf(record(['f', 'long']), record(['f', logical('long', 'timestamp-millis')]))).toEqual([])
  })

  it.each([
    [decimal(10, 2), decimal(12, 2), true],
    [decimal(10, 2), decimal(10, 3), false],
    [decimal(12, 2), decimal(10, 2), false],
    [decimal(12, 2), 'string', false],
  ])('decimal %j as %j: %s', (writer, reader, allowed) => {
    expect(problemsOf(record(['f', writer]), record(['f', reader]))).toHaveLength(allowed ? 0 : 1)
  })

  it('ignores unknown logical types and properties (input 36)', () => {
    const odd = { type: 'string', logicalType: 'eval', 'java-class': 'java.lang.Runtime' }
    expect(avroToSchema(record(['f', odd])).fields[0]!.type).toEqual({ kind: 'utf8' })
    expect(avroToSchema(record(['f', decimal(2, 5)])).fields[0]!.type).toEqual({ kind: 'binary' })
  })

  it('maps every logical type to its column', () => {
    const fixed = (size: number, logicalType: string) => ({
      type: 'fixed',
      name: `F${size}${logicalType}`,
      size,
      logicalType,
    })
    const types = [
      logical('int', 'date'),
      logical('int', 'time-millis'),
      logical('long', 'time-micros'),
      logical('long', 'timestamp-millis'),
      logical('long', 'timestamp-micros'),
      logical('long', 'timestamp-nanos'),
      logical('long', 'local-timestamp-nanos'),
      logical('string', 'uuid'),
      fixed(16, 'uuid'),
      fixed(12, 'duration'),
      { ...fixed(5, 'decimal'), precision: 11, scale: 1 },
    ]
    const schema = avroToSchema(record(...types.map((type, i) => [`f${i}`, type] as const)))
    expect(schema.fields.map((field) => field.type)).toEqual([
      { kind: 'date' },
      { kind: 'time', unit: 'milli' },
      { kind: 'time', unit: 'micro' },
      { kind: 'timestamp', unit: 'milli', utc: true },
      { kind: 'timestamp', unit: 'micro', utc: true },
      { kind: 'timestamp', unit: 'nano', utc: true },
      { kind: 'timestamp', unit: 'nano', utc: false },
      { kind: 'uuid' },
      { kind: 'uuid' },
      { kind: 'fixed', size: 12 },
      { kind: 'decimal', precision: 11, scale: 1 },
    ])
  })
})
