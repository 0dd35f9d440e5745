import type { AvroSchema } from '../../src/index.ts'

export type Type = AvroSchema | object

export const of = (...fields: object[]): AvroSchema => ({ type: 'record', name: 'R', fields })
export const one = (type: Type, more = {}): AvroSchema => of({ name: 'f', type, ...more })
export const symbols = (names: readonly string[], more = {}) => ({ type: 'enum', name: 'E', symbols: names, ...more })
export const fixed = (size: number, more = {}) => ({ type: 'fixed', name: 'F', size, ...more })
export const decimal = (precision: number, scale: number) => ({
  type: 'bytes',
  logicalType: 'decimal',
  precision,
  scale,
})
export const logical = (type: string, logicalType: string) => ({ type, logicalType })
export const list = (items: Type) => ({ type: 'array', items })
export const inner = (type: Type, more = {}) => ({
  type: 'record',
  name: 'Inner',
  fields: [{ name: 'x', type }],
  ...more,
})

export const a = { name: 'a', type: 'int' }
export const b = { name: 'b', type: 'int' }

/** Breaking changes: what is written, what is read, and the code. From the resolution rules of the specification. */
export const avroBreaks: readonly [string, AvroSchema, AvroSchema, string][] = [
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
export const avroHarmless: readonly [string, AvroSchema, AvroSchema][] = [
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
