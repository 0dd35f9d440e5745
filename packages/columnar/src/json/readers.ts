import { ensureSlots } from '../builder/column-store.ts'
import type { StoreSet } from '../builder/column-store.ts'
import { createStores } from '../builder/column-store.ts'
import { layoutOf } from '../builder/layout.ts'
import type { ColumnNode, Layout } from '../builder/layout.ts'
import { writeNull, writeValue } from '../builder/write-value.ts'
import { ColumnarError } from '../errors.ts'
import type { Field } from '../types.ts'
import type { JsonCursor } from './cursor.ts'
import { createNameIndex } from './field-index.ts'
import type { JsonSettings } from './options.ts'
import { scalarReader } from './scalar-readers.ts'
import type { ValueReader } from './scalar-readers.ts'
import { nullWord, skipJson } from './skip.ts'

const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const COMMA = 0x2c
const COLON = 0x3a
const QUOTE = 0x22
const SMALL_N = 0x6e

/** Compiles the reader of one record: of the JSON object at the cursor, whole, into a row. */
export function compileRecordReader(
  layout: Layout,
  settings: JsonSettings,
  cursor: JsonCursor,
): (set: StoreSet, row: number) => void {
  const { lenient, maxDepth, maxBytes, maxItems } = settings
  let items = 0
  const unused = new Set(settings.defaults.keys())

  const tooDeep = (path: string): never => cursor.fail('depth_exceeded', path, `at most ${maxDepth} levels`)

  const countItem = (path: string): void => {
    if (++items > maxItems) cursor.fail('items_budget', path, `at most ${maxItems} items in the record`)
  }

  /** Reads a value or null. `depth` counts the containers around it. */
  const slotReader = (node: ColumnNode, path: string, depth: number): ((set: StoreSet, i: number) => void) => {
    const read = valueReader(node, path, depth)
    const { index, nullable, tracksNulls, storage } = node
    const hasDefault = settings.defaults.has(path)
    const value = settings.defaults.get(path)
    return (set, i) => {
      const byte = cursor.peek(path)
      if (byte === SMALL_N) {
        cursor.literal(nullWord, path)
        if (nullable || storage === 'none') writeNull(set, node, i)
        else if (lenient && hasDefault) writeValue(set, node, i, value, path)
        else cursor.fail('type_mismatch', path, 'a value, not null')
        return
      }
      if (tracksNulls) set.columns[index]!.present[i] = 1
      read(set, i, byte)
    }
  }

  const valueReader = (node: ColumnNode, path: string, depth: number): ValueReader => {
    switch (node.type.kind) {
      case 'struct':
        return structReader(node.children, path, depth)
      case 'list':
        return listReader(node, path, depth)
      case 'map':
        return mapReader(node, path, depth)
      default:
        return scalarReader(node, path, settings, cursor)
    }
  }

  const structReader = (fields: readonly ColumnNode[], path: string, depth: number): ValueReader => {
    const paths = fields.map((field) => (path === '' ? field.name : `${path}.${field.name}`))
    const readers = fields.map((field, f) => slotReader(field, paths[f]!, depth + 1))
    const absent = fields.map((field, f) => absentWriter(field, paths[f]!))
    const names = createNameIndex(fields.map((field) => field.name))
    const count = fields.length
    // Which object a field was last seen in: a set of seen fields that needs no clearing.
    const seenIn = new Float64Array(count)
    let object = 0
    return (set, i, byte) => {
      if (byte !== OPEN_OBJECT) cursor.fail('type_mismatch', path, 'an object')
      if (depth >= maxDepth) tooDeep(path)
      cursor.pos++
      const current = ++object
      let seen = 0
      let next = 0
      if (cursor.peek(path) === CLOSE_OBJECT) cursor.pos++
      else {
        for (;;) {
          if (cursor.peek(path) !== QUOTE) cursor.fail('json_syntax', path, 'a key')
          cursor.string(path)
          const f = names.find(cursor, next)
          if (cursor.peek(path) !== COLON) cursor.fail('json_syntax', path, 'a colon')
          cursor.pos++
          if (f < 0) {
            if (!lenient) cursor.fail('field_unknown', path, 'fields of the schema only')
            skipJson(cursor, settings, path, depth + 1)
          } else {
            if (seenIn[f] !== current) {
              seenIn[f] = current
              seen++
            } else if (!lenient) cursor.fail('json_duplicate', paths[f]!, 'the field once')
            next = f + 1
            readers[f]!(set, i)
          }
          const end = cursor.peek(path)
          cursor.pos++
          if (end === CLOSE_OBJECT) break
          if (end !== COMMA) cursor.fail('json_syntax', path, 'a comma or }')
        }
      }
      if (seen < count) {
        for (let f = 0; f < count; f++) if (seenIn[f] !== current) absent[f]!(set, i)
      }
    }
  }

  const absentWriter = (node: ColumnNode, path: string): ((set: StoreSet, i: number) => void) => {
    unused.delete(path)
    if (settings.defaults.has(path)) {
      const value = settings.defaults.get(path)
      checkDefault(node, value, path)
      return (set, i) => writeValue(set, node, i, value, path)
    }
    if (node.nullable || node.storage === 'none') return (set, i) => writeNull(set, node, i)
    return () => cursor.fail('field_missing', path, 'the field')
  }

  const listReader = (node: ColumnNode, path: string, depth: number): ValueReader => {
    const item = node.children[0]!
    const itemPath = `${path}[]`
    const readItem = slotReader(item, itemPath, depth + 1)
    return (set, i, byte) => {
      if (byte !== OPEN_ARRAY) cursor.fail('type_mismatch', path, 'an array')
      if (depth >= maxDepth) tooDeep(path)
      cursor.pos++
      let at = set.columns[node.index]!.offsets[i]!
      if (cursor.peek(path) === CLOSE_ARRAY) cursor.pos++
      else {
        for (;;) {
          countItem(path)
          ensureSlots(set, item.group, at + 1)
          readItem(set, at++)
          const end = cursor.peek(path)
          cursor.pos++
          if (end === CLOSE_ARRAY) break
          if (end !== COMMA) cursor.fail('json_syntax', path, 'a comma or ]')
        }
      }
      set.columns[node.index]!.offsets[i + 1] = at
    }
  }

  const mapReader = (node: ColumnNode, path: string, depth: number): ValueReader => {
    const [key, value] = node.children as [ColumnNode, ColumnNode]
    const itemPath = `${path}[]`
    const readKey = scalarReader(key, itemPath, settings, cursor)
    const readItem = slotReader(value, itemPath, depth + 1)
    return (set, i, byte) => {
      if (byte !== OPEN_OBJECT) cursor.fail('type_mismatch', path, 'an object')
      if (depth >= maxDepth) tooDeep(path)
      cursor.pos++
      const keys = new Set<string>()
      let at = set.columns[node.index]!.offsets[i]!
      if (cursor.peek(path) === CLOSE_OBJECT) cursor.pos++
      else {
        for (;;) {
          if (cursor.peek(path) !== QUOTE) cursor.fail('json_syntax', path, 'a key')
          countItem(path)
          ensureSlots(set, key.group, at + 1)
          readKey(set, at, QUOTE)
          keys.add(textOf(cursor))
          if (cursor.peek(path) !== COLON) cursor.fail('json_syntax', path, 'a colon')
          cursor.pos++
          readItem(set, at++)
          const end = cursor.peek(path)
          cursor.pos++
          if (end === CLOSE_OBJECT) break
          if (end !== COMMA) cursor.fail('json_syntax', path, 'a comma or }')
        }
      }
      const { offsets } = set.columns[node.index]!
      // Readers of maps differ about repeated keys, some fail: refused in both modes.
      if (keys.size < at - offsets[i]!) cursor.fail('json_duplicate', path, 'every key once')
      offsets[i + 1] = at
    }
  }

  const readFields = structReader(layout.roots, '', 0)
  const [unknownDefault] = unused
  if (unknownDefault !== undefined) {
    throw new ColumnarError('DECODER_OPTION', `defaults names ${unknownDefault}, which is no field of the schema`)
  }

  return (set, row) => {
    items = 0
    const { bytes, pos, end } = cursor
    if (end - pos > maxBytes) cursor.fail('size_exceeded', '', `at most ${maxBytes} bytes`)
    if (end - pos >= 3 && bytes[pos] === 0xef && bytes[pos + 1] === 0xbb && bytes[pos + 2] === 0xbf) {
      if (!lenient) cursor.fail('json_bom', '', 'no byte order mark')
      cursor.pos += 3
    }
    readFields(set, row, cursor.peek(''))
    if (!cursor.atEnd()) cursor.fail('trailing_bytes', '', 'the end of the record')
  }
}

/** The string read last, valid UTF-8 by now. */
function textOf({ text, from, to }: JsonCursor): string {
  return Buffer.from(text.buffer, text.byteOffset + from, to - from).toString('utf8')
}

/** @throws {ColumnarError} ROW_VALUE when the value cannot be one of the column */
function checkDefault(node: ColumnNode, value: unknown, path: string): void {
  const field: Field = { name: node.name, type: node.type, nullable: node.nullable }
  const trial = createStores(layoutOf({ fields: [field] }), 1)
  writeValue(trial, trial.layout.roots[0]!, 0, value, path)
}
