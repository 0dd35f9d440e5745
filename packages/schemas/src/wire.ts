/**
 * Confluent wire format: `00 | schema id, 4 bytes, big-endian | Avro body`.
 * @see https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/index.html#wire-format
 */

/** Bytes before the body. */
export const envelopeBytes = 5
/** Result of `readSchemaId`: fewer than five bytes (code `envelope_short`, RELIABILITY input 2). */
export const ENVELOPE_SHORT = -1
/** Result of `readSchemaId`: the first byte is not 0 (code `envelope_magic`, RELIABILITY input 3). */
export const ENVELOPE_MAGIC = -2

export type Envelope =
  | { readonly ok: true; readonly schemaId: number; readonly bodyStart: number }
  | { readonly ok: false; readonly code: 'envelope_short' | 'envelope_magic'; readonly expected: string }

/**
 * Schema id of the value `bytes[start, end)`, without allocating: for the hot path.
 * Ids are unsigned, so an id that other clients print as negative is a number of 2^31 or more here (input 4).
 * @returns the id, or `ENVELOPE_SHORT` or `ENVELOPE_MAGIC`
 */
export function readSchemaId(bytes: Uint8Array, start = 0, end = bytes.length): number {
  if (end - start < envelopeBytes) return ENVELOPE_SHORT
  if (bytes[start] !== 0) return ENVELOPE_MAGIC
  return ((bytes[start + 1]! << 24) | (bytes[start + 2]! << 16) | (bytes[start + 3]! << 8) | bytes[start + 4]!) >>> 0
}

/** Reads the envelope of a whole value; the body is `bytes.subarray(bodyStart)`. Never throws. */
export function parseEnvelope(bytes: Uint8Array): Envelope {
  const schemaId = readSchemaId(bytes)
  if (schemaId === ENVELOPE_SHORT) {
    return { ok: false, code: 'envelope_short', expected: 'a zero byte and a four-byte schema id' }
  }
  if (schemaId === ENVELOPE_MAGIC) return { ok: false, code: 'envelope_magic', expected: 'a first byte of 0' }
  return { ok: true, schemaId, bodyStart: envelopeBytes }
}

/**
 * Puts the envelope before an Avro body.
 * @throws {TypeError} when `schemaId` is not a whole number from 0 to 2^32 - 1
 */
export function frame(schemaId: number, body: Uint8Array): Uint8Array {
  if (!Number.isInteger(schemaId) || schemaId < 0 || schemaId > 0xffff_ffff) {
    throw new TypeError('schemaId must be a whole number from 0 to 2^32 - 1')
  }
  const framed = new Uint8Array(envelopeBytes + body.length)
  framed[1] = schemaId >>> 24
  framed[2] = schemaId >>> 16
  framed[3] = schemaId >>> 8
  framed[4] = schemaId
  framed.set(body, envelopeBytes)
  return framed
}
