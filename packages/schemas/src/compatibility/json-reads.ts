import { avroDefaults, avroToSchema, ColumnarError, type DataType, type Field, type Schema } from '@sluice/columnar'
import type { AvroNode } from '@sluice/columnar/avro'
import { maxProblems, type CompatibilityRule, type ReadProblem } from './problem.ts'

export interface JsonReaders {
  /**
   * `open` readers pass over fields they do not know and take their default for null: the JSON decoder in lenient mode.
   * `closed` ones refuse both: the decoder in strict mode.
   */
  readonly readers: 'open' | 'closed'
}

/**
 * Why a reader of `reader` cannot read all JSON that a producer of `writer` may write; empty when it can. Writing is
 * closed: a producer writes fields of its schema only, each in any spelling the JSON decoder takes (a time as text or
 * number, a decimal as number or text). Names of types do not travel in JSON, and neither do aliases: a renamed field is
 * one removed and one added. The reader is `compileJsonDecoder` with `avroDefaults`.
 */
export function jsonReadProblems(writer: AvroNode, reader: AvroNode, { readers }: JsonReaders): ReadProblem[] {
  const problems: ReadProblem[] = []
  const add = (path: string, rule: CompatibilityRule, message: string): void => {
    if (problems.length < maxProblems) problems.push({ path, rule, message })
  }

  const columns = (node: AvroNode): Schema | undefined => {
    try {
      const schema = avroToSchema(node)
      const mixed = mixedUnion(node, '')
      if (mixed !== undefined) add(mixed, 'shape_unsupported', 'a union of several types has no agreed form in JSON')
      return schema
    } catch (error) {
      if (!(error instanceof ColumnarError)) throw error
      add('', 'shape_unsupported', error.message)
      return undefined
    }
  }
  const from = columns(writer)
  const to = columns(reader)
  if (from === undefined || to === undefined) return problems
  let defaults: Readonly<Record<string, unknown>>
  try {
    defaults = avroDefaults(reader)
  } catch (error) {
    if (!(error instanceof ColumnarError)) throw error
    add('', 'default_invalid', error.message)
    return problems
  }
  const hasDefault = (path: string): boolean => Object.hasOwn(defaults, path)

  const slot = (w: Field, r: Field, path: string): void => {
    const nothing = r.nullable || r.type.kind === 'null'
    if ((w.nullable || w.type.kind === 'null') && !nothing && !(readers === 'open' && hasDefault(path))) {
      add(path, 'null_not_accepted', `the writer may write null for this ${describeType(r.type)}`)
    }
    if (w.type.kind !== 'null') value(w.type, r.type, path)
  }

  const fields = (w: readonly Field[], r: readonly Field[], path: string): void => {
    const written = new Map(w.map((field) => [field.name, field]))
    for (const field of r) {
      const at = join(path, field.name)
      const source = written.get(field.name)
      if (source !== undefined) slot(source, field, at)
      else if (!field.nullable && field.type.kind !== 'null' && !hasDefault(at)) {
        add(at, 'field_without_default', 'the writer has no such field and the reader has no default for it')
      }
    }
    if (readers === 'open') return
    const known = new Set(r.map((field) => field.name))
    for (const { name } of w) {
      if (!known.has(name)) add(join(path, name), 'field_unknown', 'the reader refuses fields that it does not know')
    }
  }

  const value = (w: DataType, r: DataType, path: string): void => {
    if (w.kind === 'struct' && r.kind === 'struct') return fields(w.fields, r.fields, path)
    if (w.kind === 'list' && r.kind === 'list') return slot(w.item, r.item, `${path}[]`)
    if (w.kind === 'map' && r.kind === 'map') return slot(w.value, r.value, `${path}[]`)
    if (w.kind === 'enum' && r.kind === 'enum') {
      const unknown = w.symbols.filter((symbol) => !r.symbols.includes(symbol))
      if (unknown.length === 0) return
      const shown = unknown.slice(0, 5).join(', ')
      return add(path, 'enum_symbol_unknown', `the enum of the reader lacks ${shown}; JSON has no default symbol`)
    }
    const rule = scalarRule(w, r)
    if (rule !== undefined) add(path, rule, `${describeType(w)} cannot be read as ${describeType(r)}`)
  }

  fields(from.fields, to.fields, '')
  return problems
}

/** Where a schema without recursion has a union of several types besides null. */
function mixedUnion(node: AvroNode, path: string): string | undefined {
  switch (node.kind) {
    case 'array':
      return mixedUnion(node.items, `${path}[]`)
    case 'map':
      return mixedUnion(node.values, `${path}[]`)
    case 'union': {
      const members = node.branches.filter((branch) => branch.kind !== 'null')
      return members.length > 1 ? path : members[0] && mixedUnion(members[0], path)
    }
    case 'record':
      for (const field of node.fields) {
        const found = mixedUnion(field.type, join(path, field.name))
        if (found !== undefined) return found
      }
      return undefined
    default:
      return undefined
  }
}

/** Digits before the point that an integer type may have. */
const integerDigits: Readonly<Partial<Record<DataType['kind'], number>>> = { int32: 10, int64: 19 }
const wider: Readonly<Partial<Record<DataType['kind'], readonly DataType['kind'][]>>> = {
  int32: ['int64', 'float32', 'float64'],
  // A plain long may be called a timestamp: numbers are taken in its unit.
  int64: ['float32', 'float64', 'timestamp'],
  float32: ['float64'],
  enum: ['utf8'],
  uuid: ['utf8'],
  fixed: ['binary'],
}

function scalarRule(w: DataType, r: DataType): CompatibilityRule | undefined {
  if (w.kind === 'decimal' && r.kind === 'decimal') {
    if (w.scale > r.scale) return 'decimal_scale_changed'
    return w.precision - w.scale > r.precision - r.scale ? 'decimal_digits_reduced' : undefined
  }
  if (r.kind === 'decimal') {
    const digits = integerDigits[w.kind]
    if (digits === undefined) return 'type_changed'
    return digits > r.precision - r.scale ? 'decimal_digits_reduced' : undefined
  }
  if (w.kind !== r.kind) {
    if (wider[w.kind]?.includes(r.kind)) return undefined
    return wider[r.kind]?.includes(w.kind) ? 'type_narrowed' : 'type_changed'
  }
  if (w.kind === 'fixed' && r.kind === 'fixed' && w.size !== r.size) return 'fixed_size_changed'
  if ((w.kind === 'time' && r.kind === 'time') || (w.kind === 'timestamp' && r.kind === 'timestamp')) {
    const zone = w.kind === 'timestamp' && r.kind === 'timestamp' && w.utc !== r.utc
    return w.unit !== r.unit || zone ? 'logical_type_changed' : undefined
  }
  return undefined
}

function describeType(type: DataType): string {
  if (type.kind === 'decimal') return `decimal(${type.precision}, ${type.scale})`
  if (type.kind === 'fixed') return `fixed(${type.size})`
  if (type.kind === 'time') return `time (${type.unit})`
  if (type.kind === 'timestamp') return `${type.utc ? '' : 'local '}timestamp (${type.unit})`
  return type.kind
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}
