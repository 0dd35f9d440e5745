import type { DecodeCode } from '../decode-codes.ts'
import { isValidUtf8 } from '../utf8.ts'

/** Thrown to leave a bad record; what is wrong stands in the cursor. One object, so that a bad record costs no stack trace. */
export const badRecord: unique symbol = Symbol('bad record')

const QUOTE = 0x22
const BACKSLASH = 0x5c

/**
 * Position in the JSON text of one record, and the token read last. A class for its speed: every parser function is
 * called with the same object shape and allocates nothing.
 * @see https://www.rfc-editor.org/rfc/rfc8259
 */
export class JsonCursor {
  bytes: Uint8Array = new Uint8Array(0)
  pos = 0
  end = 0
  /** The string or number read last is `text[from, to)`: a part of `bytes`, or of a scratch buffer when it had escapes. */
  text: Uint8Array = this.bytes
  from = 0
  to = 0
  /** Of a number: where its fraction and its exponent begin, -1 without. */
  point = -1
  exponent = -1
  code: DecodeCode = 'json_syntax'
  path = ''
  expected = ''
  private scratch = new Uint8Array(256)

  fail(code: DecodeCode, path: string, expected: string): never {
    this.code = code
    this.path = path
    this.expected = expected
    throw badRecord
  }

  /** Moves over white space and returns the byte there. */
  peek(path: string): number {
    const { bytes, end } = this
    let p = this.pos
    while (p < end) {
      const byte = bytes[p]!
      if (byte > 0x20) {
        this.pos = p
        return byte
      }
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)
        this.fail('json_syntax', path, 'a JSON value')
      p++
    }
    return this.fail('truncated', path, 'more JSON text')
  }

  /** Moves over white space up to the end; false when something else is there. */
  atEnd(): boolean {
    const { bytes, end } = this
    while (this.pos < end) {
      const byte = bytes[this.pos]!
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return false
      this.pos++
    }
    return true
  }

  /** Reads the literal whose first byte was seen. */
  literal(word: Uint8Array, path: string): void {
    for (let i = 0; i < word.length; i++) {
      if (this.pos + i >= this.end) this.fail('truncated', path, 'a whole literal')
      if (this.bytes[this.pos + i] !== word[i]) this.fail('json_syntax', path, 'true, false or null')
    }
    this.pos += word.length
  }

  /** Reads the string that starts at the quote here. */
  string(path: string): void {
    const { bytes, end } = this
    const from = this.pos + 1
    let p = from
    let all = 0
    let byte = 0
    for (; p < end; p++) {
      byte = bytes[p]!
      if (byte === QUOTE || byte === BACKSLASH || byte < 0x20) break
      all |= byte
    }
    if (p >= end) this.fail('truncated', path, 'the end of a string')
    if (byte < 0x20) this.fail('json_syntax', path, 'control characters escaped')
    if (byte === BACKSLASH) {
      this.escapedString(from, path)
      return
    }
    if (all > 0x7f && !isValidUtf8(bytes, from, p)) this.fail('utf8_invalid', path, 'valid UTF-8')
    this.text = bytes
    this.from = from
    this.to = p
    this.pos = p + 1
  }

  private escapedString(from: number, path: string): void {
    const { bytes, end } = this
    let length = 0
    let p = from
    for (;;) {
      if (p >= end) this.fail('truncated', path, 'the end of a string')
      if (length + 4 > this.scratch.length) {
        const larger = new Uint8Array(2 * this.scratch.length)
        larger.set(this.scratch)
        this.scratch = larger
      }
      const byte = bytes[p]!
      if (byte === QUOTE) break
      if (byte < 0x20) this.fail('json_syntax', path, 'control characters escaped')
      p++
      if (byte !== BACKSLASH) {
        this.scratch[length++] = byte
        continue
      }
      if (p >= end) this.fail('truncated', path, 'the rest of an escape')
      const escape = bytes[p++]!
      if (escape !== 0x75) {
        const plain = plainEscapes[escape]!
        if (plain === 0) this.fail('json_syntax', path, 'an escape that JSON knows')
        this.scratch[length++] = plain
        continue
      }
      let point = this.hex4(p, path)
      p += 4
      if (point >= 0xdc00 && point < 0xe000) this.fail('utf8_invalid', path, 'no lone surrogate')
      if (point >= 0xd800 && point < 0xdc00) {
        const paired = p + 1 < end && bytes[p] === BACKSLASH && bytes[p + 1] === 0x75
        const low = paired ? this.hex4(p + 2, path) : 0
        if (low < 0xdc00 || low > 0xdfff) this.fail('utf8_invalid', path, 'no lone surrogate')
        point = 0x1_0000 + ((point - 0xd800) << 10) + (low - 0xdc00)
        p += 6
      }
      length = this.putUtf8(point, length)
    }
    if (!isValidUtf8(this.scratch, 0, length)) this.fail('utf8_invalid', path, 'valid UTF-8')
    this.text = this.scratch
    this.from = 0
    this.to = length
    this.pos = p + 1
  }

  private hex4(at: number, path: string): number {
    if (at + 4 > this.end) this.fail('truncated', path, 'four hexadecimal digits')
    let value = 0
    for (let i = 0; i < 4; i++) {
      const digit = hexDigits[this.bytes[at + i]!]!
      if (digit > 15) this.fail('json_syntax', path, 'four hexadecimal digits')
      value = (value << 4) | digit
    }
    return value
  }

  private putUtf8(point: number, at: number): number {
    const { scratch } = this
    let length = at
    if (point < 0x80) scratch[length++] = point
    else if (point < 0x800) {
      scratch[length++] = 0xc0 | (point >> 6)
      scratch[length++] = 0x80 | (point & 0x3f)
    } else if (point < 0x1_0000) {
      scratch[length++] = 0xe0 | (point >> 12)
      scratch[length++] = 0x80 | ((point >> 6) & 0x3f)
      scratch[length++] = 0x80 | (point & 0x3f)
    } else {
      scratch[length++] = 0xf0 | (point >> 18)
      scratch[length++] = 0x80 | ((point >> 12) & 0x3f)
      scratch[length++] = 0x80 | ((point >> 6) & 0x3f)
      scratch[length++] = 0x80 | (point & 0x3f)
    }
    return length
  }

  /** Reads the number that starts here. */
  number(path: string): void {
    this.text = this.bytes
    this.from = this.pos
    const next = this.scanNumber(this.bytes, this.pos, this.end)
    if (next === -1) this.fail('json_syntax', path, 'a JSON number')
    if (next === -2) this.fail('truncated', path, 'a whole JSON number')
    this.to = next
    this.pos = next
  }

  /** Whether the string read last is one JSON number; sets `point` and `exponent`. */
  textIsNumber(): boolean {
    return this.scanNumber(this.text, this.from, this.to) === this.to
  }

  /** End of the number at `p`; -1 when there is none, -2 when the text ends inside one. */
  private scanNumber(text: Uint8Array, from: number, end: number): number {
    let p = from
    this.point = -1
    this.exponent = -1
    if (p < end && text[p] === 0x2d) p++
    if (p >= end) return -2
    if (!isDigit(text[p]!)) return -1
    if (text[p] === 0x30) p++
    else while (p < end && isDigit(text[p]!)) p++
    if (p < end && text[p] === 0x2e) {
      this.point = p++
      if (p >= end) return -2
      if (!isDigit(text[p]!)) return -1
      while (p < end && isDigit(text[p]!)) p++
    }
    if (p < end && (text[p]! | 0x20) === 0x65) {
      this.exponent = p++
      if (p < end && (text[p] === 0x2b || text[p] === 0x2d)) p++
      if (p >= end) return -2
      if (!isDigit(text[p]!)) return -1
      while (p < end && isDigit(text[p]!)) p++
    }
    return p
  }
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39
}

const plainEscapes = new Uint8Array(256)
for (const [escape, byte] of ['""', '\\\\', '//', 'b\b', 'f\f', 'n\n', 'r\r', 't\t'].map((pair) => [
  pair.charCodeAt(0),
  pair.charCodeAt(1),
])) {
  plainEscapes[escape!] = byte!
}

const hexDigits = new Uint8Array(256).fill(0xff)
for (let i = 0; i < 16; i++) {
  hexDigits[i.toString(16).charCodeAt(0)] = i
  hexDigits[i.toString(16).toUpperCase().charCodeAt(0)] = i
}
