import { bytesOfUnscaled, unscaledOf } from '../avro/decimal.ts'
import { branchName, type AvroNode, type FixedNode, type PrimitiveNode, type UnionNode } from '../avro/model.ts'
import { SchemaError } from '../errors.ts'
import { fieldKey, mapEntries, mapKey, mapValue, symbolKey, type AvscType } from './avsc-type.ts'
import { defaultValue, isPlainUnion, uuidText } from './defaults.ts'
import { pathOf, type Trail } from './row.ts'

type FromRow = (value: unknown, trail: Trail) => unknown

function fail(trail: Trail, expected: string): never {
  const path = pathOf(trail)
  throw new SchemaError('ROW_INVALID', `${path === '' ? 'the row' : path} is not ${expected}`, { path, expected })
}

/**
 * Compiles the check and conversion of a row to the value that avsc writes. Strict: a field that the schema does not
 * have is refused, so that nothing is lost; a missing field takes its default, or null where null is allowed.
 */
export function compileFromRow(root: AvroNode, avsc: AvscType, maxDepth: number): FromRow {
  const known = new Map<AvroNode, FromRow>()

  const convert = (node: AvroNode): FromRow => {
    const found = known.get(node)
    if (found !== undefined) return found
    const later: { built?: FromRow } = {}
    known.set(node, (value, trail) => later.built!(value, trail))
    const built = (later.built = build(node))
    known.set(node, built)
    return built
  }

  // Every record, array and map around a value is one segment of the trail.
  const enter = (trail: Trail): void => {
    if (trail.length >= maxDepth) fail(trail, `at most ${maxDepth} levels deep`)
  }

  const build = (node: AvroNode): FromRow => {
    switch (node.kind) {
      case 'union':
        return union(node)
      case 'enum': {
        const keys = new Map(node.symbols.map((symbol) => [symbol, symbolKey(symbol)]))
        return (value, trail) => keys.get(value as string) ?? fail(trail, 'a symbol of the enum')
      }
      case 'array': {
        const item = convert(node.items)
        return (value, trail) => {
          if (!Array.isArray(value)) return fail(trail, 'a list')
          enter(trail)
          trail.push('[]')
          const items = value.map((entry) => item(entry, trail))
          trail.pop()
          return items
        }
      }
      case 'map': {
        const convertValue = convert(node.values)
        return (value, trail) => {
          if (!isObject(value)) return fail(trail, 'an object')
          enter(trail)
          trail.push('[]')
          const entries = Object.keys(value).map((key) => {
            if (!key.isWellFormed()) fail(trail, 'a key of well-formed Unicode')
            return { [mapKey]: key, [mapValue]: convertValue(value[key], trail) }
          })
          trail.pop()
          return { [mapEntries]: entries }
        }
      }
      case 'record': {
        const names = new Set(node.fields.map((field) => field.name))
        const fields = node.fields.map((field) => ({
          name: field.name,
          key: fieldKey(field.name),
          convert: convert(field.type),
          fallback: field.hasDefault ? () => defaultValue(field.type, field.default, field.name) : undefined,
        }))
        return (value, trail) => {
          if (!isObject(value)) return fail(trail, 'an object')
          enter(trail)
          const out: Record<string, unknown> = {}
          let present = 0
          for (const field of fields) {
            trail.push(field.name)
            const has = Object.hasOwn(value, field.name)
            if (has) present++
            const given = has ? value[field.name] : undefined
            out[field.key] = field.convert(
              given === undefined && field.fallback !== undefined ? field.fallback() : given,
              trail,
            )
            trail.pop()
          }
          if (present !== Object.keys(value).length) {
            const unknown = Object.keys(value).find((name) => !names.has(name))
            if (unknown !== undefined) fail(trail, 'free of unknown fields')
          }
          return out
        }
      }
      default:
        return scalar(node)
    }
  }

  const union = (node: UnionNode): FromRow => {
    const nullable = node.branches.some((branch) => branch.kind === 'null')
    const others = node.branches.filter((branch) => branch.kind !== 'null')
    if (isPlainUnion(node)) {
      const branch = others[0]
      if (branch === undefined)
        return (value, trail) => (value === null || value === undefined ? null : fail(trail, 'null'))
      const key = avsc.branchKey(branch)
      const inner = convert(branch)
      return (value, trail) =>
        (value === null || value === undefined) && nullable ? null : { [key]: inner(value, trail) }
    }
    const branches = new Map(
      others.map((branch) => [branchName(branch), { key: avsc.branchKey(branch), convert: convert(branch) }]),
    )
    return (value, trail) => {
      if ((value === null || value === undefined) && nullable) return null
      const names = isObject(value) ? Object.keys(value) : []
      const branch = names.length === 1 ? branches.get(names[0]!) : undefined
      if (branch === undefined) return fail(trail, 'an object of one branch name and its value')
      return { [branch.key]: branch.convert((value as Record<string, unknown>)[names[0]!], trail) }
    }
  }

  return convert(root)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
}

function scalar(node: PrimitiveNode | FixedNode): FromRow {
  switch (node.kind) {
    case 'null':
      return (value, trail) => (value === null || value === undefined ? null : fail(trail, 'null'))
    case 'boolean':
      return (value, trail) => (typeof value === 'boolean' ? value : fail(trail, 'a boolean'))
    case 'int':
      return (value, trail) =>
        typeof value === 'number' && value === (value | 0) ? value : fail(trail, 'a 32-bit int')
    case 'long':
      return (value, trail) =>
        typeof value === 'bigint' && BigInt.asIntN(64, value) === value ? value : fail(trail, 'a 64-bit bigint')
    case 'float':
      return (value, trail) =>
        typeof value === 'number' && (Number.isFinite(Math.fround(value)) || !Number.isFinite(value))
          ? value
          : fail(trail, 'a number in the range of a float')
    case 'double':
      return (value, trail) => (typeof value === 'number' ? value : fail(trail, 'a number'))
    case 'string': {
      if (node.logical !== undefined) {
        return (value, trail) => (typeof value === 'string' ? uuidText(value) : undefined) ?? fail(trail, 'a uuid')
      }
      return (value, trail) =>
        typeof value === 'string' && value.isWellFormed() ? value : fail(trail, 'a string of well-formed Unicode')
    }
    case 'bytes':
    case 'fixed':
      return binary(node)
  }
}

function binary(node: PrimitiveNode | FixedNode): FromRow {
  const size = node.kind === 'fixed' ? node.size : undefined
  const { logical } = node
  if (logical?.name === 'decimal') {
    const { precision, scale } = logical
    const expected = `a decimal text of at most ${precision} digits, ${scale} of them after the point`
    return (value, trail) => {
      const unscaled = typeof value === 'string' ? unscaledOf(value, precision, scale) : undefined
      const bytes = unscaled === undefined ? undefined : bytesOfUnscaled(unscaled, size)
      return bytes === undefined ? fail(trail, expected) : Buffer.from(bytes.buffer)
    }
  }
  if (logical?.name === 'uuid') {
    return (value, trail) => {
      const text = typeof value === 'string' ? uuidText(value) : undefined
      return text === undefined ? fail(trail, 'a uuid') : Buffer.from(text.replaceAll('-', ''), 'hex')
    }
  }
  return (value, trail) => {
    if (!(value instanceof Uint8Array)) return fail(trail, 'bytes')
    if (size !== undefined && value.length !== size) return fail(trail, `${size} bytes`)
    return size === 0 ? {} : Buffer.from(value.buffer, value.byteOffset, value.length)
  }
}
