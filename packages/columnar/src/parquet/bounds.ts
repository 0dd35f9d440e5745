import { MAX_BOUND_BYTES, type Bounds } from './leaf-store.ts'

/**
 * Bounds from the exact extremes in unsigned byte order. Long ones are cut: a lower bound at a character, an upper
 * bound likewise and then raised to the next prefix, or left out when no larger prefix exists.
 */
export function byteBounds(min: Uint8Array, max: Uint8Array, utf8: boolean): Bounds {
  const low = min.length > MAX_BOUND_BYTES ? min.subarray(0, cut(min, utf8)) : min
  const minExact = low.length === min.length
  if (max.length <= MAX_BOUND_BYTES) return { min: low.slice(), max: max.slice(), minExact, maxExact: true }
  const prefix = max.subarray(0, cut(max, utf8))
  const high = utf8 ? nextText(prefix) : nextBytes(prefix)
  return { min: low.slice(), ...(high ? { max: high } : {}), minExact, maxExact: false }
}

/** Where to cut: at the limit, or before the character that crosses it. */
function cut(bytes: Uint8Array, utf8: boolean): number {
  if (!utf8) return MAX_BOUND_BYTES
  let at = MAX_BOUND_BYTES
  while (at > MAX_BOUND_BYTES - 4 && (bytes[at]! & 0xc0) === 0x80) at--
  return (bytes[at]! & 0xc0) === 0x80 ? MAX_BOUND_BYTES : at
}

/** Smallest byte string above every string that starts with `prefix`. */
function nextBytes(prefix: Uint8Array): Uint8Array | undefined {
  for (let i = prefix.length - 1; i >= 0; i--) {
    if (prefix[i] === 0xff) continue
    const next = prefix.slice(0, i + 1)
    next[i]! += 1
    return next
  }
  return undefined
}

/** As `nextBytes`, but the result is text again: the last character that can be raised is. */
function nextText(prefix: Uint8Array): Uint8Array | undefined {
  const characters = Array.from(new TextDecoder('utf-8', { ignoreBOM: true }).decode(prefix))
  for (let i = characters.length - 1; i >= 0; i--) {
    const code = characters[i]!.codePointAt(0)!
    if (code === 0x10ffff) continue
    // Code points 0xD800 to 0xDFFF are surrogates and are not text.
    const raised = code === 0xd7ff ? 0xe000 : code + 1
    return new TextEncoder().encode(characters.slice(0, i).join('') + String.fromCodePoint(raised))
  }
  return undefined
}

/**
 * Order of two byte strings; `signed` compares them as big-endian two's complement numbers of one length.
 * @returns negative, 0 or positive
 */
export function compareBytes(
  a: Uint8Array,
  aStart: number,
  aEnd: number,
  b: Uint8Array,
  bStart: number,
  bEnd: number,
  signed: boolean,
): number {
  const length = Math.min(aEnd - aStart, bEnd - bStart)
  for (let i = 0; i < length; i++) {
    const x = a[aStart + i]!
    const y = b[bStart + i]!
    if (x !== y) return signed && i === 0 ? (x ^ 0x80) - (y ^ 0x80) : x - y
  }
  return aEnd - aStart - (bEnd - bStart)
}

/**
 * Bounds of floating-point values `[0, count)`. Zeros get the sign that includes both (-0 below, +0 above). One NaN
 * leaves the bounds out: readers that sort NaN above all numbers would otherwise skip rows that match `x > max`.
 */
export function floatBounds(values: Float32Array | Float64Array, count: number): Bounds | undefined {
  if (count === 0) return undefined
  let min = Infinity
  let max = -Infinity
  for (let i = 0; i < count; i++) {
    const value = values[i]!
    if (value !== value) return undefined
    if (value < min) min = value
    if (value > max) max = value
  }
  const size = values.BYTES_PER_ELEMENT
  const encode = (value: number): Uint8Array => {
    const view = new DataView(new ArrayBuffer(size))
    if (size === 4) view.setFloat32(0, value, true)
    else view.setFloat64(0, value, true)
    return new Uint8Array(view.buffer)
  }
  return { min: encode(min === 0 ? -0 : min), max: encode(max === 0 ? 0 : max), minExact: true, maxExact: true }
}

/** Bounds of signed integers held as 32-bit words, two per value when `wide`. */
export function integerBounds(words: Int32Array, count: number, wide: boolean): Bounds | undefined {
  if (count === 0) return undefined
  if (!wide) {
    let min = words[0]!
    let max = min
    for (let i = 1; i < count; i++) {
      const value = words[i]!
      if (value < min) min = value
      else if (value > max) max = value
    }
    return exact(Int32Array.of(min), Int32Array.of(max))
  }
  let minLow = words[0]!
  let minHigh = words[1]!
  let maxLow = minLow
  let maxHigh = minHigh
  for (let i = 1; i < count; i++) {
    const low = words[2 * i]!
    const high = words[2 * i + 1]!
    if (high < minHigh || (high === minHigh && low >>> 0 < minLow >>> 0)) {
      minLow = low
      minHigh = high
    } else if (high > maxHigh || (high === maxHigh && low >>> 0 > maxLow >>> 0)) {
      maxLow = low
      maxHigh = high
    }
  }
  return exact(Int32Array.of(minLow, minHigh), Int32Array.of(maxLow, maxHigh))
}

function exact(min: Int32Array, max: Int32Array): Bounds {
  return { min: new Uint8Array(min.buffer), max: new Uint8Array(max.buffer), minExact: true, maxExact: true }
}

/** Where run `i` of bytes begins, or ends. */
export type Position = (i: number) => number

/** The least and the greatest of `count` runs of bytes, at least one, as views; `signed` when the first byte has a sign. */
export function extremes(
  bytes: Uint8Array,
  count: number,
  start: Position,
  end: Position,
  signed: boolean,
): { readonly low: Uint8Array; readonly high: Uint8Array } {
  let min = 0
  let max = 0
  let minPrefix = prefixOf(bytes, start(0), end(0), signed)
  let maxPrefix = minPrefix
  for (let i = 1; i < count; i++) {
    const from = start(i)
    const to = end(i)
    // Most values lie strictly between the extremes, which their first four bytes show.
    const prefix = prefixOf(bytes, from, to, signed)
    if (prefix > minPrefix && prefix < maxPrefix) continue
    if (prefix <= minPrefix && compareBytes(bytes, from, to, bytes, start(min), end(min), signed) < 0) {
      min = i
      minPrefix = prefix
    } else if (prefix >= maxPrefix && compareBytes(bytes, from, to, bytes, start(max), end(max), signed) > 0) {
      max = i
      maxPrefix = prefix
    }
  }
  return { low: bytes.subarray(start(min), end(min)), high: bytes.subarray(start(max), end(max)) }
}

/** The first four bytes as an unsigned number in the value's order; shorter values are padded with zeros. */
function prefixOf(bytes: Uint8Array, start: number, end: number, signed: boolean): number {
  const first = start < end ? bytes[start]! : 0
  const second = start + 1 < end ? bytes[start + 1]! : 0
  const third = start + 2 < end ? bytes[start + 2]! : 0
  const fourth = start + 3 < end ? bytes[start + 3]! : 0
  return (((signed ? first ^ 0x80 : first) << 24) | (second << 16) | (third << 8) | fourth) >>> 0
}
