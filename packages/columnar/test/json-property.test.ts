import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { batchFromRows, compileJsonDecoder, createBatchBuilder, createJsonlEncoder, rowsOf } from '../src/index.ts'
import type { DataType, DecodeReject, Field, Schema } from '../src/index.ts'
import { createRng } from './random-avro.ts'
import type { Rng } from './random-avro.ts'
import { rangesOf } from './ranges.ts'

const encoder = new TextEncoder()

/** A value in the form of `rowsOf` with the JSON text that stands for it. */
interface Sample {
  readonly row: unknown
  readonly json: string
}

const texts = [
  '',
  'a',
  '"',
  '\\',
  '\u0000\u001f',
  'naïve',
  '日本語',
  '🙂',
  'x'.repeat(100),
  '__proto__',
  'toString',
  '\u2028',
]

/** JSON string of a text, with characters escaped at random. */
function quote(rng: Rng, text: string): string {
  let out = '"'
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    const hex = unit.toString(16).padStart(4, '0')
    if (unit >= 0xd800 && unit < 0xdc00) {
      // Both halves of a pair are escaped, or none.
      out += rng.chance(0.2) ? `\\u${hex}\\u${text.charCodeAt(++i).toString(16)}` : text.slice(i, ++i + 1)
    } else if (rng.chance(0.2)) out += `\\u${rng.chance(0.5) ? hex : hex.toUpperCase()}`
    else if (unit < 0x20 || unit === 0x22 || unit === 0x5c) out += JSON.stringify(text[i]).slice(1, -1)
    else out += text[i]
  }
  return `${out}"`
}

function blank(rng: Rng): string {
  return rng.chance(0.2) ? rng.pick([' ', '\n', '\t\r ', '  ']) : ''
}

function sample(rng: Rng, type: DataType): Sample {
  switch (type.kind) {
    case 'boolean': {
      const row = rng.chance(0.5)
      return { row, json: String(row) }
    }
    case 'int32': {
      const row = rng.pick([0, -1, 1, 2147483647, -2147483648, rng.int(1e9)])
      return { row, json: String(row) }
    }
    case 'int64': {
      const row = rng.pick([
        0n,
        -1n,
        (1n << 63n) - 1n,
        -(1n << 63n),
        (1n << 53n) + 1n,
        999999999999999n,
        1000000000000000n,
      ])
      return { row, json: String(row) }
    }
    case 'float64': {
      const text = rng.pick([
        '0',
        '-0',
        '1.5',
        '0.1',
        '1e10',
        '5e-324',
        '1.7976931348623157E308',
        '123456789.123456789',
        '9007199254740993',
        '0.000001',
        '100000000000000',
        '0.30000000000000004',
      ])
      return { row: JSON.parse(text), json: text }
    }
    case 'float32': {
      const text = rng.pick(['0.1', '16777217', '3.4e38', '-1.25'])
      return { row: Math.fround(JSON.parse(text) as number), json: text }
    }
    case 'utf8': {
      const row = rng.pick(texts)
      return { row, json: quote(rng, row) }
    }
    case 'binary': {
      const row = Uint8Array.from({ length: rng.int(9) }, () => rng.int(256))
      return { row, json: quote(rng, Buffer.from(row).toString('base64')) }
    }
    case 'enum': {
      const row = rng.pick(type.symbols)
      return { row, json: quote(rng, row) }
    }
    case 'decimal': {
      const [text, row] = rng.pick([
        ['0', '0.00'],
        ['12.5', '12.50'],
        ['-12.50', '-12.50'],
        ['1e2', '100.00'],
        ['125e-2', '1.25'],
        ['123456789012345678901234567890.1', '123456789012345678901234567890.10'],
        ['-99999999999999.99', '-99999999999999.99'],
        ['0.000', '0.00'],
      ] as const)
      return { row, json: rng.chance(0.5) ? text : `"${text}"` }
    }
    case 'list': {
      const items = Array.from({ length: rng.int(4) }, () => slot(rng, type.item))
      return {
        row: items.map((item) => item.row),
        json: `[${blank(rng)}${items.map((item) => item.json).join(',')}${blank(rng)}]`,
      }
    }
    case 'map': {
      const row = Object.create(null) as Record<string, unknown>
      const parts: string[] = []
      for (const key of new Set(Array.from({ length: rng.int(4) }, () => rng.pick(texts)))) {
        const item = slot(rng, type.value)
        row[key] = item.row
        parts.push(`${quote(rng, key)}${blank(rng)}:${item.json}`)
      }
      return { row, json: `{${parts.join(',')}}` }
    }
    case 'struct':
      return object(rng, type.fields)
    default:
      throw new Error(`no sample for ${type.kind}`)
  }
}

function slot(rng: Rng, field: Field): Sample {
  const value = field.nullable && rng.chance(0.3) ? { row: null, json: 'null' } : sample(rng, field.type)
  return { row: value.row, json: `${blank(rng)}${value.json}${blank(rng)}` }
}

function object(rng: Rng, fields: readonly Field[]): Sample {
  const row = Object.create(null) as Record<string, unknown>
  const parts: string[] = []
  for (const field of fields) {
    const value = slot(rng, field)
    row[field.name] = value.row
    if (value.row === null && rng.chance(0.5)) continue
    parts.push(`${quote(rng, field.name)}${blank(rng)}:${value.json}`)
  }
  if (rng.chance(0.5)) parts.reverse()
  return { row, json: `{${blank(rng)}${parts.join(',')}}` }
}

function randomType(rng: Rng, depth: number): DataType {
  const kinds = ['boolean', 'int32', 'int64', 'float32', 'float64', 'utf8', 'binary', 'enum', 'decimal'] as const
  const kind = depth > 0 && rng.chance(0.4) ? rng.pick(['list', 'map', 'struct'] as const) : rng.pick(kinds)
  const field = (name: string): Field => ({ name, type: randomType(rng, depth - 1), nullable: rng.chance(0.5) })
  switch (kind) {
    case 'list':
      return { kind, item: field('element') }
    case 'map':
      return { kind, value: field('value') }
    case 'struct':
      return { kind, fields: ['a', '__proto__', 'naïve'].map(field) }
    case 'enum':
      return { kind, symbols: ['A', 'B', 'LONG_SYMBOL'] }
    case 'decimal':
      return { kind, precision: 38, scale: 2 }
    default:
      return { kind }
  }
}

function randomSchema(rng: Rng): Schema {
  const names = ['id', 'constructor', '__proto__', 'ab', 'ba', 'x'.repeat(70)].slice(0, 1 + rng.int(6))
  return { fields: names.map((name) => ({ name, type: randomType(rng, 2), nullable: rng.chance(0.5) })) }
}

describe('JSON decoder, random', () => {
  it('reads what the text says, in strict and lenient mode', () => {
    fc.assert(
      fc.property(fc.integer(), fc.boolean(), (seed, lenient) => {
        const rng = createRng(seed)
        const schema = randomSchema(rng)
        const samples = Array.from({ length: 10 }, () => object(rng, schema.fields))
        // The samples themselves are JSON by JavaScript's own measure.
        for (const { json } of samples) JSON.parse(json)
        const decoder = compileJsonDecoder(schema, { mode: lenient ? 'lenient' : 'strict' })
        const builder = createBatchBuilder(schema, 0)
        const rejects: DecodeReject[] = []
        decoder.decodeInto(builder, rangesOf(samples.map(({ json }) => encoder.encode(json))), 0, 10, rejects)
        expect(rejects).toEqual([])
        expect(rowsOf(builder.finish())).toEqual(samples.map(({ row }) => row))
      }),
      { seed: 11, numRuns: 500 },
    )
  })

  it('reads back what the JSONL encoder writes', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const rng = createRng(seed)
        const schema = randomSchema(rng)
        const rows = Array.from({ length: 5 }, () => object(rng, schema.fields).row as Record<string, unknown>)
        const jsonl = createJsonlEncoder(schema)
        jsonl.append(batchFromRows(schema, rows))
        const lines = Buffer.from(jsonl.finish()).toString().trimEnd().split('\n')
        const builder = createBatchBuilder(schema)
        const rejects: DecodeReject[] = []
        compileJsonDecoder(schema).decodeInto(
          builder,
          rangesOf(lines.map((line) => encoder.encode(line))),
          0,
          5,
          rejects,
        )
        expect(rejects).toEqual([])
        expect(rowsOf(builder.finish())).toEqual(rows)
      }),
      { seed: 12, numRuns: 200 },
    )
  })

  it('isolates random damage and never takes what JSON.parse refuses', () => {
    let refused = 0
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const rng = createRng(seed)
        const schema = randomSchema(rng)
        const good = Array.from({ length: 11 }, () => object(rng, schema.fields))
        const records = good.map(({ json }, i) => {
          const bytes = [...encoder.encode(json)]
          if (i % 2 === 1) {
            const at = rng.int(bytes.length)
            const edit = rng.int(3)
            if (edit === 0) bytes.length = at
            else if (edit === 1) bytes.splice(at, 1)
            else bytes.splice(at, 1, rng.pick([...encoder.encode('{}[]",:\\0e.-n'), 0, 0x80, 0xff]))
          }
          return Uint8Array.from(bytes)
        })
        const builder = createBatchBuilder(schema)
        const rejects: DecodeReject[] = []
        const rowsOut = new Int32Array(records.length)
        const rows = compileJsonDecoder(schema).decodeInto(
          builder,
          rangesOf(records),
          0,
          records.length,
          rejects,
          rowsOut,
        )
        const decoded = rowsOf(builder.finish())
        refused += rejects.length
        expect(rows + rejects.length).toBe(records.length)
        expect(rejects.filter(({ index }) => index % 2 === 0)).toEqual([])
        for (let row = 0; row < rows; row++) {
          const index = rowsOut[row]!
          if (index % 2 === 0) expect(decoded[row]).toEqual(good[index]!.row)
          else JSON.parse(Buffer.from(records[index]!).toString())
        }
      }),
      { seed: 13, numRuns: 500 },
    )
    expect(refused).toBeGreaterThan(1000)
  })
})
