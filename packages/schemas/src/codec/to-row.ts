import { isUtf8 } from 'node:buffer'
import type { DecodeCode } from '@sluice/columnar'
import { branchesInOrder, describeNode, isScalar, matchFields, sameName, scalarMismatch } from '@sluice/columnar/avro'
import { decimalText, unscaledWithin } from '../avro/decimal.ts'
import { branchName, type AvroNode, type Logical, type RecordNode, type UnionNode } from '../avro/model.ts'
import { DecodeError, SchemaError } from '../errors.ts'
import { fieldKey, mapEntries, mapKey, mapValue, symbolOf, type AvscType } from './avsc-type.ts'
import { defaultValue, emptyRow, isPlainUnion, uuidOfBytes, uuidText } from './defaults.ts'
import { pathOf, type RowValue, type Trail } from './row.ts'

type ToRow = (value: unknown, trail: Trail) => RowValue

function fail(code: DecodeCode, trail: Trail, expected: string): never {
  throw new DecodeError(code, pathOf(trail), expected)
}

/**
 * Compiles Avro schema resolution: from a value as avsc read it with the writer schema to a row of the reader schema.
 * Follows the specification: fields by name or alias, defaults, promotions, unions, enum defaults; named types match by
 * their name without namespace, or by alias.
 * @throws {SchemaError} SCHEMA_INCOMPATIBLE when no data of the writer could be read
 * @see https://avro.apache.org/docs/1.12.0/specification/#schema-resolution
 */
export function compileToRow(writer: AvroNode, reader: AvroNode, avsc: AvscType): ToRow {
  const known = new Map<AvroNode, Map<AvroNode, ToRow | SchemaError>>()
  const order: { readonly byReader: Map<AvroNode, unknown>; readonly r: AvroNode }[] = []

  const convert = (w: AvroNode, r: AvroNode, path: string): ToRow => {
    let byReader = known.get(w)
    if (byReader === undefined) known.set(w, (byReader = new Map()))
    const found = byReader.get(r)
    if (found instanceof SchemaError) throw found
    if (found !== undefined) return found
    let built: ToRow | undefined
    byReader.set(r, (value, trail) => built!(value, trail))
    const start = order.push({ byReader, r })
    try {
      built = build(w, r, path)
    } catch (error) {
      // What was built meanwhile may hold on to this conversion, which will never exist.
      for (const entry of order.splice(start)) {
        if (!(entry.byReader.get(entry.r) instanceof SchemaError)) entry.byReader.delete(entry.r)
      }
      if (error instanceof SchemaError) byReader.set(r, error)
      throw error
    }
    byReader.set(r, built)
    return built
  }

  const build = (w: AvroNode, r: AvroNode, path: string): ToRow => {
    if (w.kind === 'union') return fromUnion(w, r, path)
    if (r.kind === 'union') return intoUnion(w, r, path)
    if (w.kind === 'record' && r.kind === 'record') return record(w, r, path)
    if (w.kind === 'array' && r.kind === 'array') {
      const item = convert(w.items, r.items, `${path}[]`)
      return (value, trail) => {
        trail.push('[]')
        const items = (value as unknown[]).map((entry) => item(entry, trail))
        trail.pop()
        return items
      }
    }
    if (w.kind === 'map' && r.kind === 'map') {
      const convertValue = convert(w.values, r.values, `${path}[]`)
      return (value, trail) => {
        const map = emptyRow()
        trail.push('[]')
        for (const entry of (value as Record<string, Record<string, unknown>[]>)[mapEntries]!) {
          map[entry[mapKey] as string] = convertValue(entry[mapValue], trail)
        }
        trail.pop()
        return map
      }
    }
    if (w.kind === 'enum' && r.kind === 'enum' && sameName(w, r)) {
      const symbols = new Set(r.symbols)
      return (value, trail) => {
        const symbol = symbolOf(value as string)
        if (symbols.has(symbol)) return symbol
        return r.default ?? fail('enum_symbol', trail, 'a symbol of the reader')
      }
    }
    return scalar(w, r) ?? incompatible(w, r, path)
  }

  const fromUnion = (w: UnionNode, r: AvroNode, path: string): ToRow => {
    const branches = new Map<string, ToRow>()
    let problem: SchemaError | undefined
    for (const branch of w.branches) {
      try {
        branches.set(avsc.branchKey(branch), convert(branch, r, path))
      } catch (error) {
        if (!(error instanceof SchemaError)) throw error
        problem = error
      }
    }
    if (branches.size === 0 && problem !== undefined) throw problem
    return (value, trail) => {
      const key = value === null ? 'null' : Object.keys(value as object)[0]!
      const branch = branches.get(key)
      if (branch === undefined) return fail('union_branch', trail, 'a branch that the reader knows')
      return branch(value === null ? null : (value as Record<string, unknown>)[key], trail)
    }
  }

  const intoUnion = (w: AvroNode, r: UnionNode, path: string): ToRow => {
    for (const branch of branchesInOrder(w, r)) {
      let inner: ToRow
      try {
        inner = convert(w, branch, path)
      } catch (error) {
        if (error instanceof SchemaError) continue
        throw error
      }
      if (branch.kind === 'null' || isPlainUnion(r)) return inner
      const name = branchName(branch)
      return (value, trail) => {
        const wrapped = emptyRow()
        wrapped[name] = inner(value, trail)
        return wrapped
      }
    }
    return incompatible(w, r, path)
  }

  const record = (w: RecordNode, r: RecordNode, path: string): ToRow => {
    if (!sameName(w, r)) incompatible(w, r, path)
    const { sources, clashes } = matchFields(w, r)
    for (const clash of clashes) {
      const at = path === '' ? clash.field.name : `${path}.${clash.field.name}`
      const names = clash.sources.map((source) => source.name).join(', ')
      throw new SchemaError(
        'SCHEMA_INCOMPATIBLE',
        `the aliases of ${at} match several fields of the writer: ${names}`,
        { path: at },
      )
    }
    const fields = r.fields.map((field) => {
      const at = path === '' ? field.name : `${path}.${field.name}`
      const source = sources.get(field)
      if (source !== undefined) {
        return { name: field.name, key: fieldKey(source.name), convert: convert(source.type, field.type, at) }
      }
      if (!field.hasDefault) {
        throw new SchemaError('SCHEMA_INCOMPATIBLE', `the writer has no field ${at} and the reader no default for it`, {
          path: at,
          expected: 'the field or a default',
        })
      }
      defaultValue(field.type, field.default, at)
      return { name: field.name, key: '', convert: () => defaultValue(field.type, field.default, at) }
    })
    return (value, trail) => {
      const row = emptyRow()
      for (const field of fields) {
        trail.push(field.name)
        row[field.name] = field.convert((value as Record<string, unknown>)[field.key], trail)
        trail.pop()
      }
      return row
    }
  }

  return convert(writer, reader, '')
}

function incompatible(w: AvroNode, r: AvroNode, path: string): never {
  const at = path === '' ? 'the record' : path
  throw new SchemaError(
    'SCHEMA_INCOMPATIBLE',
    `the writer has ${describeNode(w)} for ${at}, the reader ${describeNode(r)}`,
    {
      path,
      expected: describeNode(r),
    },
  )
}

function scalar(w: AvroNode, r: AvroNode): ToRow | undefined {
  if (w.kind === 'null' && r.kind === 'null') return () => null
  if (!isScalar(w) || !isScalar(r) || scalarMismatch(w, r) !== undefined) return undefined
  if (w.kind === r.kind) {
    switch (r.kind) {
      case 'boolean':
      case 'int':
      case 'long':
      case 'float':
      case 'double':
        return (value) => value as RowValue
      case 'string':
        return r.logical === undefined ? (value) => value as string : uuidFromText
      case 'fixed':
      case 'bytes':
        return fromBytes(r.logical)
      default:
        return undefined
    }
  }
  const promotion = `${w.kind}>${r.kind}`
  switch (promotion) {
    case 'int>long':
      return (value) => BigInt(value as number)
    case 'int>float':
      return (value) => Math.fround(value as number)
    case 'long>float':
      return (value) => longToFloat(value as bigint)
    case 'int>double':
    case 'long>double':
    case 'float>double':
      return (value) => Number(value)
    case 'string>bytes': {
      const bytes = fromBytes((r as { logical?: Logical }).logical)
      return (value, trail) => bytes(Buffer.from(value as string), trail)
    }
    case 'bytes>string': {
      const uuid = (r as { logical?: Logical }).logical !== undefined
      return (value, trail) => {
        const bytes = value as Buffer
        if (!isUtf8(bytes)) return fail('utf8_invalid', trail, 'valid UTF-8')
        const text = bytes.toString()
        return uuid ? uuidFromText(text, trail) : text
      }
    }
    default:
      return undefined
  }
}

/** A long rounded once to a float: bits that a double would drop are kept as one sticky bit. */
function longToFloat(value: bigint): number {
  const low = value & 0x3ffn
  const exact = BigInt.asIntN(54, value) === value
  return Math.fround(Number(exact ? value : value - low + (low === 0n ? 0n : 0x400n)))
}

function uuidFromText(value: unknown, trail: Trail): string {
  return uuidText(value as string) ?? fail('uuid_invalid', trail, 'a uuid')
}

function fromBytes(logical: Logical | undefined): ToRow {
  // A copy, for avsc hands out views of its input; a fixed of size 0 arrives as an empty record.
  const copy = (value: unknown): Uint8Array => (value instanceof Uint8Array ? new Uint8Array(value) : new Uint8Array(0))
  if (logical?.name === 'uuid') return (value) => uuidOfBytes(copy(value))
  if (logical?.name !== 'decimal') return copy
  const { precision, scale } = logical
  return (value, trail) => {
    const unscaled = unscaledWithin(value as Uint8Array, precision)
    if (unscaled === undefined) return fail('decimal_precision', trail, `at most ${precision} digits`)
    return decimalText(unscaled, scale)
  }
}
