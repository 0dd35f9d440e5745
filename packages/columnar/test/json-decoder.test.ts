import { describe, expect, it } from 'vitest'
import { avroDefaults, avroToSchema, ColumnarError, compileJsonDecoder, decodeCodes } from '../src/index.ts'
import type { DataType, Schema } from '../src/index.ts'
import { decodeAll, decodeJson, record } from './decode-helpers.ts'

const one = (type: DataType, nullable = false): Schema => ({ fields: [{ name: 'f', type, nullable }] })
const int32: DataType = { kind: 'int32' }

/** The value of field f, or the code it was refused with. */
function read(type: DataType, json: string, mode: 'strict' | 'lenient' = 'strict'): unknown {
  const { rows, rejects } = decodeJson(one(type), [`{"f":${json}}`], { mode })
  if (rejects[0] !== undefined) expect(Object.keys(decodeCodes)).toContain(rejects[0].code)
  return rejects[0]?.code ?? rows[0]!['f']
}

describe('strict and lenient', () => {
  const schema: Schema = {
    fields: [
      { name: 'id', type: { kind: 'int64' }, nullable: false },
      { name: 'note', type: { kind: 'utf8' }, nullable: true },
    ],
  }
  it.each([
    ['an unknown field', '{"id":1,"x":{"deep":[1,"a",null,true]}}', 'field_unknown', { id: 1n, note: null }],
    ['a missing field', '{"note":"n"}', 'field_missing', 'field_missing'],
    ['a repeated field', '{"id":1,"note":"first","note":"last","id":2}', 'json_duplicate', { id: 2n, note: 'last' }],
    ['a byte order mark', '\ufeff{"id":1}', 'json_bom', { id: 1n, note: null }],
    ['a number in a string', '{"id":"9007199254740993"}', 'type_mismatch', { id: 9007199254740993n, note: null }],
    ['null where there is none', '{"id":null}', 'type_mismatch', 'type_mismatch'],
    ['a wrong type', '{"id":1,"note":5}', 'type_mismatch', 'type_mismatch'],
    ['bytes behind the record', '{"id":1}{"id":2}', 'trailing_bytes', 'trailing_bytes'],
    ['blanks around it', ' \r\n\t{"id":1} \n', { id: 1n, note: null }, { id: 1n, note: null }],
    ['a list for a record', '[1]', 'type_mismatch', 'type_mismatch'],
    ['nothing', '', 'truncated', 'truncated'],
    ['half a record', '{"id":1', 'truncated', 'truncated'],
    ['a comma too many', '{"id":1,}', 'json_syntax', 'json_syntax'],
    ['NaN', '{"id":NaN}', 'type_mismatch', 'type_mismatch'],
    ['a single quote', "{'id':1}", 'json_syntax', 'json_syntax'],
    ['a control character', '{"id":1,"note":"a\u0001"}', 'json_syntax', 'json_syntax'],
    ['a leading zero', '{"id":01}', 'json_syntax', 'json_syntax'],
    ['a plus sign', '{"id":+1}', 'type_mismatch', 'type_mismatch'],
    ['a lone surrogate (input 19)', '{"id":1,"note":"\\ud83d"}', 'utf8_invalid', 'utf8_invalid'],
    ['a pair the wrong way round', '{"id":1,"note":"\\ude00\\ud83d"}', 'utf8_invalid', 'utf8_invalid'],
    ['an escaped key', '{"\\u0069d":1}', { id: 1n, note: null }, { id: 1n, note: null }],
  ])('%s', (_, json, strict, lenient) => {
    for (const [mode, expected] of [
      ['strict', strict],
      ['lenient', lenient],
    ] as const) {
      const { rows, rejects } = decodeJson(schema, ['{"id":7}', json, '{"id":8}'], { mode })
      expect(rows[0]!['id']).toBe(7n)
      expect(rows.at(-1)!['id']).toBe(8n)
      if (typeof expected === 'string') expect(rejects.map(({ index, code }) => [index, code])).toEqual([[1, expected]])
      else expect({ ...rows[1] }).toEqual(expected)
    }
  })

  it('names the path, never the data', () => {
    const nested = one({
      kind: 'list',
      item: { name: 'element', type: { kind: 'struct', fields: one(int32).fields }, nullable: false },
    })
    const { rejects } = decodeJson(nested, [
      '{"f":[{"f":1},{"f":"MARKER"}]}',
      '{"f":[{"f":1,"MARKER":2}]}',
      '{"f":[{}]}',
    ])
    expect(rejects.map(({ code, path }) => [code, path])).toEqual([
      ['type_mismatch', 'f[].f'],
      ['field_unknown', 'f[]'],
      ['field_missing', 'f[].f'],
    ])
    expect(JSON.stringify(rejects)).not.toContain('MARKER')
  })

  it('input 38: depth', () => {
    const lenient = { mode: 'lenient', maxDepth: 50 } as const
    const deep = (levels: number) => `{"id":1,"x":${'['.repeat(levels)}${']'.repeat(levels)}}`
    expect(decodeJson(schema, [deep(49)], lenient).rows).toHaveLength(1)
    for (const levels of [50, 100_000]) {
      expect(decodeJson(schema, [deep(levels)], lenient).rejects).toMatchObject([{ code: 'depth_exceeded' }])
    }
  })

  it('a null value, a record or list that is too large', () => {
    expect(decodeAll(compileJsonDecoder(schema), [null]).rejects).toMatchObject([{ code: 'null_value' }])
    expect(decodeJson(schema, ['{"id":1}'], { maxBytes: 7 }).rejects).toMatchObject([{ code: 'size_exceeded' }])
    const list = one({ kind: 'list', item: { name: 'element', type: int32, nullable: false } })
    expect(decodeJson(list, ['{"f":[1,2,3]}'], { maxItems: 2 }).rejects).toMatchObject([
      { code: 'items_budget', path: 'f' },
    ])
  })

  it('input 12: keys of maps, and repeated ones', () => {
    const map = one({ kind: 'map', value: { name: 'value', type: int32, nullable: false } })
    const { rows } = decodeJson(map, ['{"f":{"__proto__":1,"toString":2,"":3}}'])
    expect(Object.entries(rows[0]!['f'] as object)).toEqual([
      ['__proto__', 1],
      ['toString', 2],
      ['', 3],
    ])
    for (const mode of ['strict', 'lenient'] as const) {
      expect(decodeJson(map, ['{"f":{"a":1,"\\u0061":2}}'], { mode }).rejects).toMatchObject([
        { code: 'json_duplicate', path: 'f' },
      ])
    }
  })
})

describe('numbers', () => {
  const int64: DataType = { kind: 'int64' }
  const float64: DataType = { kind: 'float64' }
  const decimal: DataType = { kind: 'decimal', precision: 5, scale: 2 }
  it.each([
    [int32, '2147483647', 2147483647],
    [int32, '-2147483648', -2147483648],
    [int32, '2147483648', 'number_range'],
    [int32, '99999999999', 'number_range'],
    [int32, '-0', 0],
    [int32, '1.0', 'number_inexact'],
    [int32, '1e2', 'number_inexact'],
    [int64, '9223372036854775807', 9223372036854775807n],
    [int64, '-9223372036854775808', -9223372036854775808n],
    [int64, '9223372036854775808', 'number_range'],
    [int64, '-9223372036854775809', 'number_range'],
    [int64, '99999999999999999999999', 'number_range'],
    [int64, '9007199254740993', 9007199254740993n],
    [int64, '-4294967296', -4294967296n],
    [float64, '1e400', 'number_range'],
    [float64, '-1e400', 'number_range'],
    [float64, '"NaN"', 'type_mismatch'],
    [float64, '0.1', 0.1],
    [float64, '123456789012345678', 123456789012345680],
    [float64, '1.7976931348623157e308', Number.MAX_VALUE],
    [{ kind: 'float32' } as DataType, '3.5e38', 'number_range'],
    [decimal, '1.005', 'number_inexact'],
    [decimal, '1.0050', 'number_inexact'],
    [decimal, '1.000', '1.00'],
    [decimal, '"999.99"', '999.99'],
    [decimal, '1000', 'decimal_precision'],
    [decimal, '-999.99', '-999.99'],
    [decimal, '99999e-2', '999.99'],
    [decimal, '1e-3', 'number_inexact'],
    [decimal, '1e999999999', 'decimal_precision'],
    [decimal, '0e999999999', '0.00'],
    [decimal, '"NaN"', 'type_mismatch'],
    [decimal, `0.${'0'.repeat(2_000)}1`, 'number_range'],
  ])('%j from %s', (type, json, expected) => {
    expect(read(type, json)).toEqual(expected)
  })

  it('keeps the sign of zero', () => {
    expect(Object.is(read(float64, '-0.0'), -0)).toBe(true)
  })

  it('lenient takes the usual substitutes', () => {
    expect(read(float64, '"NaN"', 'lenient')).toBe(NaN)
    expect(read(float64, '"-Infinity"', 'lenient')).toBe(-Infinity)
    expect(read(float64, '"1.5"', 'lenient')).toBe(1.5)
    expect(read(int32, '"12"', 'lenient')).toBe(12)
    expect(read(int32, '12.000', 'lenient')).toBe(12)
    expect(read(int32, '"12 "', 'lenient')).toBe('type_mismatch')
    expect(read(int32, '""', 'lenient')).toBe('type_mismatch')
  })
})

describe('dates and times (input 22)', () => {
  const date: DataType = { kind: 'date' }
  const stamp = (unit: 'milli' | 'micro' | 'nano', utc = true): DataType => ({ kind: 'timestamp', unit, utc })
  const time = (unit: 'milli' | 'micro'): DataType => ({ kind: 'time', unit })
  it.each([
    [date, '"1970-01-01"', 0],
    [date, '"1969-12-31"', -1],
    [date, '"0001-01-01"', -719162],
    [date, '"9999-12-31"', 2932896],
    [date, '"-000001-12-31"', -719529],
    [date, '"2000-02-29"', 11016],
    [date, '"1900-02-29"', 'time_invalid'],
    [date, '"2026-13-01"', 'time_invalid'],
    [date, '"2026-00-01"', 'time_invalid'],
    [date, '"2026-1-1"', 'time_invalid'],
    [date, '"2026-01-01T00:00:00Z"', 'time_invalid'],
    [date, '20000', 20000],
    [time('milli'), '"23:59:59.999"', 86399999],
    [time('micro'), '"23:59:59.999999"', 86399999999n],
    [time('milli'), '"24:00:00"', 'time_invalid'],
    [time('milli'), '86400000', 'time_invalid'],
    [time('micro'), '-1', 'time_invalid'],
    [stamp('milli'), '"1970-01-01T00:00:00.000Z"', 0n],
    [stamp('milli'), '"1969-12-31T23:59:59.999Z"', -1n],
    [stamp('milli'), '"2026-11-21T10:00:00+05:30"', 1795235400000n],
    [stamp('micro'), '"0001-01-01T00:00:00Z"', -62135596800000000n],
    [stamp('micro'), '"9999-12-31T23:59:59.999999Z"', 253402300799999999n],
    [stamp('milli'), '"2026-11-21T10:00:00.1234Z"', 'time_invalid'],
    [stamp('milli'), '"2026-11-21T10:00:00.1230Z"', 1795255200123n],
    [stamp('milli'), '"2026-11-21T10:00:00"', 'time_invalid'],
    [stamp('milli'), '"2026-11-21T24:00:00Z"', 'time_invalid'],
    [stamp('milli'), '"2026-11-21T23:59:60Z"', 'time_invalid'],
    [stamp('milli'), '"2026-11-21 10:00:00Z"', 'time_invalid'],
    [stamp('milli'), '1795255200123', 1795255200123n],
    [stamp('milli'), '"1795255200123"', 'time_invalid'],
    [stamp('milli'), '1795255200123.5', 'number_inexact'],
    [stamp('micro', false), '"2026-11-21T10:00:00.5"', 1795255200500000n],
    [stamp('micro', false), '"2026-11-21T10:00:00Z"', 'time_invalid'],
    [stamp('nano'), '"2262-04-11T23:47:16.854775807Z"', 9223372036854775807n],
    [stamp('nano'), '"2262-04-11T23:47:16.854775808Z"', 'time_invalid'],
    [stamp('nano'), '"1677-09-21T00:12:43.145224192Z"', -9223372036854775808n],
  ])('%j from %s', (type, json, expected) => {
    expect(read(type, json)).toEqual(expected)
  })

  it('agrees with Date where Date is exact', () => {
    for (let days = -800_000; days < 800_000; days += 997) {
      const text = new Date(days * 86_400_000 + 45_296_789).toISOString()
      expect(read(stamp('milli'), `"${text}"`)).toBe(BigInt(days) * 86_400_000n + 45_296_789n)
    }
  })

  it('lenient takes variants', () => {
    expect(read(stamp('milli'), '"1970-01-01 00:00:01z"', 'lenient')).toBe(1000n)
    expect(read(stamp('milli'), '"1970-01-01T01:00:00+0100"', 'lenient')).toBe(0n)
    expect(read(stamp('milli'), '"1000"', 'lenient')).toBe(1000n)
  })
})

describe('bytes, enums, uuids', () => {
  const binary: DataType = { kind: 'binary' }
  it.each([
    [binary, '"AAH/"', Uint8Array.of(0, 1, 255)],
    [binary, '"AA=="', Uint8Array.of(0)],
    [binary, '"AA"', 'base64_invalid'],
    [binary, '"AB=="', 'base64_invalid'],
    [binary, '"A==="', 'base64_invalid'],
    [binary, '"-_8="', 'base64_invalid'],
    [binary, '"AA =="', 'base64_invalid'],
    [{ kind: 'fixed', size: 2 } as DataType, '"AAE="', Uint8Array.of(0, 1)],
    [{ kind: 'fixed', size: 2 } as DataType, '"AAEC"', 'base64_invalid'],
    [{ kind: 'enum', symbols: ['A', 'B'] } as DataType, '"B"', 'B'],
    [{ kind: 'enum', symbols: ['A', 'B'] } as DataType, '"b"', 'enum_symbol'],
    [{ kind: 'enum', symbols: ['A', 'B'] } as DataType, '1', 'type_mismatch'],
    [{ kind: 'uuid' } as DataType, '"01234567-89AB-cdef-0123-456789abcdef"', '01234567-89ab-cdef-0123-456789abcdef'],
    [{ kind: 'uuid' } as DataType, '"0123456789abcdef0123456789abcdef"', 'uuid_invalid'],
    [{ kind: 'null' } as DataType, 'null', null],
    [{ kind: 'null' } as DataType, '0', 'type_mismatch'],
    [{ kind: 'boolean' } as DataType, 'tru', 'json_syntax'],
  ])('%j from %s', (type, json, expected) => {
    expect(read(type, json)).toEqual(expected)
  })

  it('lenient takes base64 without padding and in the URL alphabet', () => {
    expect(read(binary, '"AA"', 'lenient')).toEqual(Uint8Array.of(0))
    expect(read(binary, '"-_8"', 'lenient')).toEqual(Uint8Array.of(0xfb, 0xff))
  })
})

describe('defaults', () => {
  const avro = record(
    ['id', 'int'],
    ['plan', 'string', { default: 'free' }],
    [
      'user',
      {
        ...record(
          ['age', ['int', 'null'], { default: 18 }],
          ['tags', { type: 'array', items: 'string' }, { default: ['new'] }],
        ),
        name: 'U',
      },
    ],
    ['note', ['null', 'string'], { default: null }],
  )
  it('of an Avro schema fill in what is missing', () => {
    const defaults = avroDefaults(avro)
    expect({ ...defaults }).toEqual({ plan: 'free', 'user.age': 18, 'user.tags': ['new'] })
    const { rows } = decodeJson(avroToSchema(avro), ['{"id":1,"user":{}}'], { defaults })
    expect(JSON.parse(JSON.stringify(rows))).toEqual([
      { id: 1, plan: 'free', user: { age: 18, tags: ['new'] }, note: null },
    ])
  })

  it('stand in for null only in lenient mode', () => {
    const text = ['{"id":1,"plan":null,"user":{"age":null}}']
    const schema = avroToSchema(avro)
    expect(decodeJson(schema, text, { defaults: avroDefaults(avro) }).rejects).toMatchObject([{ path: 'plan' }])
    const { rows } = decodeJson(schema, text, { defaults: avroDefaults(avro), mode: 'lenient' })
    expect(rows[0]!['plan']).toBe('free')
    expect((rows[0]!['user'] as { age: unknown }).age).toBe(null)
  })

  it('are checked when the decoder is made', () => {
    expect(() => compileJsonDecoder(one(int32), { defaults: { g: 1 } })).toThrow(ColumnarError)
    expect(() => compileJsonDecoder(one(int32), { defaults: { f: 'x' } })).toThrow(/at f/)
    expect(() => compileJsonDecoder(one(int32), { maxDepth: 0 })).toThrow(/maxDepth/)
  })
})
