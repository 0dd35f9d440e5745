import { createHash } from 'node:crypto'

/**
 * Folder for null, as Hive, Spark and DuckDB read it; an empty text has its own. A text that equals a token is told
 * apart by its first character being percent-encoded.
 */
export const nullToken = '__HIVE_DEFAULT_PARTITION__'
export const emptyToken = '__EMPTY__'
/** Folder for rows without the time that the path needs. */
export const unknownToken = '_unknown'
/** Folder for rows whose time is outside the range of the sink (RELIABILITY input 23). */
export const outOfRangeToken = '_out_of_range'

const tokens: ReadonlySet<string> = new Set([nullToken, emptyToken, unknownToken, outOfRangeToken])

/** Longest encoded value, bytes: with its name and `=` it stays below the 255 bytes of a path segment. */
export const maxSegmentBytes = 160
const hashDigits = 24

const plain = new Uint8Array(128)
for (const character of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.~-') {
  plain[character.charCodeAt(0)] = 1
}
const hex = Array.from({ length: 256 }, (_, byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)

/**
 * A text as one path segment (RELIABILITY input 24): every byte outside `[A-Za-z0-9_.~-]` percent-encoded, `.` and `..`
 * too, so that no text can name another folder. Longer than `maxSegmentBytes` it is cut and ends in `+` and 24 digits of
 * its SHA-256; `+` is in no other segment, so nothing else can be equal to it.
 */
export function encodeSegment(text: string): string {
  if (text === '') return emptyToken
  const encoded = tokens.has(text) ? `%5F${text.slice(1)}` : encodeBytes(text)
  if (encoded.length <= maxSegmentBytes) return encoded
  const hash = createHash('sha256')
    .update(Uint8Array.from(bytesOf(text)))
    .digest('hex')
    .slice(0, hashDigits)
  const kept = encoded.slice(0, maxSegmentBytes - hashDigits - 1)
  // Never half of a percent code.
  return `${kept.replace(/%.?$/, '')}+${hash}`
}

/** The same for a partition value that may be missing. */
export function encodeValue(value: string | null): string {
  return value === null ? nullToken : encodeSegment(value)
}

/**
 * The text that was encoded; null for the token of null. A segment that had to be cut gives undefined, as do the tokens
 * for unknown times and texts that `encodeSegment` never makes.
 */
export function decodeValue(segment: string): string | null | undefined {
  if (segment === nullToken) return null
  if (segment === emptyToken) return ''
  if (!/^(?:[A-Za-z0-9_.~-]|%[0-9A-F]{2})+$/.test(segment)) return undefined
  const bytes: number[] = []
  for (let at = 0; at < segment.length; at++) {
    if (segment[at] === '%') {
      bytes.push(Number.parseInt(segment.slice(at + 1, at + 3), 16))
      at += 2
    } else bytes.push(segment.charCodeAt(at))
  }
  const text = textOf(bytes)
  return text !== undefined && encodeSegment(text) === segment ? text : undefined
}

function encodeBytes(text: string): string {
  if (text === '.') return '%2E'
  if (text === '..') return '%2E%2E'
  let out = ''
  for (const byte of bytesOf(text)) out += byte < 128 && plain[byte] === 1 ? String.fromCharCode(byte) : hex[byte]!
  return out
}

/** UTF-8, with lone surrogates as their own three bytes, so that no two texts have the same bytes. */
function bytesOf(text: string): number[] {
  const bytes: number[] = []
  for (const character of text) {
    const point = character.codePointAt(0)!
    if (point < 0x80) bytes.push(point)
    else if (point < 0x800) bytes.push(0xc0 | (point >> 6), 0x80 | (point & 63))
    else if (point < 0x10000) bytes.push(0xe0 | (point >> 12), 0x80 | ((point >> 6) & 63), 0x80 | (point & 63))
    else {
      bytes.push(0xf0 | (point >> 18), 0x80 | ((point >> 12) & 63), 0x80 | ((point >> 6) & 63), 0x80 | (point & 63))
    }
  }
  return bytes
}

function textOf(bytes: readonly number[]): string | undefined {
  let text = ''
  for (let at = 0; at < bytes.length;) {
    const lead = bytes[at]!
    const extra = lead < 0x80 ? 0 : lead >> 5 === 6 ? 1 : lead >> 4 === 14 ? 2 : lead >> 3 === 30 ? 3 : -1
    if (extra < 0 || at + extra >= bytes.length) return undefined
    let point = extra === 0 ? lead : lead & (0x3f >> extra)
    for (let i = 1; i <= extra; i++) point = (point << 6) | (bytes[at + i]! & 63)
    if (point > 0x10ffff) return undefined
    text += String.fromCodePoint(point)
    at += extra + 1
  }
  return text
}
