import { decimalText } from '../decimal.ts'
import { ColumnarError } from '../errors.ts'
import type { AvroNode, FixedNode, PrimitiveNode } from './model.ts'

/** Items of all lists and maps together that one default may have: each is written for every row that lacks the field. */
const maxDefaultItems = 1_000

/**
 * The value, in the form `writeValue` takes, of a default as written in a schema: bytes are text of code points 0-255;
 * a union takes its first branch that fits.
 * @throws {ColumnarError} AVRO_INVALID when the default is not a value of the type
 */
export function defaultValue(node: AvroNode, json: unknown, path: string): unknown {
  let items = 0

  const count = (more: number): void => {
    items += more
    if (items > maxDefaultItems) {
      throw new ColumnarError('AVRO_TOO_LARGE', `the default at ${path} has more than ${maxDefaultItems} items`)
    }
  }

  const wrong = (expected: string): ColumnarError =>
    new ColumnarError('AVRO_INVALID', `the default at ${path} is not ${expected}`)

  const convert = (type: AvroNode, value: unknown): unknown => {
    switch (type.kind) {
      case 'array':
        if (!Array.isArray(value)) throw wrong('a list')
        count(value.length)
        return value.map((item) => convert(type.items, item))
      case 'map': {
        const map = Object.create(null) as Record<string, unknown>
        const entries = entriesOf(value)
        count(entries.length)
        for (const [key, entry] of entries) map[key] = convert(type.values, entry)
        return map
      }
      case 'record': {
        const given = new Map(entriesOf(value))
        const row = Object.create(null) as Record<string, unknown>
        for (const field of type.fields) {
          if (!given.has(field.name) && !field.hasDefault) throw wrong(`complete: it lacks ${field.name}`)
          row[field.name] = convert(field.type, given.has(field.name) ? given.get(field.name) : field.default)
        }
        return row
      }
      case 'enum':
        if (typeof value !== 'string' || !type.symbols.includes(value)) throw wrong('a symbol')
        return value
      case 'union': {
        const members = type.branches.filter((branch) => branch.kind !== 'null')
        for (const branch of type.branches) {
          let converted: unknown
          try {
            converted = convert(branch, value)
          } catch (error) {
            if (error instanceof ColumnarError && error.code === 'AVRO_INVALID') continue
            throw error
          }
          if (branch.kind === 'null' || members.length <= 1) return converted
          const tag = members.indexOf(branch)
          return { tag, [`member${tag}`]: converted }
        }
        throw wrong('a value of a branch')
      }
      default:
        return scalar(type, value)
    }
  }

  const entriesOf = (value: unknown): [string, unknown][] => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong('an object')
    return Object.entries(value)
  }

  const scalar = (type: PrimitiveNode | FixedNode, value: unknown): unknown => {
    switch (type.kind) {
      case 'null':
        if (value !== null) throw wrong('null')
        return null
      case 'boolean':
        if (typeof value !== 'boolean') throw wrong('a boolean')
        return value
      case 'int':
        if (typeof value !== 'number' || (value | 0) !== value) throw wrong('a 32-bit int')
        return value
      case 'long':
        if (!Number.isSafeInteger(value)) throw wrong('a whole number that JSON holds exactly')
        return BigInt(value as number)
      case 'float':
      case 'double':
        if (typeof value !== 'number') throw wrong('a number')
        return value
      case 'string':
        if (typeof value !== 'string' || !value.isWellFormed()) throw wrong('a string')
        if (type.logical?.name === 'uuid' && !uuidPattern.test(value)) throw wrong('a uuid')
        return value
      case 'bytes':
      case 'fixed':
        return bytesDefault(type, value)
    }
  }

  const bytesDefault = (type: PrimitiveNode | FixedNode, value: unknown): unknown => {
    if (typeof value !== 'string') throw wrong('text of code points 0 to 255')
    const bytes = new Uint8Array(value.length)
    for (let i = 0; i < value.length; i++) {
      const code = value.charCodeAt(i)
      if (code > 255) throw wrong('text of code points 0 to 255')
      bytes[i] = code
    }
    if (type.kind === 'fixed' && bytes.length !== type.size) throw wrong(`${type.size} bytes`)
    if (type.logical?.name === 'uuid') {
      const hex = Buffer.from(bytes).toString('hex')
      return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
    }
    if (type.logical?.name !== 'decimal') return bytes
    let unscaled = 0n
    for (const byte of bytes) unscaled = (unscaled << 8n) | BigInt(byte)
    unscaled = BigInt.asIntN(8 * bytes.length, unscaled)
    const limit = 10n ** BigInt(type.logical.precision)
    if (unscaled >= limit || unscaled <= -limit) throw wrong(`a decimal of at most ${type.logical.precision} digits`)
    return decimalText(unscaled, type.logical.scale)
  }

  return convert(node, json)
}

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
