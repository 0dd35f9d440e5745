import type { AvroSchema } from '../contract.ts'
import { SchemaError } from '../errors.ts'

/** A logical type that is valid for its underlying type. Unknown or misplaced ones are ignored, as the spec asks. */
export type Logical =
  { readonly name: 'decimal'; readonly precision: number; readonly scale: number } | { readonly name: PlainLogicalName }

export type PlainLogicalName =
  | 'uuid'
  | 'date'
  | 'time-millis'
  | 'time-micros'
  | 'timestamp-millis'
  | 'timestamp-micros'
  | 'timestamp-nanos'
  | 'local-timestamp-millis'
  | 'local-timestamp-micros'
  | 'local-timestamp-nanos'

export interface PrimitiveNode {
  readonly kind: 'null' | 'boolean' | 'int' | 'long' | 'float' | 'double' | 'bytes' | 'string'
  readonly logical?: Logical
}

export interface FixedNode {
  readonly kind: 'fixed'
  readonly name: string
  readonly aliases: readonly string[]
  readonly size: number
  readonly logical?: Logical
}

export interface EnumNode {
  readonly kind: 'enum'
  readonly name: string
  readonly aliases: readonly string[]
  readonly symbols: readonly string[]
  readonly default?: string
  readonly doc?: string
}

export interface ArrayNode {
  readonly kind: 'array'
  readonly items: AvroNode
}

export interface MapNode {
  readonly kind: 'map'
  readonly values: AvroNode
}

export interface UnionNode {
  readonly kind: 'union'
  readonly branches: readonly AvroNode[]
}

export interface RecordField {
  readonly name: string
  readonly aliases: readonly string[]
  readonly type: AvroNode
  readonly doc?: string
  /** JSON default as written in the schema; present exactly when `hasDefault`. */
  readonly default?: unknown
  readonly hasDefault: boolean
}

export interface RecordNode {
  readonly kind: 'record'
  /** Full name: namespace and name. */
  readonly name: string
  readonly aliases: readonly string[]
  readonly fields: readonly RecordField[]
  readonly doc?: string
}

/** A parsed schema. References to named types are the same object, so a recursive schema is a cyclic graph. */
export type AvroNode = PrimitiveNode | FixedNode | EnumNode | ArrayNode | MapNode | UnionNode | RecordNode

/** Caps on a schema, checked before it is parsed (RELIABILITY input 11). */
export interface SchemaLimits {
  /** Bytes of the schema text, UTF-8. */
  readonly maxBytes: number
  /** Nesting of JSON objects and arrays. */
  readonly maxDepth: number
  /** Fields of all records together. */
  readonly maxFields: number
  /** Symbols of all enums together. */
  readonly maxSymbols: number
}

export const defaultSchemaLimits: SchemaLimits = Object.freeze({
  maxBytes: 1 << 20,
  maxDepth: 64,
  maxFields: 5_000,
  maxSymbols: 20_000,
})

const namePattern = /^[A-Za-z_][A-Za-z0-9_]*$/
const fullNamePattern = /^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$/
const primitives = new Set(['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'])
const logicalBase = new Map<string, string>([
  ['uuid', 'string'],
  ['date', 'int'],
  ['time-millis', 'int'],
  ['time-micros', 'long'],
  ['timestamp-millis', 'long'],
  ['timestamp-micros', 'long'],
  ['timestamp-nanos', 'long'],
  ['local-timestamp-millis', 'long'],
  ['local-timestamp-micros', 'long'],
  ['local-timestamp-nanos', 'long'],
])

/** Name of a union branch, as in Avro's JSON encoding: full name of a named type, else the kind. */
export function branchName(node: AvroNode): string {
  return 'name' in node ? node.name : node.kind
}

/**
 * Parses a schema, given as JSON text or as parsed JSON, into a graph of nodes.
 * Default values are kept as written; `defaultValue` of the codec checks and converts them.
 * @throws {SchemaError} SCHEMA_TOO_LARGE before any parsing, SCHEMA_INVALID with the path of the mistake
 */
export function parseSchema(schema: AvroSchema, limits: Partial<SchemaLimits> = {}): AvroNode {
  const caps = { ...defaultSchemaLimits, ...limits }
  const json = toJson(schema, caps)
  checkSize(json, caps)
  const names = new Map<string, AvroNode>()
  const node = parseNode(json, '', '', names)
  checkInhabited(node)
  return node
}

function invalid(path: string, message: string): SchemaError {
  return new SchemaError('SCHEMA_INVALID', `${message}${path === '' ? '' : ` at ${path}`}`, { path, expected: message })
}

function toJson(schema: AvroSchema, caps: SchemaLimits): unknown {
  if (typeof schema !== 'string') return schema
  const bytes = Buffer.byteLength(schema)
  if (bytes > caps.maxBytes) {
    throw new SchemaError('SCHEMA_TOO_LARGE', `schema text has ${bytes} bytes, the cap is ${caps.maxBytes}`)
  }
  if (fullNamePattern.test(schema)) return schema
  try {
    return JSON.parse(schema) as unknown
  } catch (cause) {
    throw new SchemaError('SCHEMA_INVALID', 'schema text is not JSON', { expected: 'JSON', cause })
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Counts with an explicit stack, so that a deep or cyclic schema cannot exhaust the call stack. */
function checkSize(json: unknown, caps: SchemaLimits): void {
  const stack: { value: unknown; depth: number; property: string }[] = [{ value: json, depth: 0, property: '' }]
  let fields = 0
  let symbols = 0
  let bytes = 0
  while (stack.length > 0) {
    const { value, depth, property } = stack.pop()!
    if (depth > caps.maxDepth) {
      throw new SchemaError('SCHEMA_TOO_LARGE', `schema nests deeper than ${caps.maxDepth}`)
    }
    bytes += typeof value === 'string' ? Buffer.byteLength(value) : 1
    if (bytes > caps.maxBytes) throw new SchemaError('SCHEMA_TOO_LARGE', `schema has more than ${caps.maxBytes} bytes`)
    if (Array.isArray(value)) {
      if (property === 'fields') fields += value.length
      if (property === 'symbols') symbols += value.length
      if (fields > caps.maxFields)
        throw new SchemaError('SCHEMA_TOO_LARGE', `schema has more than ${caps.maxFields} fields`)
      if (symbols > caps.maxSymbols) {
        throw new SchemaError('SCHEMA_TOO_LARGE', `schema has more than ${caps.maxSymbols} enum symbols`)
      }
      for (const item of value) stack.push({ value: item, depth: depth + 1, property: '' })
    } else if (isObject(value)) {
      for (const key of Object.keys(value)) {
        bytes += Buffer.byteLength(key)
        stack.push({ value: value[key], depth: depth + 1, property: key })
      }
    }
  }
}

function fullName(name: unknown, namespace: unknown, enclosing: string, path: string): string {
  if (typeof name !== 'string' || !fullNamePattern.test(name)) throw invalid(path, 'a named type needs a valid name')
  if (name.includes('.')) return name
  if (
    namespace !== undefined &&
    namespace !== '' &&
    (typeof namespace !== 'string' || !fullNamePattern.test(namespace))
  ) {
    throw invalid(path, 'a namespace is dot-separated names')
  }
  const space = namespace === undefined ? enclosing : (namespace as string)
  return space === '' ? name : `${space}.${name}`
}

function spaceOf(name: string): string {
  const dot = name.lastIndexOf('.')
  return dot < 0 ? '' : name.slice(0, dot)
}

function aliasesOf(value: unknown, space: string | null, path: string): string[] {
  if (value === undefined) return []
  if (!Array.isArray(value)) throw invalid(path, 'aliases are a list of names')
  return value.map((alias: unknown) => {
    if (space !== null) return fullName(alias, undefined, space, path)
    if (typeof alias !== 'string' || !namePattern.test(alias)) throw invalid(path, 'an alias is a valid name')
    return alias
  })
}

function docOf(value: unknown): { doc?: string } {
  return typeof value === 'string' && value !== '' ? { doc: value } : {}
}

function logicalOf(json: Record<string, unknown>, kind: string, size: number): { logical?: Logical } {
  const name = json['logicalType']
  if (typeof name !== 'string') return {}
  if (name === 'decimal' && (kind === 'bytes' || kind === 'fixed')) {
    const precision = json['precision']
    const scale = json['scale'] ?? 0
    const most = kind === 'fixed' ? Math.floor(Math.log10(2) * (8 * size - 1)) : Number.MAX_SAFE_INTEGER
    const valid =
      Number.isInteger(precision) &&
      Number.isInteger(scale) &&
      (precision as number) > 0 &&
      (precision as number) <= most &&
      (scale as number) >= 0 &&
      (scale as number) <= (precision as number)
    return valid ? { logical: { name, precision: precision as number, scale: scale as number } } : {}
  }
  if (name === 'uuid' && kind === 'fixed' && size === 16) return { logical: { name } }
  return logicalBase.get(name) === kind ? { logical: { name: name as PlainLogicalName } } : {}
}

function parseNode(json: unknown, space: string, path: string, names: Map<string, AvroNode>): AvroNode {
  if (typeof json === 'string') {
    if (primitives.has(json)) return { kind: json as PrimitiveNode['kind'] }
    const found =
      (json.includes('.') ? undefined : names.get(space === '' ? json : `${space}.${json}`)) ?? names.get(json)
    if (found === undefined) throw invalid(path, 'a type name must be defined before it is used')
    return found
  }
  if (Array.isArray(json)) return parseUnion(json, space, path, names)
  if (!isObject(json)) throw invalid(path, 'a schema is a name, a list or an object')
  const type = json['type']
  if (typeof type !== 'string') return parseNode(type, space, path, names)
  if (primitives.has(type)) {
    return { kind: type as PrimitiveNode['kind'], ...logicalOf(json, type, 0) }
  }
  switch (type) {
    case 'array':
      if (json['items'] === undefined) throw invalid(path, 'an array needs items')
      return { kind: 'array', items: parseNode(json['items'], space, `${path}[]`, names) }
    case 'map':
      if (json['values'] === undefined) throw invalid(path, 'a map needs values')
      return { kind: 'map', values: parseNode(json['values'], space, `${path}[]`, names) }
    case 'fixed':
    case 'enum':
    case 'record':
    case 'error':
      return parseNamed(json, type === 'error' ? 'record' : type, space, path, names)
    default:
      return parseNode(type, space, path, names)
  }
}

function parseUnion(json: readonly unknown[], space: string, path: string, names: Map<string, AvroNode>): UnionNode {
  if (json.length === 0) throw invalid(path, 'a union has at least one branch')
  const branches = json.map((branch) => parseNode(branch, space, path, names))
  const seen = new Set<string>()
  for (const branch of branches) {
    if (branch.kind === 'union') throw invalid(path, 'a union may not hold a union directly')
    const name = branchName(branch)
    if (seen.has(name)) throw invalid(path, 'branches of a union are of different types')
    seen.add(name)
  }
  return { kind: 'union', branches }
}

function parseNamed(
  json: Record<string, unknown>,
  kind: 'fixed' | 'enum' | 'record',
  space: string,
  path: string,
  names: Map<string, AvroNode>,
): AvroNode {
  const name = fullName(json['name'], json['namespace'], space, path)
  if (names.has(name) || primitives.has(name)) throw invalid(path, `the name ${name} is defined twice or reserved`)
  const inner = spaceOf(name)
  const aliases = aliasesOf(json['aliases'], inner, path)
  if (kind === 'fixed') {
    const size = json['size']
    if (!Number.isSafeInteger(size) || (size as number) < 0)
      throw invalid(path, 'the size of a fixed is a whole number')
    const node: FixedNode = { kind, name, aliases, size: size as number, ...logicalOf(json, kind, size as number) }
    names.set(name, node)
    return node
  }
  if (kind === 'enum') {
    const symbols = json['symbols']
    const valid =
      Array.isArray(symbols) && symbols.length > 0 && symbols.every((s) => typeof s === 'string' && namePattern.test(s))
    if (!valid || new Set(symbols).size !== symbols.length)
      throw invalid(path, 'symbols of an enum are different valid names')
    const fallback = json['default']
    if (fallback !== undefined && !symbols.includes(fallback))
      throw invalid(path, 'the default of an enum is one of its symbols')
    const node: EnumNode = {
      kind,
      name,
      aliases,
      symbols: symbols as string[],
      ...(fallback === undefined ? {} : { default: fallback as string }),
      ...docOf(json['doc']),
    }
    names.set(name, node)
    return node
  }
  const fields: RecordField[] = []
  const node: RecordNode = { kind, name, aliases, fields, ...docOf(json['doc']) }
  names.set(name, node)
  if (!Array.isArray(json['fields'])) throw invalid(path, 'a record needs fields')
  const seen = new Set<string>()
  for (const field of json['fields'] as unknown[]) {
    if (!isObject(field)) throw invalid(path, 'a field is an object')
    const fieldName = field['name']
    if (typeof fieldName !== 'string' || !namePattern.test(fieldName)) throw invalid(path, 'a field has a valid name')
    const fieldPath = path === '' ? fieldName : `${path}.${fieldName}`
    if (seen.has(fieldName)) throw invalid(fieldPath, 'field names of a record are different')
    seen.add(fieldName)
    if (field['type'] === undefined) throw invalid(fieldPath, 'a field has a type')
    const hasDefault = Object.hasOwn(field, 'default')
    fields.push({
      name: fieldName,
      aliases: aliasesOf(field['aliases'], null, fieldPath),
      type: parseNode(field['type'], inner, fieldPath, names),
      hasDefault,
      ...(hasDefault ? { default: field['default'] } : {}),
      ...docOf(field['doc']),
    })
  }
  return node
}

/** Refuses a record that contains itself without an array, map or union to end it: no value of it can exist. */
function checkInhabited(root: AvroNode): void {
  const records = new Set<RecordNode>()
  const stack: AvroNode[] = [root]
  while (stack.length > 0) {
    const node = stack.pop()!
    if (node.kind === 'array') stack.push(node.items)
    else if (node.kind === 'map') stack.push(node.values)
    else if (node.kind === 'union') stack.push(...node.branches)
    else if (node.kind === 'record' && !records.has(node)) {
      records.add(node)
      for (const field of node.fields) stack.push(field.type)
    }
  }
  const finite = new Set<AvroNode>()
  const ends = (node: AvroNode): boolean =>
    node.kind === 'record' ? finite.has(node) : node.kind === 'union' ? node.branches.some(ends) : true
  for (let grew = true; grew;) {
    grew = false
    for (const record of records) {
      if (!finite.has(record) && record.fields.every((field) => ends(field.type))) {
        finite.add(record)
        grew = true
      }
    }
  }
  for (const record of records) {
    if (!finite.has(record)) throw invalid('', `record ${record.name} contains itself without an end`)
  }
}
