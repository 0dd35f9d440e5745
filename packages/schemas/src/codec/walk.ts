import { isUtf8 } from 'node:buffer'
import type { AvroNode } from '../avro/model.ts'
import { DecodeError, type DecodeCode } from '../errors.ts'
import { pathOf, type Trail } from './row.ts'

/** What one record may cost, checked on the bytes before anything is allocated for it. */
export interface DecodeLimits {
  /** Bytes of the record. */
  readonly maxBytes: number
  /** Items of all arrays and maps of the record together (RELIABILITY input 7). */
  readonly maxItems: number
  /** Records, arrays and maps inside each other (input 10). */
  readonly maxDepth: number
}

export const defaultDecodeLimits: DecodeLimits = Object.freeze({
  maxBytes: 64 * 1024 * 1024,
  maxItems: 1_000_000,
  maxDepth: 100,
})

interface Cursor {
  readonly bytes: Uint8Array
  pos: number
  items: number
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
        return (cursor) => skip(cursor, node.size)
      case 'bytes':
        return (cursor) => skip(cursor, readLength(cursor))
      case 'string':
        return walkString
      case 'enum':
        return (cursor) => {
          const index = readVarint(cursor, 5, 'an enum index')
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
        return (cursor) => walkBlocks(cursor, item)
      }
      case 'map': {
        const value = walkOf(node.values)
        return (cursor) =>
          walkBlocks(cursor, (at) => {
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

  const walkBlocks = (cursor: Cursor, item: Walk): void => {
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
      cursor.trail.push('[]')
      for (let i = 0; i < count; i++) item(cursor)
      cursor.trail.pop()
      if (blockEnd >= 0 && cursor.pos !== blockEnd) fail(cursor, 'block_size', 'a block size equal to its items')
    }
    cursor.depth--
  }

  const walk = walkOf(root)
  return (bytes) => {
    const cursor: Cursor = { bytes, pos: 0, items: 0, depth: 0, trail: [] }
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
  for (let i = 1; ; i++) {
    if (cursor.pos >= cursor.bytes.length) fail(cursor, 'truncated', expected)
    const byte = cursor.bytes[cursor.pos++]!
    if (i === maxBytes && (maxBytes === 10 ? byte > 1 : byte > 15)) fail(cursor, 'varint_overflow', expected)
    value += (byte & 0x7f) * scale
    if (byte < 0x80) break
    scale *= 128
  }
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2
}

function readLength(cursor: Cursor): number {
  const length = readVarint(cursor, 10, 'a length')
  if (length < 0) fail(cursor, 'length_negative', 'a length of 0 or more')
  if (length > cursor.bytes.length - cursor.pos) fail(cursor, 'length_exceeds', 'a length within the record')
  return length
}

function walkString(cursor: Cursor): void {
  const length = readLength(cursor)
  const end = cursor.pos + length
  if (!isUtf8(cursor.bytes.subarray(cursor.pos, end))) fail(cursor, 'utf8_invalid', 'valid UTF-8')
  cursor.pos = end
}
