import { writeDecimalWords } from '../decimal.ts'
import type { JsonCursor } from './cursor.ts'

/** Digits that fit a double exactly whatever they are. */
const exactDigits = 15
const maxInt64 = (1n << 63n) - 1n
const minInt64 = -(1n << 63n)
const powers = Float64Array.from({ length: 23 }, (_, n) => 10 ** n)

/** Writes an integer within ±2^53 as low and high word. */
export function writeSafeLong(words: Int32Array, at: number, value: number): void {
  const high = Math.floor(value / 4294967296)
  words[at] = value - high * 4294967296
  words[at + 1] = high
}

/** Writes a bigint as low and high word; false when it does not fit 64 bits. */
export function writeBigLong(words: Int32Array, at: number, value: bigint): boolean {
  if (value > maxInt64 || value < minInt64) return false
  words[at] = Number(BigInt.asIntN(32, value))
  words[at + 1] = Number(value >> 32n)
  return true
}

function asciiText(cursor: JsonCursor): string {
  const { text, from, to } = cursor
  return Buffer.from(text.buffer, text.byteOffset + from, to - from).toString('latin1')
}

/** Longest number that is read, characters: far above what any column type can hold, and a bound on the work. */
export const maxNumberLength = 1_000

/** Value of the digits in `text[from, to)`, at most 15 of them. */
function digitsValue(text: Uint8Array, from: number, to: number): number {
  let value = 0
  for (let p = from; p < to; p++) value = value * 10 + (text[p]! - 0x30)
  return value
}

/** Where the integer of the cursor's number ends when that number is one: a fraction of zeros counts only if allowed. */
export function integerEnd(cursor: JsonCursor, allowZeroFraction: boolean): number {
  if (cursor.exponent >= 0) return -1
  if (cursor.point < 0) return cursor.to
  if (!allowZeroFraction) return -1
  for (let p = cursor.point + 1; p < cursor.to; p++) if (cursor.text[p] !== 0x30) return -1
  return cursor.point
}

/** Writes the integer `text[from, to)` of the cursor exactly; false when it exceeds 64 bits. */
export function writeLong(cursor: JsonCursor, to: number, words: Int32Array, at: number): boolean {
  const { text, from } = cursor
  const negative = text[from] === 0x2d
  const first = negative ? from + 1 : from
  if (to - first <= exactDigits) {
    const value = digitsValue(text, first, to)
    writeSafeLong(words, at, negative ? 0 - value : value)
    return true
  }
  if (to - first > 19) return false
  const digits = Buffer.from(text.buffer, text.byteOffset + from, to - from).toString('latin1')
  return writeBigLong(words, at, BigInt(digits))
}

/** The integer `text[from, to)` of the cursor, or NaN when it exceeds 32 bits. */
export function intValue(cursor: JsonCursor, to: number): number {
  const { text, from } = cursor
  const negative = text[from] === 0x2d
  const first = negative ? from + 1 : from
  if (to - first > 10) return NaN
  const value = negative ? 0 - digitsValue(text, first, to) : digitsValue(text, first, to)
  return value === (value | 0) ? value | 0 : NaN
}

/** The nearest double of the cursor's number; infinite when it is out of range. */
export function doubleValue(cursor: JsonCursor): number {
  const { text, from, to, point, exponent } = cursor
  const negative = text[from] === 0x2d
  const first = negative ? from + 1 : from
  if (exponent < 0 && to - first <= exactDigits + 1) {
    // Both operands are exact, so the division rounds once: the result is the nearest double.
    let value: number
    if (point < 0) {
      if (to - first > exactDigits) return Number(asciiText(cursor))
      value = digitsValue(text, first, to)
    } else {
      value = digitsValue(text, first, point)
      for (let p = point + 1; p < to; p++) value = value * 10 + (text[p]! - 0x30)
      value /= powers[to - point - 1]!
    }
    return negative ? -value : value
  }
  return Number(asciiText(cursor))
}

export type DecimalOutcome = 'written' | 'inexact' | 'precision'

/** Writes the cursor's number as an unscaled decimal, exactly. */
export function writeDecimal(
  cursor: JsonCursor,
  precision: number,
  scale: number,
  words: Int32Array,
  at: number,
): DecimalOutcome {
  const { text, from, to, point, exponent } = cursor
  const negative = text[from] === 0x2d
  const first = negative ? from + 1 : from
  const fraction = point < 0 ? 0 : to - point - 1
  const whole = (point < 0 ? to : point) - first
  if (exponent < 0 && fraction <= scale && whole + scale <= exactDigits) {
    let value = digitsValue(text, first, first + whole)
    for (let p = first + whole + 1; p < to; p++) value = value * 10 + (text[p]! - 0x30)
    value *= powers[scale - fraction]!
    if (value >= powers[precision < 22 ? precision : 22]!) return 'precision'
    const signed = negative ? 0 - value : value
    writeSafeLong(words, at, signed)
    words[at + 2] = words[at + 3] = signed < 0 ? -1 : 0
    return 'written'
  }
  return writeLargeDecimal(cursor, precision, scale, words, at)
}

function writeLargeDecimal(
  cursor: JsonCursor,
  precision: number,
  scale: number,
  words: Int32Array,
  at: number,
): DecimalOutcome {
  const characters = asciiText(cursor)
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(characters)!
  const fraction = match[3] ?? ''
  const digits = (match[2]! + fraction).replace(/^0+/, '')
  const significant = digits.replace(/0+$/, '')
  if (significant === '') {
    words.fill(0, at, at + 4)
    return 'written'
  }
  // The number is significant x 10^shift, in units of 10^-scale.
  const shift = Number(match[4] ?? 0) - fraction.length + (digits.length - significant.length) + scale
  if (shift < 0) return 'inexact'
  if (significant.length + shift > precision) return 'precision'
  const unscaled = BigInt(significant) * 10n ** BigInt(shift)
  writeDecimalWords(words, at, match[1] === '-' ? -unscaled : unscaled)
  return 'written'
}
