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

type Type = AvroSchema | object

const of = (...fields: object[]): AvroSchema => ({ type: 'record', name: 'R', fields })
const one = (type: Type, more = {}): AvroSchema => of({ name: 'f', type, ...more })
const symbols = (names: readonly string[], more = {}) => ({ type: 'enum', name: 'E', symbols: names, ...more })
const fixed = (size: number, more = {}) => ({ type: 'fixed', name: 'F', size, ...more })
const decimal = (precision: number, scale: number) => ({ type: 'bytes', logicalType: 'decimal', precision, scale })
const logical = (type: string, logicalType: string) => ({ type, logicalType })
const list = (items: Type) => ({ type: 'array', items })
const inner = (type: Type, more = {}) => ({ type: 'record', name: 'Inner', fields: [{ name: 'x', type }], ...more })

/** Rule and path of what a reader of `reader` cannot read of `writer`. */
function refusals(writer: AvroSchema, reader: AvroSchema, options = {}): string[] {
  const { problems } = checkCompatibility(reader, [{ version: 1, schema: writer }], 'BACKWARD', options)
  return problems.map(({ rule, path }) => `${rule} ${path}`)
}

const a = { name: 'a', type: 'int' }
const b = { name: 'b', type: 'int' }

/** Breaking changes: what is written, what is read, and the code. From the resolution rules of the specification. */
const avroBreaks: readonly [string, AvroSchema, AvroSchema, string][] = [
  ['a field added without default', of(a), of(a, b), 'field_without_default b'],
  ['a field removed that readers need', of(b), of(a, b), 'field_without_default a'],
  ['a field renamed without alias', one('int'), of({ name: 'g', type: 'int' }), 'field_without_default g'],
  ['an alias on the wrong side', of({ ...a, aliases: ['b'] }), of(b), 'field_without_default b'],
  ['text for a number', one('int'), one('string'), 'type_changed f'],
  ['a number for text', one('string'), one('long'), 'type_changed f'],
  ['boolean for int', one('int'), one('boolean'), 'type_changed f'],
  ['fixed for bytes', one('bytes'), one(fixed(4)), 'type_changed f'],
  ['string for fixed', one(fixed(4)), one('string'), 'type_changed f'],
  ['an enum for text', one('string'), one(symbols(['A'])), 'type_changed f'],
  ['text for an enum', one(symbols(['A'])), one('string'), 'type_changed f'],
  ['a list for one', one('int'), one(list('int')), 'type_changed f'],
  ['one for a list', one(list('int')), one('int'), 'type_changed f'],
  ['a map for a record', one(inner('int')), one({ type: 'map', values: 'int' }), 'type_changed f'],
  ['long read as int', one('long'), one('int'), 'type_narrowed f'],
  ['double read as float', one('double'), one('float'), 'type_narrowed f'],
  ['double read as long', one('double'), one('long'), 'type_narrowed f'],
  ['float read as int', one('float'), one('int'), 'type_narrowed f'],
  ['bytes read as text', one('bytes'), one('string'), 'bytes_not_text f'],
  ['a record renamed', of(a), { type: 'record', name: 'Q', fields: [a] }, 'name_changed '],
  ['a nested record renamed', one(inner('int')), one({ ...inner('int'), name: 'Other' }), 'name_changed f'],
  ['an enum renamed', one(symbols(['A'])), one(symbols(['A'], { name: 'G' })), 'name_changed f'],
  ['a fixed renamed', one(fixed(4)), one(fixed(4, { name: 'G' })), 'name_changed f'],
  ['a fixed resized', one(fixed(4)), one(fixed(8)), 'fixed_size_changed f'],
  ['a symbol removed', one(symbols(['A', 'B'])), one(symbols(['A'])), 'enum_symbol_unknown f'],
  ['a symbol renamed', one(symbols(['A', 'B'])), one(symbols(['A', 'C'])), 'enum_symbol_unknown f'],
  ['null no longer taken', one(['null', 'int']), one('int'), 'null_not_accepted f'],
  ['null no longer in a union', one(['null', 'int']), one(['int', 'string']), 'null_not_accepted f'],
  ['a branch removed', one(['int', 'string']), one(['null', 'int']), 'union_branch_unreadable f'],
  ['a branch narrowed', one(['long', 'string']), one(['int', 'string']), 'union_branch_unreadable f'],
  ['the type of a union changed', one('boolean'), one(['int', 'string']), 'union_without_type f'],
  ['the type under null changed', one(['null', 'string']), one(['null', 'int']), 'type_changed f'],
  [
    'milliseconds to microseconds',
    one(logical('long', 'timestamp-millis')),
    one(logical('long', 'timestamp-micros')),
    'logical_type_changed f',
  ],
  [
    'UTC to local',
    one(logical('long', 'timestamp-millis')),
    one(logical('long', 'local-timestamp-millis')),
    'logical_type_changed f',
  ],
  ['a date to a time', one(logical('int', 'date')), one(logical('int', 'time-millis')), 'logical_type_changed f'],
  [
    'a time of int to one of long',
    one(logical('int', 'time-millis')),
    one(logical('long', 'time-micros')),
    'logical_type_changed f',
  ],
  ['text to uuid', one('string'), one(logical('string', 'uuid')), 'logical_type_added f'],
  ['bytes to decimal', one('bytes'), one(decimal(9, 2)), 'logical_type_added f'],
  ['fixed to decimal', one(fixed(8)), one(fixed(8, { logicalType: 'decimal', precision: 10 })), 'logical_type_added f'],
  ['another scale', one(decimal(9, 2)), one(decimal(9, 3)), 'decimal_scale_changed f'],
  ['fewer digits', one(decimal(9, 2)), one(decimal(7, 2)), 'decimal_digits_reduced f'],
  ['a decimal to text', one(decimal(9, 2)), one('string'), 'type_changed f'],
  ['two aliases of one field', of(a, b), of({ name: 'c', type: 'int', aliases: ['a', 'b'] }), 'alias_ambiguous c'],
  ['a default that is none', of(a), of(a, { ...b, default: 'one' }), 'default_invalid b'],
  ['inside a list', one(list(inner('long'))), one(list(inner('int'))), 'type_narrowed f[].x'],
  ['inside a map', one({ type: 'map', values: 'string' }), one({ type: 'map', values: 'int' }), 'type_changed f[]'],
  ['inside a nullable record', one(['null', inner('string')]), one(['null', inner('int')]), 'type_changed f.x'],
]

/** Changes that every reader survives. */
const avroHarmless: readonly [string, AvroSchema, AvroSchema][] = [
  ['a field added with default', of(a), of(a, { ...b, default: 0 })],
  ['a nullable field added', of(a), of(a, { name: 'n', type: ['null', 'string'], default: null })],
  ['a field removed', of(a, b), of(a)],
  ['fields reordered', of(a, b), of(b, a)],
  ['a field renamed with alias', of(a), of({ name: 'c', type: 'int', aliases: ['a'] })],
  ['a name before an alias', of(a, b), of({ ...a, aliases: ['b'] })],
  ['int to long', one('int'), one('long')],
  ['long to double', one('long'), one('double')],
  ['float to double', one('float'), one('double')],
  ['text to bytes', one('string'), one('bytes')],
  ['a type made nullable', one('int'), one(['null', 'int'])],
  ['a branch added', one(['null', 'int']), one(['null', 'int', 'string'])],
  ['a union reordered', one(['null', 'int']), one(['int', 'null'])],
  ['a branch promoted', one(['null', 'int']), one(['long', 'null'])],
  ['a union of one read as it', one(['int']), one('int')],
  ['a symbol added', one(symbols(['A'])), one(symbols(['A', 'B']))],
  ['a symbol removed, with default', one(symbols(['A', 'B'])), one(symbols(['A'], { default: 'A' }))],
  ['symbols reordered', one(symbols(['A', 'B'])), one(symbols(['B', 'A']))],
  ['another namespace', one(inner('int')), one(inner('int', { namespace: 'other' }))],
  ['a record renamed with alias', one(inner('int')), one(inner('int', { name: 'New', aliases: ['Inner'] }))],
  ['more digits', one(decimal(9, 2)), one(decimal(12, 2))],
  ['a long called a timestamp', one('long'), one(logical('long', 'timestamp-millis'))],
  ['a logical type taken away', one(logical('string', 'uuid')), one('string')],
  ['documentation', one('int'), one('int', { doc: 'what it is' })],
  ['an unknown property', one('int'), one('int', { 'x-owner': 'team' })],
]

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
