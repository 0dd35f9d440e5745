import type { Mutant } from './mutant.ts'

const readers = 'columnar/src/json/readers.ts'
const cursor = 'columnar/src/json/cursor.ts'
const scalars = 'columnar/src/json/scalar-readers.ts'
const numbers = 'columnar/src/json/numbers.ts'
const temporal = 'columnar/src/json/temporal.ts'
const both = ['events_raw', 'telco.customers']

/** A mutant that leaves one statement out, or puts another in its place. */
const without = (
  name: string,
  file: string,
  find: string,
  guards: readonly string[],
  replace = '',
  feeds: readonly string[] = both,
): Mutant => ({ name: `JSON: ${name}`, edits: [{ file, find, replace }], feeds, guards })

/** Strictness of the JSON decoder. */
export const jsonMutants: readonly Mutant[] = [
  without('byte order mark', readers, "if (!lenient) cursor.fail('json_bom', '', 'no byte order mark')", ['json_bom']),
  without('unknown field', readers, "if (!lenient) cursor.fail('field_unknown', path, 'fields of the schema only')", [
    'field_unknown',
  ]),
  without('repeated field', readers, "else if (!lenient) cursor.fail('json_duplicate', paths[f]!, 'the field once')", [
    'json_duplicate',
  ]),
  without(
    'missing field',
    readers,
    "return () => cursor.fail('field_missing', path, 'the field')",
    ['field_missing'],
    'return (set, i) => writeNull(set, node, i)',
  ),
  without(
    'trailing bytes',
    readers,
    "if (!cursor.atEnd()) cursor.fail('trailing_bytes', '', 'the end of the record')",
    ['trailing_bytes'],
  ),
  without(
    'null in a required field',
    readers,
    "else cursor.fail('type_mismatch', path, 'a value, not null')",
    ['type_mismatch'],
    'else writeNull(set, node, i)',
  ),
  without(
    'object where a record is due',
    readers,
    "if (byte !== OPEN_OBJECT) cursor.fail('type_mismatch', path, 'an object')\n      if (depth >= maxDepth) tooDeep(path)\n      cursor.pos++\n      const current",
    ['type_mismatch'],
    'cursor.pos++\n      const current',
  ),
  without('string where one is due', scalars, 'if (byte !== 0x22) wrongType(expected)', ['type_mismatch']),
  without(
    'number where one is due',
    scalars,
    '} else wrongType(expected)\n    if (cursor.to',
    ['type_mismatch'],
    '} else cursor.number(path)\n    if (cursor.to',
  ),
  without(
    'number in a string where a decimal is due',
    scalars,
    'if (!cursor.textIsNumber()) wrongType(expected)\n    } else',
    ['type_mismatch'],
    'if (!cursor.textIsNumber()) cursor.to = cursor.from\n    } else',
  ),
  without(
    'true or false where a boolean is due',
    scalars,
    "else wrongType('true or false')",
    ['type_mismatch'],
    'else cursor.string(path)',
    ['telco.customers'],
  ),
  without('exponent of an integer', numbers, 'if (cursor.exponent >= 0) return -1\n', ['number_inexact'], '\n', [
    'telco.customers',
  ]),
  without('fraction of an integer', numbers, 'if (!allowZeroFraction) return -1\n', ['number_inexact'], '\n', [
    'telco.customers',
  ]),
  without(
    'fraction other than zero of an integer',
    numbers,
    'if (cursor.point < 0) return cursor.to\n',
    ['number_inexact'],
    'return cursor.to\n',
    ['telco.customers'],
  ),
  without(
    'range of an int',
    scalars,
    "if (Number.isNaN(value)) cursor.fail('number_range', path, 'a 32-bit integer')",
    ['number_range'],
    '',
    ['telco.customers'],
  ),
  without(
    'range of a long',
    scalars,
    "if (!writeLong(cursor, integer(), words, 2 * i)) cursor.fail('number_range', path, 'a 64-bit integer')",
    ['number_range'],
    'writeLong(cursor, integer(), words, 2 * i)',
  ),
  without(
    'digits of a decimal',
    scalars,
    "if (outcome === 'precision') cursor.fail('decimal_precision', path, `at most ${precision} digits`)",
    ['decimal_precision'],
    '',
    ['telco.customers'],
  ),
  without(
    'fraction digits of a decimal',
    scalars,
    "if (outcome === 'inexact') cursor.fail('number_inexact', path, `at most ${scale} digits after the point`)",
    ['number_inexact'],
    '',
    ['telco.customers'],
  ),
  without(
    'symbol of an enum',
    scalars,
    "if (symbol < 0) cursor.fail('enum_symbol', path, 'a symbol of the enum')",
    ['enum_symbol'],
    'if (symbol < 0) return',
    ['events_raw'],
  ),
  without(
    'form of a time',
    scalars,
    'if (temporal.timestamp(cursor, digits, type.utc, ints, 2 * i)) return',
    ['time_invalid'],
    'temporal.timestamp(cursor, digits, type.utc, ints, 2 * i)\n          return',
  ),
  without('days of a month', temporal, 'if (day > daysInMonth[month - 1]! + (leap ? 1 : 0)) failed = true', [
    'time_invalid',
  ]),
  without('T between date and time', temporal, 'else byte(0x54)\n', ['time_invalid'], 'else byte(0x54, 0x20)\n'),
  without(
    'zone of a time',
    temporal,
    'if (mark !== 0x2b && mark !== 0x2d) {\n      failed = true\n',
    ['time_invalid'],
    'if (mark !== 0x2b && mark !== 0x2d) {\n',
  ),
  without(
    'UTF-8',
    cursor,
    "if (all > 0x7f && !isValidUtf8(bytes, from, p)) this.fail('utf8_invalid', path, 'valid UTF-8')",
    ['utf8_invalid'],
  ),
  without(
    'second half of a surrogate pair',
    cursor,
    "if (low < 0xdc00 || low > 0xdfff) this.fail('utf8_invalid', path, 'no lone surrogate')",
    ['utf8_invalid'],
  ),
  without(
    'comma between fields',
    readers,
    "readers[f]!(set, i)\n          }\n          const end = cursor.peek(path)\n          cursor.pos++\n          if (end === CLOSE_OBJECT) break\n          if (end !== COMMA) cursor.fail('json_syntax', path, 'a comma or }')",
    ['json_syntax'],
    'readers[f]!(set, i)\n          }\n          const end = cursor.peek(path)\n          cursor.pos++\n          if (end === CLOSE_OBJECT) break',
  ),
  without(
    'quote of a name',
    readers,
    "if (cursor.peek(path) !== QUOTE) cursor.fail('json_syntax', path, 'a key')\n          cursor.string(path)",
    ['json_syntax'],
    'cursor.peek(path)\n          cursor.string(path)',
  ),
  without(
    'colon behind a name',
    readers,
    "const f = names.find(cursor, next)\n          if (cursor.peek(path) !== COLON) cursor.fail('json_syntax', path, 'a colon')",
    ['json_syntax'],
    'const f = names.find(cursor, next)\n          cursor.peek(path)',
  ),
  without(
    'control characters in a string',
    cursor,
    'if (byte === QUOTE || byte === BACKSLASH || byte < 0x20) break',
    ['json_syntax'],
    'if (byte === QUOTE || byte === BACKSLASH) break',
  ),
  without('escapes', cursor, "if (plain === 0) this.fail('json_syntax', path, 'an escape that JSON knows')", [
    'json_syntax',
  ]),
  without('leading zeros', cursor, 'if (text[p] === 0x30) p++\n    else while', ['json_syntax'], 'while', [
    'telco.customers',
  ]),
  without(
    'white space',
    cursor,
    "this.fail('json_syntax', path, 'a JSON value')\n      p++",
    ['json_syntax'],
    'p += 0\n      p++',
  ),
  without(
    'letters of a literal',
    cursor,
    "if (this.bytes[this.pos + i] !== word[i]) this.fail('json_syntax', path, 'true, false or null')",
    ['json_syntax'],
    '',
    ['telco.customers'],
  ),
  without(
    'end of the text',
    cursor,
    "return this.fail('truncated', path, 'more JSON text')",
    ['truncated'],
    'return -1',
  ),
  without(
    'end of a literal',
    cursor,
    "if (this.pos + i >= this.end) this.fail('truncated', path, 'a whole literal')",
    ['truncated'],
    '',
    ['telco.customers'],
  ),
  without(
    'end of a string',
    cursor,
    "if (p >= end) this.fail('truncated', path, 'the end of a string')\n    if (byte < 0x20)",
    ['truncated'],
    'if (byte < 0x20)',
    ['telco.customers'],
  ),
]
