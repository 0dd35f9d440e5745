import { ensureBytes } from '../builder/column-store.ts'
import type { StoreSet } from '../builder/column-store.ts'
import type { ColumnNode } from '../builder/layout.ts'
import { parseUuid } from '../uuid.ts'
import { base64Length, decodeBase64 } from './base64.ts'
import type { JsonCursor } from './cursor.ts'
import { createNameIndex } from './field-index.ts'
import { doubleValue, integerEnd, intValue, maxNumberLength, writeDecimal, writeLong } from './numbers.ts'
import type { JsonSettings } from './options.ts'
import { falseWord, trueWord } from './skip.ts'
import { createTemporalReader } from './temporal.ts'

/** Reads one value that is not null, whose first byte is `byte`, into slot `i`. */
export type ValueReader = (set: StoreSet, i: number, byte: number) => void

const fractionDigits = { milli: 3, micro: 6, nano: 9 } as const
const special = new Map([
  ['NaN', NaN],
  ['Infinity', Infinity],
  ['-Infinity', -Infinity],
])

/** Readers of the types that hold no other values. */
export function scalarReader(node: ColumnNode, path: string, settings: JsonSettings, cursor: JsonCursor): ValueReader {
  const { lenient } = settings
  const { index, type } = node
  const temporal = createTemporalReader(lenient)

  const wrongType = (expected: string): never => cursor.fail('type_mismatch', path, expected)

  const readString = (byte: number, expected: string): void => {
    if (byte !== 0x22) wrongType(expected)
    cursor.string(path)
  }

  /** Reads a number, or in a string where that is allowed. */
  const readNumber = (byte: number, expected: string, inString: boolean): void => {
    if (byte === 0x2d || (byte >= 0x30 && byte <= 0x39)) cursor.number(path)
    else if (byte === 0x22 && inString) {
      cursor.string(path)
      if (!cursor.textIsNumber()) wrongType(expected)
    } else wrongType(expected)
    if (cursor.to - cursor.from > maxNumberLength)
      cursor.fail('number_range', path, `at most ${maxNumberLength} digits`)
  }

  const integer = (): number => {
    const end = integerEnd(cursor, lenient)
    return end < 0 ? cursor.fail('number_inexact', path, 'an integer without fraction and exponent') : end
  }

  const readLong = (words: Int32Array, i: number): void => {
    if (!writeLong(cursor, integer(), words, 2 * i)) cursor.fail('number_range', path, 'a 64-bit integer')
  }

  const readInt = (ints: Int32Array, i: number): void => {
    const value = intValue(cursor, integer())
    if (Number.isNaN(value)) cursor.fail('number_range', path, 'a 32-bit integer')
    ints[i] = value
  }

  switch (type.kind) {
    case 'boolean':
      return (set, i, byte) => {
        if (byte === 0x74) cursor.literal(trueWord, path)
        else if (byte === 0x66) cursor.literal(falseWord, path)
        else wrongType('true or false')
        set.columns[index]!.bytes[i] = byte === 0x74 ? 1 : 0
      }
    case 'int32':
      return (set, i, byte) => {
        readNumber(byte, 'an integer', lenient)
        readInt(set.columns[index]!.ints, i)
      }
    case 'int64':
      return (set, i, byte) => {
        readNumber(byte, 'an integer', lenient)
        readLong(set.columns[index]!.ints, i)
      }
    case 'float32':
    case 'float64': {
      const single = type.kind === 'float32'
      return (set, i, byte) => {
        const store = set.columns[index]!
        if (byte === 0x22 && lenient) {
          cursor.string(path)
          const named = special.get(
            Buffer.from(cursor.text.subarray(cursor.from, Math.min(cursor.to, cursor.from + 10))).toString('latin1'),
          )
          if (named !== undefined) {
            if (single) store.floats[i] = named
            else store.doubles[i] = named
            return
          }
          if (!cursor.textIsNumber()) wrongType('a number')
          if (cursor.to - cursor.from > maxNumberLength) {
            cursor.fail('number_range', path, `at most ${maxNumberLength} digits`)
          }
        } else readNumber(byte, 'a number', false)
        const value = doubleValue(cursor)
        const stored = single ? Math.fround(value) : value
        if (!Number.isFinite(stored)) cursor.fail('number_range', path, single ? 'a 32-bit float' : 'a 64-bit float')
        if (single) store.floats[i] = stored
        else store.doubles[i] = stored
      }
    }
    case 'decimal': {
      const { precision, scale } = type
      return (set, i, byte) => {
        readNumber(byte, 'a decimal number', true)
        const outcome = writeDecimal(cursor, precision, scale, set.columns[index]!.ints, 4 * i)
        if (outcome === 'precision') cursor.fail('decimal_precision', path, `at most ${precision} digits`)
        if (outcome === 'inexact') cursor.fail('number_inexact', path, `at most ${scale} digits after the point`)
      }
    }
    case 'utf8':
      return (set, i, byte) => {
        readString(byte, 'a string')
        const store = set.columns[index]!
        const { text, from, to } = cursor
        let at = store.offsets[i]!
        const end = at + to - from
        const bytes = ensureBytes(store, at, end)
        store.offsets[i + 1] = end
        if (to - from > 64) bytes.set(text.subarray(from, to), at)
        else for (let p = from; p < to; p++) bytes[at++] = text[p]!
      }
    case 'binary':
      return (set, i, byte) => {
        readString(byte, 'base64 in a string')
        const store = set.columns[index]!
        const { text, from, to } = cursor
        const at = store.offsets[i]!
        const length = base64Length(text, from, to, lenient)
        const valid =
          length >= 0 && decodeBase64(text, from, to, ensureBytes(store, at, at + length), at, length, lenient)
        if (!valid) cursor.fail('base64_invalid', path, 'base64')
        store.offsets[i + 1] = at + length
      }
    case 'fixed':
      return (set, i, byte) => {
        readString(byte, 'base64 in a string')
        const { text, from, to } = cursor
        const length = base64Length(text, from, to, lenient)
        const { bytes } = set.columns[index]!
        if (length !== type.size || !decodeBase64(text, from, to, bytes, length * i, length, lenient)) {
          cursor.fail('base64_invalid', path, `base64 of ${type.size} bytes`)
        }
      }
    case 'uuid':
      return (set, i, byte) => {
        readString(byte, 'a uuid in a string')
        const valid =
          cursor.to - cursor.from === 36 && parseUuid(cursor.text, cursor.from, set.columns[index]!.bytes, 16 * i)
        if (!valid) cursor.fail('uuid_invalid', path, 'a uuid of 36 characters')
      }
    case 'enum': {
      const symbols = createNameIndex(type.symbols)
      return (set, i, byte) => {
        readString(byte, 'a symbol in a string')
        const symbol = symbols.find(cursor, 0)
        if (symbol < 0) cursor.fail('enum_symbol', path, 'a symbol of the enum')
        set.columns[index]!.ints[i] = symbol
      }
    }
    case 'date':
      return (set, i, byte) => {
        const { ints } = set.columns[index]!
        if (byte === 0x22) {
          cursor.string(path)
          const days = temporal.date(cursor)
          if (Number.isNaN(days)) cursor.fail('time_invalid', path, 'a date as YYYY-MM-DD')
          ints[i] = days
          return
        }
        readNumber(byte, 'a date as YYYY-MM-DD, or days since 1970-01-01', false)
        readInt(ints, i)
      }
    case 'time': {
      const digits = fractionDigits[type.unit]
      const perDay = 86_400 * 10 ** digits
      return (set, i, byte) => {
        const { ints } = set.columns[index]!
        const milli = type.unit === 'milli'
        if (byte === 0x22) {
          cursor.string(path)
          const units = temporal.time(cursor, digits)
          if (Number.isNaN(units))
            cursor.fail('time_invalid', path, `a time as HH:MM:SS with at most ${digits} digits more`)
          if (milli) ints[i] = units
          else {
            ints[2 * i] = units % 4294967296
            ints[2 * i + 1] = Math.floor(units / 4294967296)
          }
          return
        }
        readNumber(byte, `a time as HH:MM:SS, or ${type.unit}seconds since midnight`, false)
        let units: number
        if (milli) {
          readInt(ints, i)
          units = ints[i]!
        } else {
          readLong(ints, i)
          units = ints[2 * i + 1]! * 4294967296 + (ints[2 * i]! >>> 0)
        }
        if (units < 0 || units >= perDay) cursor.fail('time_invalid', path, 'a time within one day')
      }
    }
    case 'timestamp': {
      const digits = fractionDigits[type.unit]
      const expected = type.utc ? 'an ISO 8601 time with zone' : 'an ISO 8601 time without zone'
      return (set, i, byte) => {
        const { ints } = set.columns[index]!
        if (byte === 0x22) {
          cursor.string(path)
          if (temporal.timestamp(cursor, digits, type.utc, ints, 2 * i)) return
          if (!lenient || !cursor.textIsNumber()) {
            cursor.fail('time_invalid', path, `${expected}, at most ${digits} digits of a second`)
          }
        } else readNumber(byte, `${expected}, or ${type.unit}seconds since the epoch`, false)
        readLong(ints, i)
      }
    }
    default:
      return () => wrongType('null')
  }
}
