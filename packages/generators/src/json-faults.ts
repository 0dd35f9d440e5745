import { type AvroNode, type AvroSchema, parseSchema } from '@sluice/schemas'
import type { Row } from './domain.ts'
import type { FaultName } from './fault-names.ts'
import { compileJson, objectText, type ObjectText, RawJson } from './json-encoder.ts'
import type { JsonStyle } from './json-style.ts'
import type { Random } from './prng.ts'
import { decimalScale, fieldsOf, isNullable, presentBranch, type SchemaField, timestampUnit } from './schema-fields.ts'
import type { DamagedValue, DamageRow } from './value-format.ts'

/** A field and the names that lead to the record which holds it. */
interface Place {
  readonly holder: readonly string[]
  readonly field: SchemaField
}

/** Text that is put in place of a value, with the only code it can get. */
type Wrong = readonly [text: string, code: string]

/** Byte that stands for broken UTF-8 while a value is still text; JSON text never holds it. */
const brokenMark = '\u0000'

/** Lone continuation, overlong slash, lead byte without its continuation, surrogate half, beyond U+10FFFF. */
const brokenUtf8 = [[0x80], [0xc0, 0xaf], [0xc3, 0x28], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80]]

/** All fields of records directly inside records; lists are left alone, as they can be empty. */
function placesOf(fields: readonly SchemaField[], holder: readonly string[] = []): Place[] {
  return fields.flatMap((field) => {
    const node = presentBranch(field.type)
    const inner = node.kind === 'record' ? placesOf(node.fields, [...holder, field.name]) : []
    return [{ holder, field }, ...inner]
  })
}

/** Values that a strict reader of the type refuses, each for one reason. */
function wrongValues(node: AvroNode, nullable: boolean): Wrong[] {
  const wrong: Wrong[] = nullable ? [] : [['null', 'type_mismatch']]
  const mismatch = (...texts: readonly string[]): void => {
    for (const text of texts) wrong.push([text, 'type_mismatch'])
  }
  switch (node.kind) {
    case 'boolean':
      mismatch('"true"', '1', '"yes"')
      break
    case 'int':
      mismatch('"12"', 'true', '[12]')
      if (node.logical !== undefined) break
      wrong.push(
        ['12.5', 'number_inexact'],
        ['12.0', 'number_inexact'],
        ['1e3', 'number_inexact'],
        ['2147483648', 'number_range'],
      )
      break
    case 'long':
      mismatch('true', '{}')
      if (timestampUnit(node) === undefined) {
        mismatch('"12"')
        wrong.push(['12.5', 'number_inexact'], ['9223372036854775808', 'number_range'])
        break
      }
      wrong.push(
        ['"yesterday"', 'time_invalid'],
        ['"2026-02-30T10:00:00Z"', 'time_invalid'],
        ['"2026-02-03 10:00:00Z"', 'time_invalid'],
        ['"2026-02-03T10:00:00"', 'time_invalid'],
        ['"1770112800000"', 'time_invalid'],
        ['1770112800000.5', 'number_inexact'],
        ['99999999999999999999', 'number_range'],
      )
      break
    case 'float':
    case 'double':
      mismatch('"1.5"', 'false')
      wrong.push(['1e999', 'number_range'])
      break
    case 'bytes':
    case 'fixed': {
      const scale = decimalScale(node)
      if (scale === undefined || node.logical?.name !== 'decimal') {
        mismatch('12')
        wrong.push(['"not base64!"', 'base64_invalid'])
        break
      }
      const whole = '9'.repeat(node.logical.precision - scale + 1)
      mismatch('true', '"12,50"', '""', '{"value":1}')
      wrong.push(
        [`0.${'0'.repeat(scale)}1`, 'number_inexact'],
        [`"1.${'0'.repeat(scale)}5"`, 'number_inexact'],
        [whole, 'decimal_precision'],
        [`"${whole}"`, 'decimal_precision'],
      )
      break
    }
    case 'string':
    case 'enum':
      mismatch('42', 'true', '["a"]', '{"value":"a"}')
      break
    case 'array':
      mismatch('{}', '"a,b"')
      break
    case 'map':
    case 'record':
      mismatch('[]', '"text"', '12')
      break
    default:
      break
  }
  return wrong
}

/** Names that no contract has, among them those that trip up readers built on objects. */
const strangers = ['debug', '__proto__', 'constructor', 'userId', 'extra field', ''] as const

/** Ways in which an object is not JSON, whatever its members. Needs two members. */
const brokenObjects: readonly ((members: readonly string[], random: Random) => string)[] = [
  (members) => `{${members.join(',')},}`,
  (members) => `{,${members.join(',')}}`,
  (members, random) => `{${withOne(members, random, (m) => m.replace(/^"([^"]*)"/, "'$1'")).join(',')}}`,
  (members, random) => `{${withOne(members, random, (m) => m.replace(/^"([^"]*)"/, '$1')).join(',')}}`,
  (members, random) => `{${withOne(members, random, (m) => m.replace(/^("[^"]*"):/, '$1 ')).join(',')}}`,
  (members, random) => {
    const at = random.between(1, members.length - 1)
    return `{${members.slice(0, at).join(',')} ${members.slice(at).join(',')}}`
  },
  (members, random) => {
    const at = random.int(members.length)
    return `{${members.map((m, i) => (i === at ? `/* new */${m}` : m)).join(',')}}`
  },
  (members) => `{${members.join(';')}}`,
  (members) => `{${members.join(',\u000b')}}`,
]

function withOne(members: readonly string[], random: Random, change: (member: string) => string): string[] {
  const at = random.int(members.length)
  return members.map((member, i) => (i === at ? change(member) : member))
}

/** Values that are not JSON, by what stands there: a misspelt word, a leading zero, a raw line break, an unknown escape. */
function brokenTexts(node: AvroNode): string[] {
  if (node.kind === 'boolean') return ['trve', 'fa1se']
  if (node.kind === 'string' || node.kind === 'enum') return ['"a\nb"', '"\\x41"']
  if (node.kind === 'int' || node.kind === 'long' || decimalScale(node) !== undefined) return ['007', '-x']
  return []
}

/**
 * Faults of JSON values, by the rules of a strict reader (RFC 8259; unknown fields and repeated keys refused). Everything
 * in front of the damage is sound, and the damage has one possible reading.
 */
export function jsonDamages(schema: AvroSchema, style: JsonStyle): Partial<Record<FaultName, DamageRow>> {
  const root = parseSchema(schema)
  const render = compileJson(root, style, true)
  const places = placesOf(fieldsOf(schema))
  const holders = [[] as readonly string[], ...places.flatMap(inner)]
  const required = places.filter(({ field }) => !isNullable(field.type) && !field.hasDefault)
  const ofKind = (test: (node: AvroNode) => boolean): Place[] =>
    places.filter(({ field }) => test(presentBranch(field.type)))
  const texts = ofKind((node) => node.kind === 'string' && node.logical === undefined)
  const enums = ofKind((node) => node.kind === 'enum')
  const breakable = ofKind((node) => brokenTexts(node).length > 0)

  /** Renders a copy of the row after `change` was made to the record at `holder`; `undefined` when the row has none. */
  function rendered(row: Row, holder: readonly string[], change: (record: Row) => void): string | undefined {
    const copy = structuredClone(row)
    let record: unknown = copy
    for (const name of holder) record = (record as Row)[name] ?? undefined
    if (record === undefined) return undefined
    change(record as Row)
    return render(copy)
  }

  function damaged(text: string | undefined, code: string): DamagedValue | undefined {
    return text === undefined ? undefined : { value: Buffer.from(text), code }
  }

  /** The row with other text in place of the value at `place`. */
  function replaced(row: Row, { holder, field }: Place, text: string): string | undefined {
    return rendered(row, holder, (record) => {
      record[field.name] = new RawJson(text)
    })
  }

  function edited(row: Row, holder: readonly string[], edit: ObjectText): string | undefined {
    return rendered(row, holder, (record) => {
      ;(record as { [objectText]?: ObjectText })[objectText] = edit
    })
  }

  const damages: Partial<Record<FaultName, DamageRow>> = {
    wrong_type(row, random) {
      if (random.chance(0.05)) {
        const text = random.pick(['null', '[]', '"text"', '12', `[${render(row)}]`])
        return damaged(text, 'type_mismatch')
      }
      const place = random.pick(places)
      const { type } = place.field
      const [text, code] = random.pick(wrongValues(presentBranch(type), isNullable(type)))
      return damaged(replaced(row, place, text), code)
    },
    missing_field(row, random) {
      const { holder, field } = random.pick(required)
      return damaged(
        rendered(row, holder, (record) => Reflect.deleteProperty(record, field.name)),
        'field_missing',
      )
    },
    extra_field(row, random) {
      const value = random.pick(['1', '"x"', 'null', '{"a":[1,2]}', '[]'])
      const member = `${JSON.stringify(random.pick(strangers))}:${value}`
      const edit: ObjectText = (members) => {
        const at = random.int(members.length + 1)
        return `{${[...members.slice(0, at), member, ...members.slice(at)].join(',')}}`
      }
      return damaged(edited(row, random.pick(holders), edit), 'field_unknown')
    },
    duplicate_key(row, random) {
      // A record with a required field has a member to repeat.
      const { holder } = random.pick(required)
      const edit: ObjectText = (members) => `{${[...members, random.pick(members)].join(',')}}`
      return damaged(edited(row, holder, edit), 'json_duplicate')
    },
    bad_syntax(row, random) {
      if (breakable.length > 0 && random.chance(0.3)) {
        const place = random.pick(breakable)
        const text = random.pick(brokenTexts(presentBranch(place.field.type)))
        return damaged(replaced(row, place, text), 'json_syntax')
      }
      const broken = random.pick(brokenObjects)
      return damaged(
        edited(row, [], (members) => broken(members, random)),
        'json_syntax',
      )
    },
    byte_order_mark: (row) => damaged(`\ufeff${render(row)}`, 'json_bom'),
    // Wherever an object is cut, it ends too early: in a string, a number, a name or between them.
    truncated(row, random) {
      const value = Buffer.from(render(row))
      return { value: value.subarray(0, random.int(value.length)), code: 'truncated' }
    },
    trailing_bytes(row, random) {
      const text = render(row)
      const more = random.pick(['}', ',', '\u0000', ' {}', `\n${text}`, ' null', '//'])
      return damaged(text + more, 'trailing_bytes')
    },
  }
  if (enums.length > 0) {
    damages.bad_enum = (row, random) => {
      const place = random.pick(enums)
      const node = presentBranch(place.field.type)
      const symbol = node.kind === 'enum' ? random.pick(node.symbols) : ''
      const text = random.pick(['unknown_value', '', `${symbol} `, symbol.toUpperCase() + '_', `${symbol}s`])
      return damaged(replaced(row, place, `"${text}"`), 'enum_symbol')
    }
  }
  if (texts.length > 0) {
    damages.invalid_utf8 = (row, random) => {
      const place = random.pick(texts)
      // A surrogate half can also be spelled as an escape, which is sound JSON but no Unicode text.
      if (random.chance(0.25)) {
        return damaged(replaced(row, place, random.pick(['"\\ud800"', '"a\\udc00z"'])), 'utf8_invalid')
      }
      const text = replaced(row, place, `"a${brokenMark}z"`)
      if (text === undefined) return undefined
      const [before, after] = text.split(brokenMark) as [string, string]
      const bytes = [Buffer.from(before), Buffer.from(random.pick(brokenUtf8)), Buffer.from(after)]
      return { value: Buffer.concat(bytes), code: 'utf8_invalid' }
    }
  }
  return damages
}

/** The record inside a place, as a holder of places of its own. */
function inner({ holder, field }: Place): (readonly string[])[] {
  return presentBranch(field.type).kind === 'record' ? [[...holder, field.name]] : []
}
