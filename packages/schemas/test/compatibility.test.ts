import { describe, expect, it } from 'vitest'
import {
  checkCompatibility,
  compatibilityModes,
  compatibilityRules,
  contracts,
  createRowCodec,
  describeProblem,
  SchemaError,
  type AvroSchema,
  type CompatibilityMode,
  type CompatibilityRule,
} from '../src/index.ts'
import {
  a,
  avroBreaks,
  avroHarmless,
  b,
  decimal,
  fixed,
  list,
  logical,
  of,
  one,
  symbols,
  type Type,
} from './support/compatibility-cases.ts'

/** Rule and path of what a reader of `reader` cannot read of `writer`. */
function refusals(writer: AvroSchema, reader: AvroSchema, options = {}): string[] {
  const { problems } = checkCompatibility(reader, [{ version: 1, schema: writer }], 'BACKWARD', options)
  return problems.map(({ rule, path }) => `${rule} ${path}`)
}

describe('Avro, by the resolution rules of the specification', () => {
  it.each(avroBreaks)('refuses %s', (_, writer, reader, expected) => {
    expect(refusals(writer, reader)).toEqual([expected])
  })

  it.each(avroHarmless)('lets pass %s', (_, writer, reader) => {
    expect(refusals(writer, reader)).toEqual([])
    expect(() => createRowCodec(writer, reader)).not.toThrow()
  })

  it('lists all problems, not the first only', () => {
    expect(
      refusals(of(a, { name: 's', type: 'string' }), of({ ...a, type: 'string' }, b, { name: 's', type: 'int' })),
    ).toEqual(['type_changed a', 'field_without_default b', 'type_changed s'])
  })

  it('judges the branch that the decoders take, not the one that would fit best', () => {
    const unions = (...branches: Type[]) => one(branches as AvroSchema)
    // Both decoders take the first branch of the kind of the writer that resolves: here the enum that lacks B.
    const first = { ...symbols(['A']), namespace: 'x' }
    const second = { ...symbols(['A', 'B']), namespace: 'y' }
    expect(refusals(one(second), unions(first, second))).toEqual(['enum_symbol_unknown f'])
    expect(refusals(one(second), unions(second, first))).toEqual([])
  })

  it('ends on recursive schemas, the same and different ones', () => {
    const tree = (value: Type, more: object[] = []): AvroSchema =>
      of(
        { name: 'value', type: value },
        { name: 'kids', type: list('R') },
        { name: 'next', type: ['null', 'R'] },
        ...more,
      )
    expect(refusals(tree('int'), tree('int'))).toEqual([])
    expect(refusals(tree('int'), tree('long', [{ ...b, default: 1 }]))).toEqual([])
    expect(refusals(tree('long'), tree('int'))).toEqual(['type_narrowed value'])
    // Unrolled once on one side: an endless type all the same.
    const unrolled = of({
      name: 'next',
      type: ['null', { type: 'record', name: 'R2', aliases: ['R'], fields: [{ name: 'next', type: ['null', 'R'] }] }],
    })
    const plain = of({ name: 'next', type: ['null', 'R'] })
    expect(refusals(plain, unrolled)).toEqual([])
  })

  it('finds that a branch of a recursive union does not resolve only after going round', () => {
    const tree = (leaf: string): AvroSchema => {
      const x = { type: 'record', name: 'X', fields: [{ name: 'back', type: ['null', 'R'] }] }
      return of({ name: 'x', type: ['string', x] }, { name: 'leaf', type: leaf })
    }
    expect(refusals(tree('long'), tree('int'))).toContain('type_narrowed leaf')
    expect(refusals(tree('int'), tree('long'))).toEqual([])
  })

  it('stays small on named types used in many places', () => {
    let type: Type = 'string'
    let reader: Type = 'int'
    for (let i = 0; i < 20; i++) {
      const wrap = (inside: Type) => ({
        type: 'record',
        name: `L${i}`,
        fields: [
          { name: 'a', type: inside },
          { name: 'b', type: i === 0 ? 'int' : `L${i - 1}` },
        ],
      })
      type = wrap(type)
      reader = wrap(reader)
    }
    expect(refusals(type as AvroSchema, reader as AvroSchema)).toEqual([`type_changed ${'a.'.repeat(19)}a`])
  })

  it('refuses what is no schema, naming the version', () => {
    const check = (schema: AvroSchema) => checkCompatibility(of(a), [{ version: 3, schema }], 'FULL')
    expect(() => check({ type: 'record', name: 'R' })).toThrow(SchemaError)
    expect(() => check({ type: 'record', name: 'R' })).toThrow(/version 3/)
  })
})

const json = { format: 'json' } as const
const closed = { format: 'json', jsonReaders: 'closed' } as const

describe('JSON: closed on write, open on read', () => {
  const breaks: readonly [string, AvroSchema, AvroSchema, string, object?][] = [
    ['a field added without default', of(a), of(a, b), 'field_without_default b'],
    [
      'a field renamed, for aliases do not travel',
      of(a),
      of({ name: 'c', type: 'int', aliases: ['a'] }),
      'field_without_default c',
    ],
    ['null no longer taken', one(['null', 'int']), one('int'), 'null_not_accepted f'],
    ['null no longer taken in a list', one(list(['null', 'int'])), one(list('int')), 'null_not_accepted f[]'],
    ['text for a number', one('int'), one('string'), 'type_changed f'],
    ['long read as int', one('long'), one('int'), 'type_narrowed f'],
    ['double read as float', one('double'), one('float'), 'type_narrowed f'],
    ['a timestamp read as a number', one(logical('long', 'timestamp-millis')), one('long'), 'type_narrowed f'],
    [
      'another unit',
      one(logical('long', 'timestamp-millis')),
      one(logical('long', 'timestamp-micros')),
      'logical_type_changed f',
    ],
    ['a double to a decimal', one('double'), one(decimal(20, 4)), 'type_changed f'],
    ['an int to a decimal too small', one('int'), one(decimal(9, 2)), 'decimal_digits_reduced f'],
    ['a scale reduced', one(decimal(9, 3)), one(decimal(9, 2)), 'decimal_scale_changed f'],
    ['fewer digits', one(decimal(9, 2)), one(decimal(9, 3)), 'decimal_digits_reduced f'],
    [
      'a symbol removed, default or not',
      one(symbols(['A', 'B'])),
      one(symbols(['A'], { default: 'A' })),
      'enum_symbol_unknown f',
    ],
    ['bytes to text', one('bytes'), one('string'), 'type_changed f'],
    ['a fixed resized', one(fixed(4)), one(fixed(8)), 'fixed_size_changed f'],
    ['text to uuid', one('string'), one(logical('string', 'uuid')), 'type_narrowed f'],
    ['a default that is none', of(a), of(a, { ...b, default: 'one' }), 'default_invalid '],
    ['a union of several types', one('int'), one(['int', 'string']), 'shape_unsupported f'],
    ['recursion', of(a), of(a, { name: 'next', type: ['null', 'R'], default: null }), 'shape_unsupported '],
    ['a new field, to closed readers', of(a, b), of(a), 'field_unknown b', closed],
    [
      'null for a default, to closed readers',
      one(['null', 'int']),
      one('int', { default: 1 }),
      'null_not_accepted f',
      closed,
    ],
  ]
  it.each(breaks)('refuses %s', (_, writer, reader, expected, options = json) => {
    expect(refusals(writer, reader, options)).toContain(expected)
  })

  it.each([
    ['a nullable field added', of(a), of(a, { name: 'n', type: ['null', 'int'] })],
    ['a field added with default', of(a), of(a, { ...b, default: 0 })],
    ['a field removed', of(a, b), of(a)],
    ['a record renamed', of(a), { type: 'record', name: 'Q', fields: [a] }],
    ['null where a default stands in', one(['null', 'int']), one('int', { default: 1 })],
    ['an enum made text', one(symbols(['A'])), one('string')],
    ['an int to a decimal', one('int'), one(decimal(12, 2))],
    ['a finer decimal', one(decimal(9, 2)), one(decimal(12, 4))],
    ['a long called a timestamp', one('long'), one(logical('long', 'timestamp-millis'))],
    ['int to double', one('int'), one('double')],
  ] as [string, AvroSchema, AvroSchema][])('lets pass %s', (_, writer, reader) => {
    expect(refusals(writer, reader, json)).toEqual([])
  })
})

describe('modes', () => {
  const v1 = of(a)
  const v2 = of(a, { ...b, default: 0 })
  const v3 = of(a, b)
  const history = (...schemas: AvroSchema[]) => schemas.map((schema, i) => ({ version: i + 1, schema }))
  const check = (next: AvroSchema, mode: CompatibilityMode, ...before: AvroSchema[]) =>
    checkCompatibility(next, history(...before), mode)

  it('asks each mode for its directions, against the last version or all', () => {
    // v3 drops the default: it reads v2, not v1; both read v3.
    const verdicts = compatibilityModes.map((mode) => [mode, check(v3, mode, v1, v2).compatible])
    expect(Object.fromEntries(verdicts)).toEqual({
      BACKWARD: true,
      BACKWARD_TRANSITIVE: false,
      FORWARD: true,
      FORWARD_TRANSITIVE: true,
      FULL: true,
      FULL_TRANSITIVE: false,
      NONE: true,
    })
    const backwards = compatibilityModes.map((mode) => [mode, check(v1, mode, v3, v2).compatible])
    expect(Object.fromEntries(backwards)).toEqual({
      BACKWARD: true,
      BACKWARD_TRANSITIVE: true,
      FORWARD: true,
      FORWARD_TRANSITIVE: false,
      FULL: true,
      FULL_TRANSITIVE: false,
      NONE: true,
    })
  })

  it('names path, rule, direction, version and who must deploy first', () => {
    const { problems } = check(of(b), 'FULL_TRANSITIVE', v1)
    expect(problems).toMatchObject([
      { path: 'b', rule: 'field_without_default', direction: 'new-reads-old', deployFirst: 'writers', version: 1 },
      { path: 'a', rule: 'field_without_default', direction: 'old-reads-new', deployFirst: 'readers', version: 1 },
    ])
    expect(describeProblem(problems[0]!)).toMatch(
      /^b: .*\[field_without_default\]: new readers cannot read data of version 1; writers/,
    )
    expect(describeProblem(problems[1]!)).toMatch(/^a: .*readers of version 1 cannot read new data; all readers/)
  })

  it('says in which order a change may be deployed, whatever the mode asks', () => {
    expect(check(v2, 'NONE', v1).deployFirst).toBe('either')
    expect(check(v3, 'NONE', v1).deployFirst).toBe('writers')
    expect(check(v1, 'NONE', v3).deployFirst).toBe('readers')
    expect(check(of(b), 'NONE', v1).deployFirst).toBe('none')
  })

  it('passes a first version', () => {
    expect(check(v1, 'FULL_TRANSITIVE')).toEqual({
      mode: 'FULL_TRANSITIVE',
      compatible: true,
      problems: [],
      deployFirst: 'either',
    })
  })

  it('refuses a mode that is none', () => {
    expect(() => check(v1, 'full' as CompatibilityMode, v1)).toThrow(/mode must be one of/)
  })

  it('finds UserEvent v1 and v2 FULL_TRANSITIVE compatible, as the specification of the domain wants', () => {
    const { versions } = contracts['ecommerce.UserEvent']
    expect(checkCompatibility(versions[1]!.schema, versions.slice(0, 1), 'FULL_TRANSITIVE').problems).toEqual([])
  })
})

it('every rule has a case that breaks it', () => {
  const covered = new Set<string>(avroBreaks.map(([, , , expected]) => expected.split(' ')[0]!))
  const jsonOnly: CompatibilityRule[] = ['field_unknown', 'shape_unsupported']
  expect([...covered, ...jsonOnly].sort()).toEqual(Object.keys(compatibilityRules).sort())
})
