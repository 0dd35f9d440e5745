import type { AvroNode, AvroSchema } from '@sluice/schemas'
import type { Row } from './domain.ts'
import { decimalScale, fieldsOf } from './schema-fields.ts'

/**
 * Avro bodies of rows, written into shared slabs. It exists beside the row codec for two reasons: it reports where each
 * top-level field ends, which is what faults need to damage a value at a place with a certain outcome, and it is several
 * times faster, because simulated rows need no checking. A test holds its bytes equal to the row codec's.
 */
export interface AvroEncoder {
  readonly fields: readonly string[]
  /** After `encode`: end of each top-level field, relative to the start of the returned bytes. */
  readonly fieldEnds: Int32Array
  /** Bytes reserved before the body for the envelope, already filled with `00 | schema id`. */
  readonly bodyStart: number
  /**
   * Framed value of a row that fits the schema: longs are bigint or number, decimals plain text with `scale` digits.
   * The bytes stay valid; they share a slab with other values.
   */
  encode(row: Row): Uint8Array
}

const slabBytes = 256 * 1024
const envelopeBytes = 5

interface Cursor {
  bytes: Buffer
  start: number
  at: number
}

type Write = (value: unknown, cursor: Cursor) => void

/** Makes room for `n` more bytes; the value begun at `start` moves to a new slab when the present one is full. */
function reserve(cursor: Cursor, n: number): void {
  if (cursor.at + n <= cursor.bytes.length) return
  const used = cursor.at - cursor.start
  const next = Buffer.allocUnsafeSlow(Math.max(slabBytes, 2 * (used + n)))
  cursor.bytes.copy(next, 0, cursor.start, cursor.at)
  cursor.bytes = next
  cursor.start = 0
  cursor.at = used
}

/** Zigzag varint of a safe integer. Doubles are split into two halves, because bit operations see only 32 bits. */
function writeVarint(value: number, cursor: Cursor): void {
  reserve(cursor, 10)
  const bytes = cursor.bytes
  if (value >= -0x4000_0000 && value < 0x4000_0000) {
    let z = ((value << 1) ^ (value >> 31)) >>> 0
    while (z > 0x7f) {
      bytes[cursor.at++] = (z & 0x7f) | 0x80
      z >>>= 7
    }
    bytes[cursor.at++] = z
    return
  }
  let z = value < 0 ? -2 * value - 1 : 2 * value
  if (z > Number.MAX_SAFE_INTEGER) return writeBigVarint(BigInt(value), cursor)
  while (z > 0x7f) {
    const rest = Math.floor(z / 128)
    bytes[cursor.at++] = (z - rest * 128) | 0x80
    z = rest
  }
  bytes[cursor.at++] = z
}

function writeBigVarint(value: bigint, cursor: Cursor): void {
  reserve(cursor, 10)
  let z = BigInt.asUintN(64, value < 0n ? -2n * value - 1n : 2n * value)
  while (z > 0x7fn) {
    cursor.bytes[cursor.at++] = Number(z & 0x7fn) | 0x80
    z >>= 7n
  }
  cursor.bytes[cursor.at++] = Number(z)
}

function writeLong(value: unknown, cursor: Cursor): void {
  const n = Number(value)
  if (Number.isSafeInteger(n)) writeVarint(n, cursor)
  else writeBigVarint(BigInt(value as bigint), cursor)
}

function writeString(value: unknown, cursor: Cursor): void {
  const text = value as string
  const length = text.length
  reserve(cursor, length + 5)
  const mark = cursor.at
  if (length < 64) {
    const bytes = cursor.bytes
    bytes[mark] = length << 1
    let i = 0
    for (; i < length; i++) {
      const c = text.charCodeAt(i)
      if (c > 0x7f) break
      bytes[mark + 1 + i] = c
    }
    if (i === length) {
      cursor.at = mark + 1 + length
      return
    }
  }
  const size = Buffer.byteLength(text)
  writeVarint(size, cursor)
  reserve(cursor, size)
  cursor.at += cursor.bytes.write(text, cursor.at, size, 'utf8')
}

function writeBytes(value: unknown, cursor: Cursor): void {
  const bytes = value as Uint8Array
  writeVarint(bytes.length, cursor)
  writeFixed(bytes, cursor)
}

function writeFixed(value: unknown, cursor: Cursor): void {
  const bytes = value as Uint8Array
  reserve(cursor, bytes.length)
  cursor.bytes.set(bytes, cursor.at)
  cursor.at += bytes.length
}

/** Unscaled integer of decimal text that has exactly the schema's number of fraction digits. */
function unscaledOf(text: string): number {
  let value = 0
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c >= 0x30 && c <= 0x39) value = value * 10 + (c - 0x30)
  }
  return text.charCodeAt(0) === 0x2d ? -value : value
}

/** Shortest big-endian two's complement bytes of an integer, into `out` from its end. @returns number of bytes */
function twosComplement(value: number, out: Uint8Array): number {
  let rest = value
  let size = 0
  for (;;) {
    const low = ((rest % 256) + 256) % 256
    out[out.length - ++size] = low
    rest = (rest - low) / 256
    if ((rest === 0 && low < 0x80) || (rest === -1 && low >= 0x80)) return size
  }
}

function writeDecimal(scale: number, fixedSize: number | undefined): Write {
  const scratch = new Uint8Array(8)
  return (value, cursor) => {
    const text = value as string
    const unscaled = unscaledOf(text)
    const dot = text.indexOf('.')
    if (!Number.isSafeInteger(unscaled) || (dot < 0 ? 0 : text.length - dot - 1) !== scale) {
      throw new TypeError(`decimal: a simulated value must be below 2^53 units with ${scale} fraction digits`)
    }
    const size = twosComplement(unscaled, scratch)
    if (fixedSize === undefined) writeVarint(size, cursor)
    const total = fixedSize ?? size
    reserve(cursor, total)
    for (let i = size; i < total; i++) cursor.bytes[cursor.at++] = unscaled < 0 ? 0xff : 0
    for (let i = scratch.length - size; i < scratch.length; i++) cursor.bytes[cursor.at++] = scratch[i]!
  }
}

function compile(node: AvroNode): Write {
  switch (node.kind) {
    case 'null':
      return () => {}
    case 'boolean':
      return (value, cursor) => {
        reserve(cursor, 1)
        cursor.bytes[cursor.at++] = value === true ? 1 : 0
      }
    case 'int':
    case 'long':
      return writeLong
    case 'float':
      return (value, cursor) => {
        reserve(cursor, 4)
        cursor.at = cursor.bytes.writeFloatLE(value as number, cursor.at)
      }
    case 'double':
      return (value, cursor) => {
        reserve(cursor, 8)
        cursor.at = cursor.bytes.writeDoubleLE(value as number, cursor.at)
      }
    case 'string':
      return writeString
    case 'bytes':
    case 'fixed': {
      const scale = decimalScale(node)
      if (scale !== undefined) return writeDecimal(scale, node.kind === 'fixed' ? node.size : undefined)
      return node.kind === 'fixed' ? writeFixed : writeBytes
    }
    case 'enum': {
      const index = new Map(node.symbols.map((symbol, i) => [symbol, i]))
      return (value, cursor) => {
        const i = index.get(value as string)
        if (i === undefined) throw new TypeError('enum: a simulated value is not a symbol of the schema')
        writeVarint(i, cursor)
      }
    }
    case 'array': {
      const item = compile(node.items)
      return (value, cursor) => {
        const items = value as unknown[]
        if (items.length > 0) {
          writeVarint(items.length, cursor)
          for (const each of items) item(each, cursor)
        }
        writeVarint(0, cursor)
      }
    }
    case 'map': {
      const item = compile(node.values)
      return (value, cursor) => {
        const entries = Object.entries(value as Row)
        if (entries.length > 0) {
          writeVarint(entries.length, cursor)
          for (const [key, each] of entries) {
            writeString(key, cursor)
            item(each, cursor)
          }
        }
        writeVarint(0, cursor)
      }
    }
    case 'union': {
      const nullAt = node.branches.findIndex((branch) => branch.kind === 'null')
      if (node.branches.length !== 2 || nullAt < 0) throw new TypeError('union: only [null, type] is simulated')
      const present = compile(node.branches[1 - nullAt]!)
      return (value, cursor) => {
        const isNull = value === null || value === undefined
        writeVarint(isNull ? nullAt : 1 - nullAt, cursor)
        if (!isNull) present(value, cursor)
      }
    }
    case 'record': {
      const names = node.fields.map((field) => field.name)
      const writes = node.fields.map((field) => compile(field.type))
      return (value, cursor) => {
        const row = value as Row
        for (let i = 0; i < names.length; i++) writes[i]!(row[names[i]!], cursor)
      }
    }
  }
}

export function createAvroEncoder(schema: AvroSchema, schemaId: number): AvroEncoder {
  const nodes = fieldsOf(schema)
  const fields = nodes.map((field) => field.name)
  const writes = nodes.map((field) => compile(field.type))
  const fieldEnds = new Int32Array(fields.length)
  const cursor: Cursor = { bytes: Buffer.allocUnsafeSlow(slabBytes), start: 0, at: 0 }
  return {
    fields,
    fieldEnds,
    bodyStart: envelopeBytes,
    encode(row) {
      cursor.start = cursor.at
      reserve(cursor, 512)
      cursor.bytes[cursor.at] = 0
      cursor.bytes.writeUInt32BE(schemaId, cursor.at + 1)
      cursor.at += envelopeBytes
      for (let i = 0; i < fields.length; i++) {
        writes[i]!(row[fields[i]!], cursor)
        fieldEnds[i] = cursor.at - cursor.start
      }
      const { bytes, start, at } = cursor
      return new Uint8Array(bytes.buffer, bytes.byteOffset + start, at - start)
    },
  }
}
