import type { JsonCursor } from './cursor.ts'
import { writeBigLong, writeSafeLong } from './numbers.ts'

/**
 * Reads dates and times in ISO 8601 text with integer arithmetic, proleptic Gregorian calendar, any year (input 22). No
 * `Date`, so nothing depends on its range or on the machine's zone. Seconds run to 59, hours to 23.
 */
export interface TemporalReader {
  /** Days since the epoch of `YYYY-MM-DD`, or NaN. */
  date(cursor: JsonCursor): number
  /** Units since midnight of `HH:MM:SS[.fraction]` at `digits` fraction digits, or NaN. */
  time(cursor: JsonCursor, digits: number): number
  /** Writes units since the epoch of a date and time as low and high word; false when it is none or out of range. */
  timestamp(cursor: JsonCursor, digits: number, utc: boolean, words: Int32Array, at: number): boolean
}

const daysInMonth = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/** @see https://howardhinnant.github.io/date_algorithms.html (days_from_civil) */
export function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year
  const era = Math.floor(y / 400)
  const yearOfEra = y - era * 400
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * 146_097 + dayOfEra - 719_468
}

/** @param lenient also takes a blank or small letters for `T` and `Z`, and zones as `+HHMM` or `+HH` */
export function createTemporalReader(lenient: boolean): TemporalReader {
  let text: Uint8Array
  let p = 0
  let end = 0
  let failed = false

  const start = (cursor: JsonCursor): void => {
    text = cursor.text
    p = cursor.from
    end = cursor.to
    failed = false
  }

  const number = (digits: number, max: number): number => {
    let value = 0
    for (let i = 0; i < digits; i++, p++) {
      const digit = p < end ? text[p]! - 0x30 : -1
      if (digit < 0 || digit > 9) failed = true
      value = value * 10 + digit
    }
    if (value > max) failed = true
    return value
  }

  const byte = (...allowed: readonly number[]): void => {
    if (p >= end || !allowed.includes(text[p]!)) failed = true
    p++
  }

  const readDate = (): number => {
    let year: number
    const sign = p < end ? text[p]! : 0
    if (sign === 0x2b || sign === 0x2d) {
      p++
      year = number(6, 999_999)
      if (sign === 0x2d) year = -year
    } else year = number(4, 9999)
    byte(0x2d)
    const month = number(2, 12)
    byte(0x2d)
    const day = number(2, 31)
    if (failed || month < 1 || day < 1) {
      failed = true
      return NaN
    }
    const leap = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
    if (day > daysInMonth[month - 1]! + (leap ? 1 : 0)) failed = true
    return daysFromCivil(year, month, day)
  }

  const readSeconds = (): number => {
    const hours = number(2, 23)
    byte(0x3a)
    const minutes = number(2, 59)
    byte(0x3a)
    return (hours * 60 + minutes) * 60 + number(2, 59)
  }

  /** Fraction in units of 10^-digits; further digits must be zeros, as nothing is rounded. */
  const readFraction = (digits: number): number => {
    let value = 0
    let count = 0
    if (p < end && (text[p] === 0x2e || (lenient && text[p] === 0x2c))) {
      p++
      const first = p
      for (; p < end && text[p]! >= 0x30 && text[p]! <= 0x39; p++) {
        const digit = text[p]! - 0x30
        if (count < digits) {
          value = value * 10 + digit
          count++
        } else if (digit !== 0) failed = true
      }
      if (p === first) failed = true
    }
    return value * 10 ** (digits - count)
  }

  /** Seconds that the zone is ahead of UTC. */
  const readZone = (): number => {
    const mark = p < end ? text[p]! : 0
    if (mark === 0x5a || (lenient && mark === 0x7a)) {
      p++
      return 0
    }
    if (mark !== 0x2b && mark !== 0x2d) {
      failed = true
      return 0
    }
    p++
    const hours = number(2, 23)
    let minutes = 0
    if (p < end && text[p] === 0x3a) {
      p++
      minutes = number(2, 59)
    } else if (!lenient) failed = true
    else if (p < end) minutes = number(2, 59)
    return (mark === 0x2d ? -60 : 60) * (hours * 60 + minutes)
  }

  return {
    date(cursor) {
      start(cursor)
      const days = readDate()
      return failed || p !== end ? NaN : days
    },
    time(cursor, digits) {
      start(cursor)
      const seconds = readSeconds()
      const fraction = readFraction(digits)
      return failed || p !== end ? NaN : seconds * 10 ** digits + fraction
    },
    timestamp(cursor, digits, utc, words, at) {
      start(cursor)
      const days = readDate()
      if (lenient) byte(0x54, 0x74, 0x20)
      else byte(0x54)
      let seconds = days * 86_400 + readSeconds()
      const fraction = readFraction(digits)
      if (utc) seconds -= readZone()
      if (failed || p !== end) return false
      const units = seconds * 10 ** digits + fraction
      if (Number.isSafeInteger(units)) {
        writeSafeLong(words, at, units)
        return true
      }
      return writeBigLong(words, at, BigInt(seconds) * 10n ** BigInt(digits) + BigInt(fraction))
    },
  }
}
