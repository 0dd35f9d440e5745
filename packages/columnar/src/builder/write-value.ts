import { unscaledOf, writeDecimalWords } from '../decimal.ts'
import { ColumnarError } from '../errors.ts'
import { parseUuid } from '../uuid.ts'
import { ensureBytes, ensureSlots } from './column-store.ts'
import type { StoreSet } from './column-store.ts'
import type { ColumnNode } from './layout.ts'

const encoder = new TextEncoder()
const longWords = new Int32Array(2)
const longValue = new BigInt64Array(longWords.buffer)

function wrong(path: string, expected: string): ColumnarError {
  return new ColumnarError('ROW_VALUE', `the value at ${path} is not ${expected}`)
}

/** Writes null into slot `i` of a column: zero bytes, an empty range, null children. */
export function writeNull(set: StoreSet, node: ColumnNode, i: number): void {
  const store = set.columns[node.index]!
  if (node.tracksNulls) store.present[i] = 0
  switch (node.storage) {
    case 'bits':
      store.bytes[i] = 0
      break
    case 'ints':
      store.ints[i] = 0
      break
    case 'longs':
      store.ints[2 * i] = 0
      store.ints[2 * i + 1] = 0
      break
    case 'floats':
      store.floats[i] = 0
      break
    case 'doubles':
      store.doubles[i] = 0
      break
    case 'fixed':
      store.bytes.fill(0, node.width * i, node.width * (i + 1))
      break
    case 'bytes':
    case 'list':
      store.offsets[i + 1] = store.offsets[i]!
      break
    case 'struct':
      for (const child of node.children) writeNull(set, child, i)
      break
    default:
      break
  }
}

/**
 * Writes a value of the form `rowsOf` gives into slot `i`, for which there must be room. Slower than generated code and
 * for edges only: defaults, rows of tests, dead letters.
 * @throws {ColumnarError} ROW_VALUE
 */
export function writeValue(set: StoreSet, node: ColumnNode, i: number, value: unknown, path: string): void {
  if (value === null || value === undefined) {
    if (!node.nullable && node.storage !== 'none') throw wrong(path, 'present, and the column is not nullable')
    writeNull(set, node, i)
    return
  }
  const store = set.columns[node.index]!
  if (node.tracksNulls) store.present[i] = 1
  const { type } = node
  switch (type.kind) {
    case 'null':
      throw wrong(path, 'null')
    case 'boolean':
      if (typeof value !== 'boolean') throw wrong(path, 'a boolean')
      store.bytes[i] = value ? 1 : 0
      return
    case 'int32':
    case 'date':
      store.ints[i] = intOf(value, path)
      return
    case 'enum': {
      const symbol = typeof value === 'string' ? type.symbols.indexOf(value) : -1
      if (symbol < 0) throw wrong(path, 'a symbol of the enum')
      store.ints[i] = symbol
      return
    }
    case 'time':
      if (type.unit === 'milli') store.ints[i] = intOf(value, path)
      else writeLong(store.ints, i, value, path)
      return
    case 'int64':
    case 'timestamp':
      writeLong(store.ints, i, value, path)
      return
    case 'float32':
    case 'float64':
      if (typeof value !== 'number') throw wrong(path, 'a number')
      if (type.kind === 'float32') store.floats[i] = value
      else store.doubles[i] = value
      return
    case 'utf8':
      if (typeof value !== 'string' || !value.isWellFormed()) throw wrong(path, 'a string without lone surrogates')
      writeBytes(set, node, i, encoder.encode(value))
      return
    case 'binary':
      if (!(value instanceof Uint8Array)) throw wrong(path, 'a Uint8Array')
      writeBytes(set, node, i, value)
      return
    case 'fixed':
      if (!(value instanceof Uint8Array) || value.length !== type.size) throw wrong(path, `${type.size} bytes`)
      store.bytes.set(value, type.size * i)
      return
    case 'uuid':
      if (
        typeof value !== 'string' ||
        value.length !== 36 ||
        !parseUuid(encoder.encode(value), 0, store.bytes, 16 * i)
      ) {
        throw wrong(path, 'a uuid')
      }
      return
    case 'decimal': {
      const unscaled = typeof value === 'string' ? unscaledOf(value, type.precision, type.scale) : undefined
      if (unscaled === undefined) throw wrong(path, `the text of a decimal(${type.precision}, ${type.scale})`)
      writeDecimalWords(store.ints, 4 * i, unscaled)
      return
    }
    case 'list': {
      if (!Array.isArray(value)) throw wrong(path, 'an array')
      const item = node.children[0]!
      let at = store.offsets[i]!
      ensureSlots(set, item.group, at + value.length)
      for (const entry of value as unknown[]) writeValue(set, item, at++, entry, `${path}[]`)
      set.columns[node.index]!.offsets[i + 1] = at
      return
    }
    case 'map': {
      const [keyNode, valueNode] = node.children as [ColumnNode, ColumnNode]
      const entries = Object.entries(objectOf(value, path))
      let at = store.offsets[i]!
      ensureSlots(set, keyNode.group, at + entries.length)
      for (const [key, entry] of entries) {
        writeValue(set, keyNode, at, key, `${path}[]`)
        writeValue(set, valueNode, at++, entry, `${path}[]`)
      }
      set.columns[node.index]!.offsets[i + 1] = at
      return
    }
    case 'struct': {
      const object = objectOf(value, path)
      for (const child of node.children)
        writeValue(set, child, i, ownValue(object, child.name), `${path}.${child.name}`)
    }
  }
}

/** An own property, so that `toString` and the like of a prototype never count as data. */
export function ownValue(object: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined
}

function objectOf(value: unknown, path: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(path, 'an object')
  return value as Record<string, unknown>
}

function intOf(value: unknown, path: string): number {
  if (typeof value !== 'number' || (value | 0) !== value) throw wrong(path, 'a 32-bit integer')
  return value
}

function writeLong(ints: Int32Array, i: number, value: unknown, path: string): void {
  const long = typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value
  if (typeof long !== 'bigint' || BigInt.asIntN(64, long) !== long) throw wrong(path, 'a 64-bit integer')
  longValue[0] = long
  ints[2 * i] = longWords[0]!
  ints[2 * i + 1] = longWords[1]!
}

function writeBytes(set: StoreSet, node: ColumnNode, i: number, value: Uint8Array): void {
  const store = set.columns[node.index]!
  const start = store.offsets[i]!
  ensureBytes(store, start, start + value.length).set(value, start)
  store.offsets[i + 1] = start + value.length
}
