import type { ByteWriter } from './byte-writer.ts'

const SAFE = 2 ** 53
const HEX = Uint8Array.from('0123456789abcdef', (c) => c.charCodeAt(0))
const BASE64 = Uint8Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/', (c) =>
  c.charCodeAt(0),
)
const QUOTE = 0x22
const BACKSLASH = 0x5c
const MINUS = 0x2d
const ZERO = 0x30
const SHORT_ESCAPES: Readonly<Record<number, number>> = { 8: 0x62, 9: 0x74, 10: 0x6e, 12: 0x66, 13: 0x72 }

/** Writes ASCII text. */
export function writeAscii(out: ByteWriter, text: string): void {
  const bytes = out.reserve(text.length)
  for (let i = 0; i < text.length; i++) bytes[out.length++] = text.charCodeAt(i)
}

/**
 * Writes UTF-8 bytes as a JSON string. Besides what JSON asks for (quote, backslash, below U+0020) the line breaks
 * U+0085, U+2028 and U+2029 are escaped, so that no reader sees a line end inside a record.
 */
export function writeJsonString(out: ByteWriter, source: Uint8Array, start: number, end: number): void {
  const bytes = out.reserve(6 * (end - start) + 2)
  let at = out.length
  bytes[at++] = QUOTE
  for (let i = start; i < end; i++) {
    const byte = source[i]!
    if (byte >= 0x20 && byte !== QUOTE && byte !== BACKSLASH && byte !== 0xe2 && byte !== 0xc2) {
      bytes[at++] = byte
    } else if (byte === QUOTE || byte === BACKSLASH) {
      bytes[at++] = BACKSLASH
      bytes[at++] = byte
    } else if (byte < 0x20) {
      const short = SHORT_ESCAPES[byte]
      if (short === undefined) at = putUnicodeEscape(bytes, at, byte)
      else {
        bytes[at++] = BACKSLASH
        bytes[at++] = short
      }
    } else if (byte === 0xc2 && i + 1 < end && source[i + 1] === 0x85) {
      at = putUnicodeEscape(bytes, at, 0x85)
      i += 1
    } else if (byte === 0xe2 && i + 2 < end && source[i + 1] === 0x80 && (source[i + 2]! & 0xfe) === 0xa8) {
      at = putUnicodeEscape(bytes, at, 0x2000 + source[i + 2]! - 0x80)
      i += 2
    } else bytes[at++] = byte
  }
  bytes[at++] = QUOTE
  out.length = at
}

function putUnicodeEscape(bytes: Uint8Array, at: number, code: number): number {
  bytes[at] = BACKSLASH
  bytes[at + 1] = 0x75
  bytes[at + 2] = HEX[code >>> 12]!
  bytes[at + 3] = HEX[(code >>> 8) & 15]!
  bytes[at + 4] = HEX[(code >>> 4) & 15]!
  bytes[at + 5] = HEX[code & 15]!
  return at + 6
}

/** Writes a whole number within ±2^53, padded with zeros to `digits`. */
export function writeInteger(out: ByteWriter, value: number, digits = 1): void {
  const bytes = out.reserve(20 + digits)
  let rest = value
  if (rest < 0) {
    bytes[out.length++] = MINUS
    rest = -rest
  }
  let length = digits
  for (let limit = 10 ** digits; rest >= limit && length < 17; limit *= 10) length++
  for (let at = out.length + length - 1; at >= out.length; at--) {
    // Division by 10 in 32 bits is many times cheaper than in doubles.
    if (rest <= 0xffff_ffff) {
      const quotient = ((rest >>> 0) / 10) >>> 0
      bytes[at] = ZERO + (rest - quotient * 10)
      rest = quotient
    } else {
      const quotient = Math.floor(rest / 10)
      bytes[at] = ZERO + (rest - quotient * 10)
      rest = quotient
    }
  }
  out.length += length
}

/** The 64-bit integer `high:low` as a number when it lies within ±2^53, else as a bigint. */
export function int64Value(low: number, high: number): number | bigint {
  const value = high * 2 ** 32 + (low >>> 0)
  if (value < SAFE && value > -SAFE) return value
  return (BigInt(high) << 32n) | BigInt(low >>> 0)
}

export function writeIntegerText(out: ByteWriter, value: number | bigint): void {
  if (typeof value === 'number') writeInteger(out, value)
  else writeAscii(out, value.toString())
}

/** Writes `unscaled / 10^scale` with exactly `scale` digits after the point. */
export function writeDecimal(out: ByteWriter, unscaled: number | bigint, scale: number): void {
  const negative = unscaled < 0
  const digits = String(negative ? -unscaled : unscaled).padStart(scale + 1, '0')
  const whole = digits.slice(0, digits.length - scale)
  writeAscii(out, `${negative ? '-' : ''}${whole}${scale > 0 ? `.${digits.slice(-scale)}` : ''}`)
}

/** Shortest text that reads back as the same double; of a float32, as the same float32. `-0` keeps its sign. */
export function floatText(value: number, single: boolean): string {
  if (Object.is(value, -0)) return '-0'
  if (!single) return String(value)
  for (let precision = 6; precision < 9; precision++) {
    const candidate = Number(value.toPrecision(precision))
    if (Math.fround(candidate) === value) return String(candidate)
  }
  return String(Number(value.toPrecision(9)))
}

/**
 * Writes days since 1970-01-01 as `YYYY-MM-DD` in the proleptic Gregorian calendar; years outside 0 to 9999 as ISO
 * 8601's expanded `±YYYYYY`.
 * @see https://howardhinnant.github.io/date_algorithms.html (civil_from_days)
 */
export function writeDate(out: ByteWriter, days: number): void {
  const shifted = days + 719_468
  const era = Math.floor(shifted / 146_097)
  const dayOfEra = shifted - era * 146_097
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153)
  const day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  if (year >= 0 && year <= 9999) writeInteger(out, year, 4)
  else {
    out.byte(year < 0 ? MINUS : 0x2b)
    writeInteger(out, Math.abs(year), 6)
  }
  out.byte(MINUS)
  writeInteger(out, month, 2)
  out.byte(MINUS)
  writeInteger(out, day, 2)
}

/** Writes seconds since midnight and a fraction of `digits` digits as `HH:MM:SS.fff`. */
export function writeTime(out: ByteWriter, seconds: number, fraction: number, digits: number): void {
  writeInteger(out, Math.floor(seconds / 3600), 2)
  out.byte(0x3a)
  writeInteger(out, Math.floor(seconds / 60) % 60, 2)
  out.byte(0x3a)
  writeInteger(out, seconds % 60, 2)
  out.byte(0x2e)
  writeInteger(out, fraction, digits)
}

/** Writes units since the epoch as `YYYY-MM-DDTHH:MM:SS.fff`, rounded to nothing: every digit of the unit is there. */
export function writeTimestamp(out: ByteWriter, units: number | bigint, digits: number): void {
  let seconds: number
  let fraction: number
  if (typeof units === 'number') {
    const perSecond = 10 ** digits
    seconds = Math.floor(units / perSecond)
    fraction = units - seconds * perSecond
  } else {
    const perSecond = 10n ** BigInt(digits)
    const remainder = ((units % perSecond) + perSecond) % perSecond
    seconds = Number((units - remainder) / perSecond)
    fraction = Number(remainder)
  }
  const days = Math.floor(seconds / 86_400)
  writeDate(out, days)
  out.byte(0x54)
  writeTime(out, seconds - days * 86_400, fraction, digits)
}

/** Writes 16 bytes as `8-4-4-4-12` hexadecimal digits. */
export function writeUuid(out: ByteWriter, source: Uint8Array, start: number): void {
  const bytes = out.reserve(36)
  for (let i = 0; i < 16; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) bytes[out.length++] = MINUS
    const byte = source[start + i]!
    bytes[out.length++] = HEX[byte >>> 4]!
    bytes[out.length++] = HEX[byte & 15]!
  }
}

/** Writes bytes as standard base64 with padding (RFC 4648 section 4). */
export function writeBase64(out: ByteWriter, source: Uint8Array, start: number, end: number): void {
  const bytes = out.reserve(Math.ceil((end - start) / 3) * 4)
  let at = out.length
  for (let i = start; i < end; i += 3) {
    const left = end - i
    const bits = (source[i]! << 16) | ((left > 1 ? source[i + 1]! : 0) << 8) | (left > 2 ? source[i + 2]! : 0)
    bytes[at++] = BASE64[bits >>> 18]!
    bytes[at++] = BASE64[(bits >>> 12) & 63]!
    bytes[at++] = left > 1 ? BASE64[(bits >>> 6) & 63]! : 0x3d
    bytes[at++] = left > 2 ? BASE64[bits & 63]! : 0x3d
  }
  out.length = at
}
