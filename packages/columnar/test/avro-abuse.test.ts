import { describe, expect, it } from 'vitest'
import { avroToSchema, compileAvroDecoder, createBatchBuilder, decodeCodes } from '../src/index.ts'
import { bytes, decodeAvro, record, varint } from './decode-helpers.ts'
import { rangesOf } from './ranges.ts'

/** Decodes a bad record between two good ones, which must come out untouched. */
function between(schema: object, good: Uint8Array, bad: Uint8Array | null, reader = schema) {
  const clean = decodeAvro(schema, reader, [good]).rows[0]
  const { rows, rejects } = decodeAvro(schema, reader, [good, bad, good])
  expect(rows).toEqual([clean, clean])
  expect(rejects).toHaveLength(1)
  expect(rejects[0]!.index).toBe(1)
  expect(Object.keys(decodeCodes)).toContain(rejects[0]!.code)
  return { code: rejects[0]!.code, path: rejects[0]!.path }
}

const array = (items: unknown) => record(['before', 'string'], ['list', { type: 'array', items }])
const emptyList = bytes(2, 'a', 0)

describe('abuse of records, by the numbers of RELIABILITY section 3', () => {
  it('input 1: a null value', () => {
    expect(between(record(['f', 'int']), bytes(2), null)).toEqual({ code: 'null_value', path: '' })
  })

  it('input 6: truncated body, trailing bytes', () => {
    const schema = record(['a', 'string'], ['b', 'double'], ['c', 'long'])
    const good = bytes(4, 'ok', 0, 0, 0, 0, 0, 0, 0, 0, varint(2n ** 40n))
    expect(between(schema, good, good.slice(0, 1))).toEqual({ code: 'length_exceeds', path: 'a' })
    expect(between(schema, good, good.slice(0, 9))).toEqual({ code: 'truncated', path: 'b' })
    expect(between(schema, good, good.slice(0, -1))).toEqual({ code: 'truncated', path: 'c' })
    expect(between(schema, good, bytes())).toEqual({ code: 'truncated', path: 'a' })
    expect(between(schema, good, bytes([...good], 0))).toEqual({ code: 'trailing_bytes', path: '' })
  })

  it('input 7: huge counts of items that take no bytes, alone and together', () => {
    const schema = array('null')
    expect(between(schema, emptyList, bytes(2, 'a', varint(100_000_000), 0))).toEqual({
      code: 'items_budget',
      path: 'list',
    })
    const blocks = Array.from({ length: 11 }, () => varint(1_000)).flat()
    expect(between(schema, emptyList, bytes(2, 'a', blocks, 0))).toEqual({ code: 'items_budget', path: 'list' })
    expect(between(schema, emptyList, bytes(2, 'a', varint(2n ** 62n), 0))).toEqual({
      code: 'items_budget',
      path: 'list',
    })
    const nested = array({ type: 'array', items: { ...record(), name: 'Empty' } })
    const inner = Array.from({ length: 20 }, () => [...varint(999), 0]).flat()
    expect(between(nested, emptyList, bytes(2, 'a', varint(20), inner, 0)).code).toBe('items_budget')
  })

  it('input 7: the same in fields that the reader does not want', () => {
    const reader = record(['before', 'string'])
    expect(between(array('null'), emptyList, bytes(2, 'a', varint(100_000_000), 0), reader).code).toBe('items_budget')
  })

  it('input 7: a count above the bytes that are left is refused before memory is taken', () => {
    const schema = array('long')
    const decoder = compileAvroDecoder(schema, schema)
    const builder = createBatchBuilder(decoder.schema)
    const before = process.memoryUsage().arrayBuffers
    decoder.decodeInto(builder, rangesOf([bytes(2, 'a', varint(900_000), 1, 1)]), 0, 1, [])
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000)
    expect(between(schema, emptyList, bytes(2, 'a', varint(900_000), 1, 1))).toEqual({
      code: 'truncated',
      path: 'list',
    })
  })

  it('input 8: negative counts with a wrong byte size', () => {
    const schema = array('int')
    expect(between(schema, emptyList, bytes(2, 'a', varint(-2), varint(3), 2, 2, 0))).toEqual({
      code: 'block_size',
      path: 'list',
    })
    expect(between(schema, emptyList, bytes(2, 'a', varint(-2), varint(-3), 2, 2, 0))).toEqual({
      code: 'length_negative',
      path: 'list',
    })
    expect(between(schema, emptyList, bytes(2, 'a', varint(-2), varint(99), 2, 2, 0)).code).toBe('length_exceeds')
    expect(between(schema, emptyList, bytes(2, 'a', varint(-(2n ** 63n)), varint(1), 2, 0)).code).toBe('items_budget')
    expect(decodeAvro(schema, schema, [bytes(2, 'a', varint(-2), varint(2), 2, 4, 0)]).rows[0]!['list']).toEqual([1, 2])
    const ints = decodeAvro(schema, record(['before', 'string']), [bytes(2, 'a', varint(-2), varint(3), 2, 2, 0)])
    expect(ints.rejects).toMatchObject([{ code: 'block_size' }])
  })

  it('input 8: endless tiny blocks end with the items budget', () => {
    const blocks = Array.from({ length: 50 }, () => [...varint(1), 2]).flat()
    const { rejects } = decodeAvro(array('int'), array('int'), [bytes(2, 'a', blocks, 0)], { limits: { maxItems: 49 } })
    expect(rejects).toMatchObject([{ code: 'items_budget', path: 'list' }])
  })

  it.each([2n ** 31n, 9_000_000_000_000_000n, 2n ** 62n])('input 9: a length of %s', (length) => {
    const schema = record(['f', 'bytes'])
    expect(between(schema, bytes(0), bytes(varint(length), 1, 2))).toEqual({ code: 'length_exceeds', path: 'f' })
    expect(between(schema, bytes(0), bytes(varint(-length), 1, 2))).toEqual({ code: 'length_negative', path: 'f' })
  })

  it('input 10: nesting of a recursive type that the reader skips', () => {
    const list = { type: 'record', name: 'Node', fields: [{ name: 'next', type: ['null', 'Node'] }] }
    const writer = record(['id', 'int'], ['chain', list])
    const reader = record(['id', 'int'])
    const chain = (depth: number) =>
      bytes(
        2,
        Array.from({ length: depth }, () => 2),
        0,
      )
    expect(decodeAvro(writer, reader, [chain(98)]).rows).toHaveLength(1)
    expect(between(writer, chain(0), chain(99), reader).code).toBe('depth_exceeded')
    expect(between(writer, chain(0), chain(100_000), reader).code).toBe('depth_exceeded')
  })

  it('input 12: names that are properties of every object', () => {
    const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty']
    const schema = record(...names.map((name) => [name, 'int'] as const), ['map', { type: 'map', values: 'string' }])
    const entries = names.map((name) => [name.length * 2, ...Buffer.from(name), 2, 0x78]).flat()
    const { rows } = decodeAvro(schema, schema, [bytes(2, 4, 6, 8, varint(names.length), entries, 0)])
    expect(Object.keys(rows[0]!)).toEqual([...names, 'map'])
    expect(Object.entries(rows[0]!['map'] as object)).toEqual(names.map((name) => [name, 'x']))
    expect(Object.getPrototypeOf(rows[0])).toBe(null)
  })

  it.each([
    ['overlong', [0xc0, 0x80]],
    ['overlong of three', [0xe0, 0x80, 0x80]],
    ['surrogate', [0xed, 0xa0, 0x80]],
    ['above U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
    ['cut off', [0xe2, 0x82]],
    ['lone continuation', [0x80]],
    ['never valid', [0xff]],
  ])('input 19: UTF-8 that is not: %s', (_, text) => {
    const schema = record(['s', 'string'], ['m', { type: 'map', values: ['null', 'string'] }])
    const good = bytes(4, 'é', 0)
    for (const many of [1, 40]) {
      // One record is checked by itself, many are checked together.
      const padding = Array.from({ length: many - 1 }, () => good)
      const bad = bytes(varint(text.length), text, 0)
      const key = bytes(4, 'é', 2, varint(text.length), text, 0, 0)
      const value = bytes(4, 'é', 2, 2, 'k', 2, varint(text.length), text, 0)
      const { rows, rejects } = decodeAvro(schema, schema, [good, bad, key, value, good, ...padding])
      expect(rows).toHaveLength(1 + many)
      expect(rejects.map(({ index, code, path }) => [index, code, path])).toEqual([
        [1, 'utf8_invalid', 's'],
        [2, 'utf8_invalid', 'm[]'],
        [3, 'utf8_invalid', 'm[]'],
      ])
    }
  })

  it('input 19: two halves of a character in neighbouring records are not one character', () => {
    const schema = record(['s', 'string'])
    const records = Array.from({ length: 20 }, () => [bytes(2, 0xc3), bytes(2, 0xa9)]).flat()
    expect(decodeAvro(schema, schema, records).rejects).toHaveLength(40)
  })

  it('input 19: strings that are skipped are checked, too', () => {
    const writer = record(['gone', 'string'], ['f', 'int'])
    expect(between(writer, bytes(2, 'a', 2), bytes(2, 0xff, 2), record(['f', 'int']))).toEqual({
      code: 'utf8_invalid',
      path: 'gone',
    })
  })

  it('input 20: every edge of 64 bits, and one bit more', () => {
    const values = [0n, -1n, 63n, 64n, 2n ** 31n, -(2n ** 31n) - 1n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)]
    const schema = record(['f', { type: 'long', logicalType: 'timestamp-nanos' }])
    const { rows } = decodeAvro(
      schema,
      schema,
      values.map((value) => bytes(varint(value))),
    )
    expect(rows.map((row) => row['f'])).toEqual(values)
    const over = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]
    for (const tail of [[], [0], [0, 0, 0, 0]]) {
      // With and without bytes behind it: the fast and the careful way through a varint.
      expect(between(schema, bytes(2), bytes(over, 0x02, tail))).toEqual({ code: 'varint_overflow', path: 'f' })
      expect(between(schema, bytes(2), bytes(over, 0x81, 0, tail))).toEqual({ code: 'varint_overflow', path: 'f' })
    }
  })

  it('input 20: an int of more than 32 bits', () => {
    const schema = record(['f', 'int'])
    expect(between(schema, bytes(2), bytes(0xff, 0xff, 0xff, 0xff, 0x1f))).toEqual({
      code: 'varint_overflow',
      path: 'f',
    })
    expect(between(schema, bytes(2), bytes(varint(2n ** 31n)))).toEqual({ code: 'varint_overflow', path: 'f' })
    expect(between(schema, bytes(2), bytes(0x80, 0x80, 0x80, 0x80, 0x80, 0))).toEqual({
      code: 'varint_overflow',
      path: 'f',
    })
  })

  it('input 21: decimals up to the precision, of any byte length, and beyond it', () => {
    const schema = record(['f', { type: 'bytes', logicalType: 'decimal', precision: 38, scale: 0 }])
    const twos = (value: bigint, length: number): number[] => {
      const out: number[] = []
      for (let i = 0, rest = BigInt.asUintN(8 * length, value); i < length; i++, rest >>= 8n)
        out.unshift(Number(rest & 255n))
      return [...varint(length), ...out]
    }
    const most = 10n ** 38n - 1n
    for (const value of [0n, -1n, 1n, 255n, -256n, 2n ** 64n, -(2n ** 64n), most, -most]) {
      for (const length of [16, 17, 40]) {
        expect(decodeAvro(schema, schema, [bytes(twos(value, length))]).rows[0]!['f']).toBe(String(value))
      }
    }
    expect(decodeAvro(schema, schema, [bytes(twos(-129n, 2)), bytes(0)]).rows.map((row) => row['f'])).toEqual([
      '-129',
      '0',
    ])
    for (const value of [most + 1n, -most - 1n, 2n ** 127n, -(2n ** 127n) - 1n]) {
      expect(between(schema, bytes(0), bytes(twos(value, 17)))).toEqual({ code: 'decimal_precision', path: 'f' })
    }
    const small = record(['f', { type: 'bytes', logicalType: 'decimal', precision: 3, scale: 1 }])
    expect(decodeAvro(small, small, [bytes(twos(-999n, 2))]).rows[0]!['f']).toBe('-99.9')
    expect(between(small, bytes(0), bytes(twos(-1000n, 2))).code).toBe('decimal_precision')
    expect(between(small, bytes(0), bytes(twos(1000n, 2))).code).toBe('decimal_precision')
  })

  it('input 22: timestamps keep every value of 64 bits', () => {
    const schema = record(['f', { type: 'long', logicalType: 'timestamp-micros' }])
    const values = [-62_135_596_800_000_000n, 253_402_300_799_999_999n, -1n]
    expect(
      decodeAvro(
        schema,
        schema,
        values.map((v) => bytes(varint(v))),
      ).rows.map((row) => row['f']),
    ).toEqual(values)
  })

  it('booleans above 1, indices outside of enums and unions, uuids that are none', () => {
    expect(between(record(['f', 'boolean']), bytes(1), bytes(2))).toEqual({ code: 'boolean_invalid', path: 'f' })
    const schema = record(['e', { type: 'enum', name: 'E', symbols: ['A'] }])
    expect(between(schema, bytes(0), bytes(2)).code).toBe('enum_index')
    expect(between(schema, bytes(0), bytes(1)).code).toBe('enum_index')
    expect(between(record(['f', ['null', 'int']]), bytes(0), bytes(4)).code).toBe('union_index')
    expect(between(record(['f', ['null', 'int']]), bytes(0), bytes(varint(-1))).code).toBe('union_index')
    const uuid = record(['f', { type: 'string', logicalType: 'uuid' }])
    const text = '01234567-89ab-cdef-0123-456789ABCDEF'
    expect(decodeAvro(uuid, uuid, [bytes(varint(36), text)]).rows[0]!['f']).toBe(text.toLowerCase())
    for (const bad of [text.replace('-', '0'), text.replace('a', 'g'), text.slice(0, 35)]) {
      expect(between(uuid, bytes(varint(36), text), bytes(varint(bad.length), bad)).code).toBe('uuid_invalid')
    }
  })

  it('a record above maxBytes', () => {
    const schema = record(['f', 'string'])
    const { rejects } = decodeAvro(schema, schema, [bytes(varint(10), '0123456789')], { limits: { maxBytes: 10 } })
    expect(rejects).toMatchObject([{ code: 'size_exceeded' }])
  })
})

describe('abuse of schemas', () => {
  const deep = (levels: number): unknown => {
    let type: unknown = 'int'
    for (let i = 0; i < levels; i++) type = { type: 'array', items: type }
    return type
  }

  it('input 11: caps on bytes, depth, fields, symbols and columns', () => {
    expect(() => avroToSchema(JSON.stringify(record(['f', deep(100)])))).toThrow(/AVRO_TOO_LARGE|levels/)
    expect(() => avroToSchema(`${'['.repeat(1_000_000)}`)).toThrow(/levels/)
    expect(() => avroToSchema(record(['f', deep(5_000)]))).toThrow(/levels/)
    expect(() => avroToSchema(`"${'x'.repeat(2_000_000)}"`)).toThrow(/bytes/)
    const fields = Array.from({ length: 5_001 }, (_, i) => [`f${i}`, 'int'] as const)
    expect(() => avroToSchema(record(...fields))).toThrow(/fields/)
    const symbols = Array.from({ length: 20_001 }, (_, i) => `S${i}`)
    expect(() => avroToSchema(record(['e', { type: 'enum', name: 'E', symbols }]))).toThrow(/symbols/)
  })

  it('input 11: a type that doubles at every level', () => {
    const named = (level: number): unknown =>
      level === 0
        ? 'int'
        : {
            type: 'record',
            name: `L${level}`,
            fields: [
              { name: 'a', type: named(level - 1) },
              { name: 'b', type: level === 1 ? 'int' : `L${level - 1}` },
            ],
          }
    const writer = record(['f', named(20)], ['id', 'int'])
    expect(() => avroToSchema(writer)).toThrow(/columns/)
    expect(() => compileAvroDecoder(writer, record(['id', 'int']))).not.toThrow()
  })

  it('input 11: a record that contains itself without an end', () => {
    expect(() => avroToSchema({ type: 'record', name: 'R', fields: [{ name: 'r', type: 'R' }] })).toThrow(
      /without an end/,
    )
  })

  it('refuses a recursive reader with a clear error', () => {
    const tree = { type: 'record', name: 'T', fields: [{ name: 'kids', type: { type: 'array', items: 'T' } }] }
    expect(() => avroToSchema(tree)).toThrow(/contains its own record T/)
  })

  it('input 13: two fields equal but for case', () => {
    expect(() => avroToSchema(record(['userId', 'int'], ['USERID', 'int']))).toThrow(/userId and USERID/)
  })

  it.each(['a b', 'a;b', "a'b", 'a`b', '1a', '', 'a\u0000', 'аdmin', 'a.b', 'x){}//'])(
    'input 14: the field name %j',
    (name) => {
      expect(() => avroToSchema(record([name, 'int']))).toThrow(/name/)
    },
  )

  it('no name of a schema enters generated code', () => {
    // Legal Avro names that would do harm, or fail to parse, if they did.
    const names = ['eval', 'return', 'class', 'p', 's', 'rec', '__proto__']
    const schema = record(...names.map((name) => [name, 'int'] as const))
    const { rows } = decodeAvro(schema, schema, [bytes(2, 4, 6, 8, 10, 12, 14)])
    expect(Object.entries(rows[0]!)).toEqual(names.map((name, i) => [name, i + 1]))
  })
})

describe('records of very many fields', () => {
  it('are split into functions and still isolate what is bad', () => {
    const fields = Array.from({ length: 400 }, (_, i) => [`f${i}`, ['null', i % 2 === 0 ? 'string' : 'long']] as const)
    const schema = record(...fields, [
      'list',
      { type: 'array', items: { ...record(...fields.slice(0, 5)), name: 'Item' } },
    ])
    const row = (damage: number) =>
      bytes(
        fields.flatMap((_, i) => (i === damage ? [2, 1] : i % 2 === 0 ? [2, 2, 0x61] : [2, ...varint(i)])),
        2,
        [0, 0, 2, 2, 0x62, 0, 0],
        0,
      )
    const { rows, rejects } = decodeAvro(schema, schema, [row(-1), row(200), row(-1)])
    expect(rejects).toMatchObject([{ index: 1, code: 'length_negative', path: 'f200' }])
    expect(rows).toHaveLength(2)
    expect(rows[1]).toEqual(rows[0])
    expect(rows[0]!['f399']).toBe(399n)
    expect({ ...(rows[0]!['list'] as object[])[0] }).toEqual({ f0: null, f1: null, f2: 'b', f3: null, f4: null })
  })
})
