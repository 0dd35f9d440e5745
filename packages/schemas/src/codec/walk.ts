import { isUtf8 } from 'node:buffer'
import { type DecodeCode, type DecodeLimits } from '@sluice/columnar'
import { unscaledWithin } from '../avro/decimal.ts'
import type { AvroNode, Logical } from '../avro/model.ts'
import { DecodeError } from '../errors.ts'
import { uuidText } from './defaults.ts'
import { pathOf, type Trail } from './row.ts'

interface Cursor {
  readonly bytes: Uint8Array
  pos: number
  items: number
  emptyItems: number
  depth: number
  readonly trail: Trail
}

type Walk = (cursor: Cursor) => void

function fail(cursor: Cursor, code: DecodeCode, expected: string): never {
  throw new DecodeError(code, pathOf(cursor.trail), expected)
}

/**
 * Compiles a schema to a check of bytes: passes exactly when the bytes are one value of the schema, whole and strict,
 * within the limits. What passes is safe to hand to avsc.
 * @returns a function that throws DecodeError with code and path
 */
export function compileWalk(root: AvroNode, limits: DecodeLimits): (bytes: Uint8Array) => void {
  const walks = new Map<AvroNode, Walk>()

  const walkOf = (node: AvroNode): Walk => {
    const known = walks.get(node)
    if (known !== undefined) return known
    // A recursive schema reaches its own walk before it is built.
    const later: { built?: Walk } = {}
    walks.set(node, (cursor) => later.built!(cursor))
    const built = (later.built = build(node))
    walks.set(node, built)
    return built
  }

  const enter = (cursor: Cursor): void => {
    if (++cursor.depth > limits.maxDepth) fail(cursor, 'depth_exceeded', `at most ${limits.maxDepth} levels`)
  }

  const build = (node: AvroNode): Walk => {
    switch (node.kind) {
      case 'null':
        return () => {}
      case 'boolean':
        return (cursor) => {
          need(cursor, 1)
          if (cursor.bytes[cursor.pos++]! > 1) fail(cursor, 'boolean_invalid', '0 or 1')
        }
      case 'int':
        return (cursor) => {
          const value = readVarint(cursor, 5, 'an int of at most 5 bytes')
          if (value > 0x7fff_ffff || value < -0x8000_0000) fail(cursor, 'varint_overflow', 'a 32-bit int')
        }
      case 'long':
        return (cursor) => {
          readVarint(cursor, 10, 'a long of at most 10 bytes')
        }
      case 'float':
        return (cursor) => skip(cursor, 4)
      case 'double':
        return (cursor) => skip(cursor, 8)
      case 'fixed':
        return (cursor) => {
          need(cursor, node.size)
          walkDecimal(cursor, node.size, node.logical)
        }
      case 'bytes':
        return (cursor) => walkDecimal(cursor, readLength(cursor), node.logical)
      case 'string':
        return node.logical === undefined ? walkString : walkUuid
      case 'enum':
        return (cursor) => {
          const index = readVarint(cursor, 10, 'an enum index')
          if (index < 0 || index >= node.symbols.length)
            fail(cursor, 'enum_index', `an index below ${node.symbols.length}`)
        }
      case 'union': {
        const branches = node.branches.map(walkOf)
        return (cursor) => {
          const index = readVarint(cursor, 10, 'a union index')
          const branch = branches[index]
          if (branch === undefined) fail(cursor, 'union_index', `an index below ${branches.length}`)
          branch(cursor)
        }
      }
      case 'array': {
        const item = walkOf(node.items)
        const least = minimumBytes(node.items)
        return (cursor) => walkBlocks(cursor, least, item)
      }
      case 'map': {
        const value = walkOf(node.values)
        const least = 1 + minimumBytes(node.values)
        return (cursor) =>
          walkBlocks(cursor, least, (at) => {
            walkString(at)
            value(at)
          })
      }
      case 'record': {
        const fields = node.fields.map((field) => ({ name: field.name, walk: walkOf(field.type) }))
        return (cursor) => {
          enter(cursor)
          for (const field of fields) {
            cursor.trail.push(field.name)
            field.walk(cursor)
            cursor.trail.pop()
          }
          cursor.depth--
        }
      }
    }
  }

  const walkBlocks = (cursor: Cursor, least: number, item: Walk): void => {
    enter(cursor)
    for (;;) {
      let count = readVarint(cursor, 10, 'a block count')
      if (count === 0) break
      let blockEnd = -1
      if (count < 0) {
        count = -count
        const size = readLength(cursor)
        blockEnd = cursor.pos + size
      }
      if (count > limits.maxItems - cursor.items) fail(cursor, 'items_budget', `at most ${limits.maxItems} items`)
      cursor.items += count
      if (least === 0) {
        cursor.emptyItems += count
        if (cursor.emptyItems > limits.maxEmptyItems) {
          fail(cursor, 'items_budget', `at most ${limits.maxEmptyItems} items of no bytes`)
        }
      } else if (count * least > cursor.bytes.length - cursor.pos) {
        fail(cursor, 'truncated', 'as many items as the block says')
      }
      cursor.trail.push('[]')
      for (let i = 0; i < count; i++) item(cursor)
      cursor.trail.pop()
      if (blockEnd >= 0 && cursor.pos !== blockEnd) fail(cursor, 'block_size', 'a block size equal to its items')
    }
    cursor.depth--
  }

  const walk = walkOf(root)
  return (bytes) => {
    const cursor: Cursor = { bytes, pos: 0, items: 0, emptyItems: 0, depth: 0, trail: [] }
    if (bytes.length > limits.maxBytes) fail(cursor, 'size_exceeded', `at most ${limits.maxBytes} bytes`)
    walk(cursor)
    if (cursor.pos !== bytes.length) fail(cursor, 'trailing_bytes', 'the end of the record')
  }
}

function need(cursor: Cursor, count: number): void {
  if (count > cursor.bytes.length - cursor.pos) fail(cursor, 'truncated', `${count} more bytes`)
}

function skip(cursor: Cursor, count: number): void {
  need(cursor, count)
  cursor.pos += count
}

/**
 * Reads a zig-zag varint. Exact up to 2^53, and for larger values of the right sign and size, which is enough to compare
 * them with what remains; the value of a long itself is read by avsc.
 */
function readVarint(cursor: Cursor, maxBytes: number, expected: string): number {
  let value = 0
  let scale = 1
  let odd = false
  for (let i = 1; ; i++) {
    if (cursor.pos >= cursor.bytes.length) fail(cursor, 'truncated', expected)
    const byte = cursor.bytes[cursor.pos++]!
    if (i === 1) odd = (byte & 1) === 1
    if (i === maxBytes && (maxBytes === 10 ? byte > 1 : byte > 15)) fail(cursor, 'varint_overflow', expected)
    value += (byte & 0x7f) * scale
    if (byte < 0x80) break
    scale *= 128
  }
  // The sign is in the lowest bit, which a large sum no longer holds.
  return odd ? -(value + 1) / 2 : value / 2
}

function readLength(cursor: Cursor): number {
  const length = readVarint(cursor, 10, 'a length')
  if (length < 0) fail(cursor, 'length_negative', 'a length of 0 or more')
  if (length > cursor.bytes.length - cursor.pos) fail(cursor, 'length_exceeds', 'a length within the record')
  return length
}

/** Passes over bytes; those of a decimal must fit its precision. */
function walkDecimal(cursor: Cursor, length: number, logical: Logical | undefined): void {
  const end = cursor.pos + length
  if (logical?.name === 'decimal') {
    if (unscaledWithin(cursor.bytes.subarray(cursor.pos, end), logical.precision) === undefined) {
      fail(cursor, 'decimal_precision', `at most ${logical.precision} digits`)
    }
  }
  cursor.pos = end
}

function walkUuid(cursor: Cursor): void {
  const length = readLength(cursor)
  const end = cursor.pos + length
  const text = length === 36 ? Buffer.from(cursor.bytes.subarray(cursor.pos, end)).toString('latin1') : ''
  if (uuidText(text) === undefined) fail(cursor, 'uuid_invalid', 'a uuid of 36 characters')
  cursor.pos = end
}

function walkString(cursor: Cursor): void {
  const length = readLength(cursor)
  const end = cursor.pos + length
  if (!isUtf8(cursor.bytes.subarray(cursor.pos, end))) fail(cursor, 'utf8_invalid', 'valid UTF-8')
  cursor.pos = end
}

/** Fewest bytes a value takes. */
function minimumBytes(node: AvroNode): number {
  switch (node.kind) {
    case 'null':
      return 0
    case 'float':
      return 4
    case 'double':
      return 8
    case 'fixed':
      return node.size
    case 'record':
      return node.fields.reduce((sum, field) => sum + minimumBytes(field.type), 0)
    default:
      return 1
  }
}
