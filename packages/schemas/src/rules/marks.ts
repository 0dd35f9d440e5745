import type { Column } from '@sluice/columnar'
import type { Rule } from '../contract.ts'
import { decimalBound } from './bounds.ts'
import { bytePattern } from './byte-pattern.ts'
import { compilePattern } from './pattern.ts'

/**
 * One pass over a column per part of a rule. A mark sets `bad[i] = 1` for values that fail and returns how many it saw;
 * null slots hold zeros and may be marked, the caller knows which they are.
 */
export type Mark = (column: Column, bad: Uint8Array) => number

/** Passes for the parts of a rule that look at one value. */
export function marksOf(rule: Rule): Mark[] {
  const marks: Mark[] = []
  if (rule.min !== undefined || rule.max !== undefined || rule.exclusiveMin !== undefined) marks.push(boundsMark(rule))
  if (rule.oneOf !== undefined) marks.push(oneOfMark(rule.oneOf))
  if (rule.pattern !== undefined) marks.push(patternMark(rule.pattern))
  if (rule.minLength !== undefined || rule.maxLength !== undefined) {
    marks.push(lengthMark(rule.minLength ?? 0, rule.maxLength ?? Infinity))
  }
  return marks
}

function boundsMark(rule: Rule): Mark {
  const { min, max, exclusiveMin } = rule
  const high = max ?? Infinity
  const low = Math.max(min ?? -Infinity, exclusiveMin === undefined ? -Infinity : nextAbove(exclusiveMin))
  const decimals = new Map<number, { low: Words; high: Words }>()
  return (column, bad) => {
    const { type, length } = column
    let count = 0
    if (type.kind === 'int64') {
      const words = wordsOf(column)
      for (let i = 0; i < length; i++) {
        // Exact up to 2^53, where all bounds lie, and monotone beyond.
        const value = words[2 * i + 1]! * 0x1_0000_0000 + (words[2 * i]! >>> 0)
        if (!(value >= low && value <= high)) {
          bad[i] = 1
          count++
        }
      }
      return count
    }
    if (type.kind === 'decimal') {
      let words = decimals.get(type.scale)
      if (words === undefined) decimals.set(type.scale, (words = decimalWords(rule, type.scale)))
      const values = wordsOf(column)
      for (let i = 0; i < length; i++) {
        if (compare128(values, 4 * i, words.low, 0) < 0 || compare128(values, 4 * i, words.high, 0) > 0) {
          bad[i] = 1
          count++
        }
      }
      return count
    }
    const values = column.values as Int32Array | Float32Array | Float64Array
    for (let i = 0; i < length; i++) {
      const value = values[i]!
      if (!(value >= low && value <= high)) {
        bad[i] = 1
        count++
      }
    }
    return count
  }
}

type Words = Int32Array

function decimalWords(rule: Rule, scale: number): { low: Words; high: Words } {
  const most = (1n << 127n) - 1n
  let low = -most
  if (rule.min !== undefined) low = decimalBound(rule.min, scale).ceil
  if (rule.exclusiveMin !== undefined) {
    const above = decimalBound(rule.exclusiveMin, scale).floor + 1n
    if (above > low) low = above
  }
  return { low: toWords(low), high: toWords(rule.max === undefined ? most : decimalBound(rule.max, scale).floor) }
}

function toWords(value: bigint): Words {
  return Int32Array.from([0n, 32n, 64n, 96n], (shift) => Number(BigInt.asIntN(32, value >> shift)))
}

/** Order of two 128-bit integers, little-endian words, the highest signed. */
function compare128(a: Int32Array, at: number, b: Int32Array, bt: number): number {
  const top = a[at + 3]! - b[bt + 3]!
  if (top !== 0) return top
  for (let word = 2; word >= 0; word--) {
    const difference = (a[at + word]! >>> 0) - (b[bt + word]! >>> 0)
    if (difference !== 0) return difference
  }
  return 0
}

/** The values of a column as 32-bit words; a copy only if the buffer is not aligned. */
function wordsOf(column: Column): Int32Array {
  const { buffer, byteOffset, byteLength } = column.values!
  if (byteOffset % 4 === 0) return new Int32Array(buffer, byteOffset, byteLength >> 2)
  return new Int32Array(buffer.slice(byteOffset, byteOffset + byteLength))
}

/** The next double above a number. */
function nextAbove(value: number): number {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value === 0 ? 0 : value)
  const bits = view.getBigInt64(0)
  view.setBigInt64(0, value === 0 ? 1n : value > 0 ? bits + 1n : bits - 1n)
  return view.getFloat64(0)
}

function oneOfMark(values: readonly string[]): Mark {
  const encoder = new TextEncoder()
  /** By first byte, so that a value is compared with one or two; the empty one has none. */
  const candidates: Uint8Array[][] = Array.from({ length: 256 }, () => [])
  for (const value of values.filter((each) => each !== '').map((each) => encoder.encode(each))) {
    candidates[value[0]!]!.push(value)
  }
  const allowed = new Set(values)
  const isAllowed = (bytes: Uint8Array, start: number, end: number): boolean => {
    if (start === end) return allowed.has('')
    for (const candidate of candidates[bytes[start]!]!) if (equalBytes(bytes, start, end, candidate)) return true
    return false
  }
  return (column, bad) => {
    let count = 0
    if (column.type.kind === 'enum') {
      const good = Uint8Array.from(column.type.symbols, (symbol) => (allowed.has(symbol) ? 1 : 0))
      const indexes = column.values as Int32Array
      for (let i = 0; i < column.length; i++) {
        if (good[indexes[i]!] !== 1) {
          bad[i] = 1
          count++
        }
      }
      return count
    }
    const bytes = column.values as Uint8Array
    const offsets = column.offsets!
    for (let i = 0; i < column.length; i++) {
      if (!isAllowed(bytes, offsets[i]!, offsets[i + 1]!)) {
        bad[i] = 1
        count++
      }
    }
    return count
  }
}

function equalBytes(bytes: Uint8Array, start: number, end: number, other: Uint8Array): boolean {
  if (end - start !== other.length) return false
  for (let i = 0; i < other.length; i++) if (bytes[start + i] !== other[i]) return false
  return true
}

function patternMark(pattern: string): Mark {
  const positions = bytePattern(pattern)
  const regex = compilePattern(pattern)
  return (column, bad) => {
    const bytes = column.values as Uint8Array
    const offsets = column.offsets!
    let count = 0
    if (positions !== undefined) {
      for (let i = 0; i < column.length; i++) {
        if (!matches(bytes, offsets[i]!, offsets[i + 1]!, positions)) {
          bad[i] = 1
          count++
        }
      }
      return count
    }
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    for (let i = 0; i < column.length; i++) {
      if (!regex.test(text.toString('utf8', offsets[i]!, offsets[i + 1]!))) {
        bad[i] = 1
        count++
      }
    }
    return count
  }
}

function matches(bytes: Uint8Array, start: number, end: number, positions: readonly Uint8Array[]): boolean {
  if (end - start !== positions.length) return false
  for (let i = 0; i < positions.length; i++) if (positions[i]![bytes[start + i]!] !== 1) return false
  return true
}

function lengthMark(least: number, most: number): Mark {
  return (column, bad) => {
    const offsets = column.offsets!
    const bytes = column.type.kind === 'utf8' ? (column.values as Uint8Array) : undefined
    let count = 0
    for (let i = 0; i < column.length; i++) {
      const start = offsets[i]!
      const end = offsets[i + 1]!
      let size = end - start
      // A code point has one to four bytes, so counting is needed only in between.
      if (bytes !== undefined && (size > most || size < 4 * least)) size = codePoints(bytes, start, end)
      if (size < least || size > most) {
        bad[i] = 1
        count++
      }
    }
    return count
  }
}

function codePoints(bytes: Uint8Array, start: number, end: number): number {
  let count = 0
  for (let i = start; i < end; i++) if ((bytes[i]! & 0xc0) !== 0x80) count++
  return count
}

/** Marks rows where `column` is less than `other`; both are of one type. */
export function markBefore(column: Column, other: Column, bad: Uint8Array): number {
  const { type, length } = column
  let count = 0
  if (column.values instanceof BigInt64Array || type.kind === 'decimal') {
    const left = wordsOf(column)
    const right = wordsOf(other)
    const size = type.kind === 'decimal' ? 4 : 2
    for (let i = 0; i < length; i++) {
      const at = size * i
      const order = size === 4 ? compare128(left, at, right, at) : compare64(left, right, at)
      if (order < 0) {
        bad[i] = 1
        count++
      }
    }
    return count
  }
  const left = column.values as Int32Array | Float32Array | Float64Array
  const right = other.values as Int32Array | Float32Array | Float64Array
  for (let i = 0; i < length; i++) {
    if (!(left[i]! >= right[i]!)) {
      bad[i] = 1
      count++
    }
  }
  return count
}

function compare64(a: Int32Array, b: Int32Array, at: number): number {
  const top = a[at + 1]! - b[at + 1]!
  return top !== 0 ? top : (a[at]! >>> 0) - (b[at]! >>> 0)
}
