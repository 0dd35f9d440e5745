import { LogError } from '../errors/log-error.ts'
import { cursor, readVarint, varintBytes, writeVarint } from './varint.ts'

/** A header as read. Names may repeat and need not be UTF-8: `name` is for looking up, `nameBytes` is what was sent. */
export interface RecordHeader {
  readonly name: string
  readonly nameBytes: Uint8Array
  readonly value: Uint8Array | null
}

/** A header to write. */
export type HeaderInput = readonly [name: string | Uint8Array, value: Uint8Array | null]

const decoder = new TextDecoder()
const encoder = new TextEncoder()

/**
 * Reads a header section (varint count, then headers), as `RecordSlab.headersStart` and `headersEnd` delimit it. Values are
 * views of `section`. At most `limit` headers are made (default all); the rest is checked but left out.
 * @throws LogError BATCH_MALFORMED
 */
export function parseHeaders(section: Uint8Array, limit: number = Infinity): RecordHeader[] {
  const end = section.length
  const count = lengthAt(section, 0, end)
  let at = cursor.at
  if (count < 0 || count > (end - at) / 2) throw damaged()
  const headers: RecordHeader[] = []
  for (let index = 0; index < count; index++) {
    const nameLength = lengthAt(section, at, end)
    const nameStart = cursor.at
    if (nameLength < 0 || nameLength > end - nameStart) throw damaged()
    const valueLength = lengthAt(section, nameStart + nameLength, end)
    const valueStart = cursor.at
    if (valueLength < -1 || valueLength > end - valueStart) throw damaged()
    at = valueStart + Math.max(valueLength, 0)
    if (index >= limit) continue
    const nameBytes = section.subarray(nameStart, nameStart + nameLength)
    const value = valueLength < 0 ? null : section.subarray(valueStart, at)
    headers.push({ name: decoder.decode(nameBytes), nameBytes, value })
  }
  if (at !== end) throw damaged()
  return headers
}

function lengthAt(section: Uint8Array, at: number, end: number): number {
  const value = readVarint(section, at, end)
  if (cursor.at < 0) throw damaged()
  return value
}

function damaged(): LogError {
  return new LogError('BATCH_MALFORMED', 'header section: a length or the count contradicts the bytes')
}

const noHeaders = Uint8Array.of(0)

/** The section `parseHeaders` reads; one zero byte when there are none. */
export function encodeHeaders(headers: readonly HeaderInput[] | undefined): Uint8Array {
  if (headers === undefined || headers.length === 0) return noHeaders
  const named = headers.map(([name, value]) => [typeof name === 'string' ? encoder.encode(name) : name, value] as const)
  let size = varintBytes(named.length)
  for (const [name, value] of named) {
    size += varintBytes(name.length) + name.length + varintBytes(value?.length ?? -1) + (value?.length ?? 0)
  }
  const section = new Uint8Array(size)
  let at = writeVarint(section, 0, named.length)
  for (const [name, value] of named) {
    at = writeVarint(section, at, name.length)
    section.set(name, at)
    at = writeVarint(section, at + name.length, value?.length ?? -1)
    if (value !== null) section.set(value, at)
    at += value?.length ?? 0
  }
  return section
}
