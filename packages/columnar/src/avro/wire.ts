import { withinPrecision } from '../decimal.ts'

/**
 * The parts of Avro's binary encoding that generated code calls. Readers take the bytes `s`, the position `p` and the
 * end `e` of the record, and return the position after the value, or a negative code. None allocates.
 * @see https://avro.apache.org/docs/1.12.0/specification/#binary-encoding
 */
export const TRUNCATED = -1
export const OVERFLOW = -2
/** Only `readCount`: the value is above or below what 32 bits hold. */
export const TOO_LARGE = -3
export const TOO_SMALL = -4

/** Reads a zig-zag varint of at most 10 bytes into `out[at]` (low word) and `out[at + 1]` (high word). */
export function readLong(s: Uint8Array, p: number, e: number, out: Int32Array, at: number): number {
  let low = 0
  let middle = 0
  let high = 0
  let b: number
  if (p + 10 <= e) {
    // No end check needed per byte: the longest varint fits.
    b = s[p++]!
    low = b & 0x7f
    if (b > 0x7f) {
      b = s[p++]!
      low |= (b & 0x7f) << 7
      if (b > 0x7f) {
        b = s[p++]!
        low |= (b & 0x7f) << 14
        if (b > 0x7f) {
          b = s[p++]!
          low |= (b & 0x7f) << 21
          if (b > 0x7f) {
            b = s[p++]!
            middle = b & 0x7f
            if (b > 0x7f) {
              b = s[p++]!
              middle |= (b & 0x7f) << 7
              if (b > 0x7f) {
                b = s[p++]!
                middle |= (b & 0x7f) << 14
                if (b > 0x7f) {
                  b = s[p++]!
                  middle |= (b & 0x7f) << 21
                  if (b > 0x7f) {
                    b = s[p++]!
                    high = b & 0x7f
                    if (b > 0x7f) {
                      b = s[p++]!
                      if (b > 1) return OVERFLOW
                      high |= b << 7
                    }
                  }
                }
              }
            }
          }
        }
      }
    }
  } else {
    let shift = 0
    do {
      if (p >= e) return TRUNCATED
      b = s[p++]!
      if (shift < 28) low |= (b & 0x7f) << shift
      else if (shift < 56) middle |= (b & 0x7f) << (shift - 28)
      else {
        if (shift === 63 && b > 1) return OVERFLOW
        high |= (b & 0x7f) << (shift - 56)
      }
      shift += 7
    } while (b > 0x7f)
  }
  const raw = low | (middle << 28)
  const rawHigh = (middle >>> 4) | (high << 24)
  const sign = -(raw & 1)
  out[at] = ((raw >>> 1) | (rawHigh << 31)) ^ sign
  out[at + 1] = (rawHigh >>> 1) ^ sign
  return p
}

/** Reads a zig-zag varint of at most 5 bytes and 32 bits into `out[at]`. */
export function readInt(s: Uint8Array, p: number, e: number, out: Int32Array, at: number): number {
  if (p >= e) return TRUNCATED
  let b = s[p++]!
  let raw = b & 0x7f
  let shift = 7
  while (b > 0x7f) {
    if (p >= e) return TRUNCATED
    b = s[p++]!
    if (shift === 28 && b > 15) return OVERFLOW
    raw |= (b & 0x7f) << shift
    shift += 7
  }
  out[at] = (raw >>> 1) ^ -(raw & 1)
  return p
}

const longWords = new Int32Array(2)

/** Reads a long that has to be a length, a count or an index into `out[0]`. */
export function readCount(s: Uint8Array, p: number, e: number, out: Int32Array): number {
  const next = readLong(s, p, e, longWords, 0)
  if (next < 0) return next
  const low = longWords[0]!
  const high = longWords[1]!
  if (high !== low >> 31) return high < 0 ? TOO_SMALL : TOO_LARGE
  out[0] = low
  return next
}

/** A 64-bit integer, given as words, rounded once to a double. */
export function longToDouble(low: number, high: number): number {
  return high * 4294967296 + (low >>> 0)
}

/** A 64-bit integer, given as words, rounded once to a float: bits a double would drop are kept as one sticky bit. */
export function longToFloat(low: number, high: number): number {
  const exact = high >= -0x20_0000 && high < 0x20_0000
  return Math.fround(longToDouble(exact ? low : (low & ~0x3ff) | ((low & 0x3ff) === 0 ? 0 : 0x400), high))
}

/**
 * Sign-extends `n` bytes of big-endian two's complement into four little-endian words.
 * @param safe number of bytes that cannot exceed the precision
 * @param most largest number of the precision, see `mostWords`
 * @returns false when the number has too many digits
 */
export function readDecimal(
  s: Uint8Array,
  p: number,
  n: number,
  out: Int32Array,
  at: number,
  safe: number,
  most: Uint32Array,
): boolean {
  const end = p + n
  const sign = n > 0 && s[p]! > 0x7f ? -1 : 0
  for (; n > 16; n--) if (s[p++] !== (sign & 0xff)) return false
  if (n === 16 && end - p === 16 && s[p]! > 0x7f !== (sign === -1)) return false
  let word = at
  let q = end
  while (q - 4 >= p) {
    out[word++] = s[q - 1]! | (s[q - 2]! << 8) | (s[q - 3]! << 16) | (s[q - 4]! << 24)
    q -= 4
  }
  if (q > p) {
    let rest = sign
    while (p < q) rest = (rest << 8) | s[p++]!
    out[word++] = rest
  }
  while (word < at + 4) out[word++] = sign
  return n <= safe || withinPrecision(out, at, most)
}

/** Copies `n` bytes; short values in a loop, as making a view costs more. */
export function copyBytes(s: Uint8Array, p: number, n: number, out: Uint8Array, at: number): void {
  if (n > 64) out.set(s.subarray(p, p + n), at)
  else for (let i = 0; i < n; i++) out[at + i] = s[p + i]!
}
