import avro from 'avsc'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  canonicalSchema,
  contracts,
  parseSchema,
  schemaFingerprint,
  SchemaError,
  type AvroSchema,
} from '../src/index.ts'
import { schemas } from './support/arbitraries.ts'

function problem(schema: AvroSchema, limits = {}): string {
  try {
    parseSchema(schema, limits)
  } catch (error) {
    if (error instanceof SchemaError) return error.code
    throw error
  }
  return 'parsed'
}

describe('schema caps (input 11)', () => {
  it('refuses huge text before parsing it', () => {
    expect(problem(`"${'x'.repeat(2_000_000)}`)).toBe('SCHEMA_TOO_LARGE')
  })

  it('refuses deep nesting, as text and as an object, without the call stack', () => {
    expect(problem('{"type":"array","items":'.repeat(30_000) + '"int"' + '}'.repeat(30_000))).toBe('SCHEMA_TOO_LARGE')
    let deep: AvroSchema = 'int'
    for (let i = 0; i < 100_000; i++) deep = { type: 'array', items: deep as object }
    expect(problem(deep)).toBe('SCHEMA_TOO_LARGE')
    const cyclic: Record<string, unknown> = { type: 'array' }
    cyclic['items'] = cyclic
    expect(problem(cyclic as AvroSchema)).toBe('SCHEMA_TOO_LARGE')
  })

  it('caps fields and symbols', () => {
    const fields = Array.from({ length: 11 }, (_, i) => ({ name: `f${i}`, type: 'int' }))
    const symbols = fields.map((field) => field.name)
    expect(problem({ type: 'record', name: 'R', fields }, { maxFields: 10 })).toBe('SCHEMA_TOO_LARGE')
    expect(problem({ type: 'enum', name: 'E', symbols }, { maxSymbols: 10 })).toBe('SCHEMA_TOO_LARGE')
    expect(problem({ type: 'record', name: 'R', fields }, { maxFields: 11 })).toBe('parsed')
  })

  it('refuses a record that contains itself without an end', () => {
    const self = (type: unknown): AvroSchema =>
      ({ type: 'record', name: 'A', fields: [{ name: 'a', type }] }) as AvroSchema
    expect(problem(self('A'))).toBe('SCHEMA_INVALID')
    expect(problem(self(['A']))).toBe('SCHEMA_INVALID')
    expect(problem(self({ type: 'record', name: 'B', fields: [{ name: 'b', type: 'A' }] }))).toBe('SCHEMA_INVALID')
    expect(problem(self(['null', 'A']))).toBe('parsed')
    expect(problem(self({ type: 'array', items: 'A' }))).toBe('parsed')
  })
})

describe('schema parsing', () => {
  it.each([
    ['{', 'text that is no JSON'],
    ['nope', 'an unknown name'],
    [[], 'an empty union'],
    [['int', 'int'], 'a union of equal branches'],
    [['int', ['null']], 'a union in a union'],
    [{ type: 'record', name: 'R', fields: [{ name: 'a-b', type: 'int' }] }, 'a name with code characters'],
    [{ type: 'record', name: 'R; DROP', fields: [] }, 'a type name with code characters'],
    [
      {
        type: 'record',
        name: 'R',
        fields: [
          { name: 'a', type: 'int' },
          { name: 'a', type: 'int' },
        ],
      },
      'two equal fields',
    ],
    [{ type: 'enum', name: 'E', symbols: ['A', 'A'] }, 'two equal symbols'],
    [{ type: 'enum', name: 'E', symbols: ['A'], default: 'B' }, 'an enum default that is no symbol'],
    [{ type: 'fixed', name: 'F', size: -1 }, 'a negative size'],
    [{ type: 'array' }, 'an array without items'],
    [['int', { type: 'fixed', name: 'int', size: 1 }], 'a reserved name'],
  ] as [AvroSchema, string][])('refuses %j: %s', (schema) => {
    expect(problem(schema)).toBe('SCHEMA_INVALID')
  })

  it('resolves names by namespace, nearest first', () => {
    const node = parseSchema({
      type: 'record',
      name: 'a.R',
      fields: [
        { name: 'x', type: { type: 'fixed', name: 'F', size: 1 } },
        { name: 'y', type: { type: 'record', name: 'Q', namespace: 'b', fields: [{ name: 'f', type: 'a.F' }] } },
        { name: 'z', type: 'F' },
      ],
    })
    expect(node).toMatchObject({
      name: 'a.R',
      fields: [{ type: { name: 'a.F' } }, { type: { name: 'b.Q' } }, { type: { name: 'a.F' } }],
    })
  })

  it('ignores a logical type that is invalid or misplaced, as the specification asks', () => {
    expect(parseSchema({ type: 'bytes', logicalType: 'decimal', precision: 2, scale: 3 })).toEqual({ kind: 'bytes' })
    expect(parseSchema({ type: 'int', logicalType: 'timestamp-millis' })).toEqual({ kind: 'int' })
    expect(parseSchema({ type: 'fixed', name: 'F', size: 2, logicalType: 'decimal', precision: 5 })).not.toHaveProperty(
      'logical',
    )
    expect(parseSchema({ type: 'fixed', name: 'F', size: 2, logicalType: 'decimal', precision: 4 })).toHaveProperty(
      'logical',
    )
  })

  it('accepts what avsc accepts', () => {
    fc.assert(
      fc.property(schemas, (schema) => {
        const text = JSON.stringify(schema)
        // avsc knows no fixed of size 0 and no symbol named like an object member.
        fc.pre(!text.includes(`"size":0`) && !/"symbols":\["(__proto__|constructor)"/.test(text))
        expect(() => avro.Type.forSchema(JSON.parse(text) as avro.Schema)).not.toThrow()
        expect(parseSchema(text)).toEqual(parseSchema(schema))
      }),
      { seed: 17, numRuns: 150 },
    )
  })
})

describe('canonical form', () => {
  it('has the parsing canonical form of avsc where no logical type, default or alias is', () => {
    const schema: AvroSchema = {
      type: 'record',
      name: 'R',
      namespace: 'n',
      doc: 'dropped',
      fields: [
        { name: 'a', type: { type: 'enum', name: 'E', symbols: ['A'] }, doc: 'dropped' },
        { name: 'b', type: ['null', { type: 'map', values: 'E' }] },
        { name: 'c', type: { type: 'array', items: { type: 'fixed', name: 'F', size: 3 } } },
      ],
    }
    expect(canonicalSchema(schema)).toBe(JSON.stringify(avro.Type.forSchema(schema as avro.Schema).schema()))
  })

  it('does not depend on spelling, but on everything a reader sees', () => {
    const base = {
      type: 'record',
      name: 'n.R',
      fields: [{ name: 'a', type: { type: 'bytes', logicalType: 'decimal', precision: 5, scale: 2 } }],
    }
    const same = {
      fields: [{ doc: 'd', type: { scale: 2, precision: 5, logicalType: 'decimal', type: 'bytes' }, name: 'a' }],
      namespace: 'n',
      name: 'R',
      type: 'record',
    }
    expect(schemaFingerprint(same)).toBe(schemaFingerprint(base))
    expect(schemaFingerprint(JSON.stringify(base))).toBe(schemaFingerprint(base))
    const others = [
      JSON.stringify(base).replace('"scale":2', '"scale":3'),
      JSON.stringify(base).replace('"name":"a"', '"name":"a","default":"\\u0001"'),
      JSON.stringify(base).replace('"name":"a"', '"name":"a","aliases":["z"]'),
    ]
    expect(new Set([base, ...others].map((schema) => schemaFingerprint(schema as AvroSchema))).size).toBe(4)
  })

  it('is a schema again, the same one', () => {
    for (const contract of Object.values(contracts)) {
      expect(canonicalSchema(canonicalSchema(contract.schema))).toBe(canonicalSchema(contract.schema))
    }
  })
})
