import { isUtf8 } from 'node:buffer'

/** Length from which the native check is faster than the loop here, bytes. */
const nativeFrom = 96

/**
 * Whether `bytes[from, to)` is valid UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF (input 19).
 * @see https://www.unicode.org/versions/latest/core-spec/chapter-3/ table 3-7
 */
export function isValidUtf8(bytes: Uint8Array, from: number, to: number): boolean {
  if (to - from >= nativeFrom) return isUtf8(bytes.subarray(from, to))
  let i = from
  while (i < to) {
    const lead = bytes[i]!
    if (lead < 0x80) {
      i += 1
    } else if (lead < 0xe0) {
      if (lead < 0xc2 || i + 1 >= to || (bytes[i + 1]! & 0xc0) !== 0x80) return false
      i += 2
    } else if (lead < 0xf0) {
      if (i + 2 >= to) return false
      const second = bytes[i + 1]!
      if ((second & 0xc0) !== 0x80 || (bytes[i + 2]! & 0xc0) !== 0x80) return false
      if ((lead === 0xe0 && second < 0xa0) || (lead === 0xed && second > 0x9f)) return false
      i += 3
    } else {
      if (lead > 0xf4 || i + 3 >= to) return false
      const second = bytes[i + 1]!
      if ((second & 0xc0) !== 0x80 || (bytes[i + 2]! & 0xc0) !== 0x80 || (bytes[i + 3]! & 0xc0) !== 0x80) return false
      if ((lead === 0xf0 && second < 0x90) || (lead === 0xf4 && second > 0x8f)) return false
      i += 4
    }
  }
  return true
}
