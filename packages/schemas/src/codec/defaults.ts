import { decimalText, fitsPrecision, unscaledOfBytes } from '../avro/decimal.ts'
import { branchName, type AvroNode, type UnionNode } from '../avro/model.ts'
import { SchemaError } from '../errors.ts'
import { type Row, type RowValue } from './row.ts'

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** Lower-case uuid, or `undefined` when the text is none. */
export function uuidText(text: string): string | undefined {
  return uuidPattern.test(text) ? text.toLowerCase() : undefined
}

/** Text of the 16 bytes of a uuid. */
export function uuidOfBytes(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** True for `["null", T]`, `[T, "null"]` and `[T]`: the row then holds the value itself, else `{ branch: value }`. */
export function isPlainUnion(union: UnionNode): boolean {
  return union.branches.filter((branch) => branch.kind !== 'null').length <= 1
}

/**
 * Row value of a default as written in a schema: bytes are text of code points 0-255, a union takes its first branch
 * that fits. A new value at every call, so that rows share nothing.
 * @throws {SchemaError} SCHEMA_INVALID when the default is not a value of the type
 */
export function defaultValue(node: AvroNode, json: unknown, path: string): RowValue {
  const wrong = (expected: string): SchemaError =>
    new SchemaError('SCHEMA_INVALID', `the default at ${path} is not ${expected}`, { path, expected })
  switch (node.kind) {
    case 'null':
      if (json !== null) throw wrong('null')
      return null
    case 'boolean':
      if (typeof json !== 'boolean') throw wrong('a boolean')
      return json
    case 'int':
      if (typeof json !== 'number' || json !== (json | 0)) throw wrong('a 32-bit int')
      return json
    case 'long':
      if (!Number.isSafeInteger(json)) throw wrong('a whole number that JSON holds exactly')
      return BigInt(json as number)
    case 'float':
    case 'double':
      if (typeof json !== 'number') throw wrong('a number')
      return node.kind === 'float' ? Math.fround(json) : json
    case 'string': {
      if (typeof json !== 'string' || !json.isWellFormed()) throw wrong('a string')
      if (node.logical === undefined) return json
      const uuid = uuidText(json)
      if (uuid === undefined) throw wrong('a uuid')
      return uuid
    }
    case 'bytes':
    case 'fixed': {
      const codes = typeof json === 'string' ? Array.from({ length: json.length }, (_, i) => json.charCodeAt(i)) : [-1]
      if (codes.some((code) => code < 0 || code > 255)) throw wrong('text of code points 0 to 255')
      const bytes = Uint8Array.from(codes)
      if (node.kind === 'fixed' && bytes.length !== node.size) throw wrong(`${node.size} bytes`)
      if (node.logical?.name === 'uuid') return uuidOfBytes(bytes)
      if (node.logical?.name !== 'decimal') return bytes
      const unscaled = unscaledOfBytes(bytes)
      if (!fitsPrecision(unscaled, node.logical.precision)) throw wrong('a decimal within its precision')
      return decimalText(unscaled, node.logical.scale)
    }
    case 'enum':
      if (typeof json !== 'string' || !node.symbols.includes(json)) throw wrong('a symbol')
      return json
    case 'array':
      if (!Array.isArray(json)) throw wrong('a list')
      return json.map((item) => defaultValue(node.items, item, `${path}[]`))
    case 'map': {
      const map = emptyRow()
      for (const [key, value] of entriesOf(json, wrong)) map[key] = defaultValue(node.values, value, `${path}[]`)
      return map
    }
    case 'record': {
      const given = new Map(entriesOf(json, wrong))
      const row = emptyRow()
      for (const field of node.fields) {
        const at = `${path}.${field.name}`
        if (!given.has(field.name) && !field.hasDefault) throw wrong(`complete, ${field.name} is missing`)
        row[field.name] = defaultValue(field.type, given.has(field.name) ? given.get(field.name) : field.default, at)
      }
      return row
    }
    case 'union': {
      for (const branch of node.branches) {
        let value: RowValue
        try {
          value = defaultValue(branch, json, path)
        } catch (error) {
          if (error instanceof SchemaError) continue
          throw error
        }
        if (branch.kind === 'null' || isPlainUnion(node)) return value
        const wrapped = emptyRow()
        wrapped[branchName(branch)] = value
        return wrapped
      }
      throw wrong('a value of a branch')
    }
  }
}

/** A row or map without prototype: `__proto__` is a key like any other (RELIABILITY input 12). */
export function emptyRow(): Row {
  return Object.create(null) as Row
}

function entriesOf(json: unknown, wrong: (expected: string) => SchemaError): [string, unknown][] {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw wrong('an object')
  return Object.entries(json)
}
