/**
 * Schema ids carried in a header instead of the value (fault 44). Clients write `__value_schema_id` as `00 | id, 4 bytes,
 * big-endian`, or as `01 | GUID, 16 bytes`; the value is then the bare body.
 *
 * @see https://kafka.apache.org/documentation/#recordheader for the section: varint count, then per header
 *   varint key length, key, varint value length (-1: null), value
 */
const name = new TextEncoder().encode('__value_schema_id')

/** No header of that name. */
export const HEADER_NONE = -1
export const HEADER_GUID = -2
export const HEADER_INVALID = -3

/** The schema id in the header section `bytes[start, end)`, or one of the constants above. Never throws. */
export function readHeaderSchemaId(bytes: Uint8Array, start: number, end: number): number {
  const cursor = { at: start, end }
  const count = varint(bytes, cursor)
  for (let i = 0; i < count; i++) {
    const keyLength = varint(bytes, cursor)
    if (keyLength < 0 || cursor.at + keyLength > end) return HEADER_NONE
    const keyStart = cursor.at
    cursor.at += keyLength
    const valueLength = varint(bytes, cursor)
    const valueStart = cursor.at
    if (valueLength > 0) cursor.at += valueLength
    if (cursor.at > end) return HEADER_NONE
    if (keyLength === name.length && isName(bytes, keyStart)) return idOf(bytes, valueStart, valueLength)
  }
  return HEADER_NONE
}

function idOf(bytes: Uint8Array, start: number, length: number): number {
  if (length === 17 && bytes[start] === 1) return HEADER_GUID
  if (length !== 5 || bytes[start] !== 0) return HEADER_INVALID
  return ((bytes[start + 1]! << 24) | (bytes[start + 2]! << 16) | (bytes[start + 3]! << 8) | bytes[start + 4]!) >>> 0
}

function isName(bytes: Uint8Array, start: number): boolean {
  for (let i = 0; i < name.length; i++) if (bytes[start + i] !== name[i]) return false
  return true
}

/** Zigzag varint of at most five bytes; -1 (null) when it does not end in time. */
function varint(bytes: Uint8Array, cursor: { at: number; readonly end: number }): number {
  let raw = 0
  for (let shift = 0; shift < 35; shift += 7) {
    if (cursor.at >= cursor.end) return -1
    const byte = bytes[cursor.at++]!
    raw |= (byte & 0x7f) << shift
    if (byte < 0x80) return (raw >>> 1) ^ -(raw & 1)
  }
  return -1
}
