import { ColumnarError } from '../errors.ts'
import { avroLimits } from './model.ts'
import type { ArrayNode, AvroField, AvroLimits, AvroNode, EnumNode, FixedNode, Logical } from './model.ts'
import type { PlainLogical, PrimitiveNode, RecordNode, UnionNode } from './model.ts'

/** A schema as JSON text, or as the value that `JSON.parse` gave for it. */
export type AvroSource = string | object

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

/** Schemas that `parseAvro` returned: reading one again costs nothing. */
const vetted = new WeakSet<object>()

/**
 * Reads and vets an Avro schema. Unknown properties and logical types are ignored, no code is loaded by name (input 36).
 * @throws {ColumnarError} AVRO_TOO_LARGE, AVRO_INVALID, AVRO_NAMES_CLASH (two fields of a record equal but for case, input 13)
 * @see https://avro.apache.org/docs/1.12.0/specification/
 */
export function parseAvro(source: AvroSource, limits?: Partial<AvroLimits>): AvroNode {
  if (typeof source === 'object' && vetted.has(source)) return source as AvroNode
  const caps = { ...avroLimits, ...limits }
  const json = toJson(source, caps)
  checkSize(json, caps)
  const node = parseNode(json, '', '', new Map())
  checkInhabited(node)
  vetted.add(node)
  return node
}

function invalid(path: string, message: string): ColumnarError {
  return new ColumnarError('AVRO_INVALID', `${path === '' ? 'the schema' : `the schema at ${path}`}: ${message}`, {
    problems: [{ path, message }],
  })
}

function tooLarge(what: string): ColumnarError {
  return new ColumnarError('AVRO_TOO_LARGE', `the schema has more than ${what}; raise the limit if that is meant`)
}

function toJson(source: AvroSource, caps: AvroLimits): unknown {
  if (typeof source !== 'string') return source
  if (source.length > caps.maxBytes || Buffer.byteLength(source) > caps.maxBytes)
    throw tooLarge(`${caps.maxBytes} bytes`)
  if (fullNamePattern.test(source)) return source
  // JSON.parse itself recurses: count the nesting of the text first.
  let depth = 0
  let inString = false
  for (let i = 0; i < source.length; i++) {
    const char = source.charCodeAt(i)
    if (inString) {
      if (char === 0x5c) i++
      else if (char === 0x22) inString = false
    } else if (char === 0x22) inString = true
    else if (char === 0x7b || char === 0x5b) {
      if (++depth > caps.maxDepth + 1) throw tooLarge(`${caps.maxDepth} levels`)
    } else if (char === 0x7d || char === 0x5d) depth--
  }
  try {
    return JSON.parse(source) as unknown
  } catch (cause) {
    throw new ColumnarError('AVRO_INVALID', 'the schema text is not JSON', { cause })
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Counts with its own stack, so that neither a deep nor a cyclic value can exhaust the call stack. */
function checkSize(json: unknown, caps: AvroLimits): void {
  const values: unknown[] = []
  const depths: number[] = []
  let bytes = 0
  let fields = 0
  let symbols = 0
  const push = (value: unknown, depth: number): void => {
    if (depth > caps.maxDepth) throw tooLarge(`${caps.maxDepth} levels`)
    // Most values are names and numbers, which hold nothing.
    bytes += typeof value === 'string' ? value.length : 1
    if (typeof value !== 'object' || value === null) return
    values.push(value)
    depths.push(depth)
  }
  push(json, 0)
  while (values.length > 0) {
    const value = values.pop()
    const depth = depths.pop()! + 1
    if (Array.isArray(value)) for (const item of value as unknown[]) push(item, depth)
    else {
      const object = value as Record<string, unknown>
      for (const key of Object.keys(object)) {
        const part = object[key]
        bytes += key.length
        if (Array.isArray(part)) {
          if (key === 'fields' && (fields += part.length) > caps.maxFields) throw tooLarge(`${caps.maxFields} fields`)
          if (key === 'symbols' && (symbols += part.length) > caps.maxSymbols) {
            throw tooLarge(`${caps.maxSymbols} enum symbols`)
          }
        }
        push(part, depth)
      }
    }
    if (bytes > caps.maxBytes) throw tooLarge(`${caps.maxBytes} bytes`)
  }
}

function spaceOf(name: string): string {
  const dot = name.lastIndexOf('.')
  return dot < 0 ? '' : name.slice(0, dot)
}

function fullName(name: unknown, namespace: unknown, enclosing: string, path: string): string {
  if (typeof name !== 'string' || !fullNamePattern.test(name)) {
    throw invalid(path, 'a named type needs a name of letters, digits and _, not starting with a digit')
  }
  if (name.includes('.')) return name
  if (namespace === undefined || namespace === null) return enclosing === '' ? name : `${enclosing}.${name}`
  if (namespace === '') return name
  if (typeof namespace !== 'string' || !fullNamePattern.test(namespace)) {
    throw invalid(path, 'a namespace is names joined by dots')
  }
  return `${namespace}.${name}`
}

function typeAliases(value: unknown, space: string, path: string): string[] {
  if (value === undefined) return []
  if (!Array.isArray(value)) throw invalid(path, 'aliases are a list of names')
  return value.map((alias: unknown) => fullName(alias, undefined, space, path))
}

function fieldAliases(value: unknown, path: string): string[] {
  if (value === undefined) return []
  const valid = Array.isArray(value) && value.every((alias) => typeof alias === 'string' && namePattern.test(alias))
  if (!valid) throw invalid(path, 'aliases of a field are a list of names')
  return value as string[]
}

function docOf(value: unknown): { doc?: string } {
  return typeof value === 'string' && value !== '' ? { doc: value } : {}
}

function logicalOf(json: Record<string, unknown>, kind: string, size: number): { logical?: Logical } {
  const name = json['logicalType']
  if (typeof name !== 'string') return {}
  if (name === 'decimal' && (kind === 'bytes' || kind === 'fixed')) {
    const precision = json['precision'] as number
    const scale = (json['scale'] ?? 0) as number
    const most = kind === 'fixed' ? Math.floor(Math.log10(2) * (8 * size - 1)) : Number.MAX_SAFE_INTEGER
    const valid =
      Number.isInteger(precision) && Number.isInteger(scale) && precision > 0 && scale >= 0 && scale <= precision
    return valid && precision <= most ? { logical: { name, precision, scale } } : {}
  }
  if (name === 'uuid' && kind === 'fixed' && size === 16) return { logical: { name } }
  if (name === 'duration' && kind === 'fixed' && size === 12) return { logical: { name } }
  return logicalBase.get(name) === kind ? { logical: { name: name as PlainLogical } } : {}
}

type Names = Map<string, AvroNode>

function parseNode(json: unknown, space: string, path: string, names: Names): AvroNode {
  if (typeof json === 'string') {
    if (primitives.has(json)) return { kind: json as PrimitiveNode['kind'] }
    const found = (json.includes('.') || space === '' ? undefined : names.get(`${space}.${json}`)) ?? names.get(json)
    if (found === undefined) throw invalid(path, 'a type is used that is neither primitive nor defined before its use')
    return found
  }
  if (Array.isArray(json)) return parseUnion(json, space, path, names)
  if (!isObject(json)) throw invalid(path, 'a schema is a name, a list or an object')
  const type = json['type']
  if (typeof type !== 'string') {
    if (type === undefined) throw invalid(path, 'a schema object needs a type')
    return parseNode(type, space, path, names)
  }
  if (primitives.has(type)) return { kind: type as PrimitiveNode['kind'], ...logicalOf(json, type, 0) }
  switch (type) {
    case 'array': {
      if (json['items'] === undefined) throw invalid(path, 'an array needs items')
      const node: ArrayNode = { kind: 'array', items: parseNode(json['items'], space, `${path}[]`, names) }
      return node
    }
    case 'map':
      if (json['values'] === undefined) throw invalid(path, 'a map needs values')
      return { kind: 'map', values: parseNode(json['values'], space, `${path}[]`, names) }
    case 'fixed':
      return parseFixed(json, space, path, names)
    case 'enum':
      return parseEnum(json, space, path, names)
    case 'record':
    case 'error':
      return parseRecord(json, space, path, names)
    default:
      return parseNode(type, space, path, names)
  }
}

function parseUnion(json: readonly unknown[], space: string, path: string, names: Names): UnionNode {
  if (json.length === 0) throw invalid(path, 'a union has at least one branch')
  const branches = json.map((branch) => parseNode(branch, space, path, names))
  const seen = new Set<string>()
  for (const branch of branches) {
    if (branch.kind === 'union') throw invalid(path, 'a union may not hold a union directly')
    const key = 'name' in branch ? branch.name : branch.kind
    if (seen.has(key)) throw invalid(path, 'branches of a union are of different types')
    seen.add(key)
  }
  return { kind: 'union', branches }
}

/** Registers a named type before its parts are parsed, so that they can refer to it. */
function declare<T extends AvroNode & { readonly name: string }>(node: T, path: string, names: Names): T {
  if (names.has(node.name) || primitives.has(node.name)) {
    throw invalid(path, `the name ${node.name} is reserved or defined twice`)
  }
  names.set(node.name, node)
  return node
}

function parseFixed(json: Record<string, unknown>, space: string, path: string, names: Names): FixedNode {
  const name = fullName(json['name'], json['namespace'], space, path)
  const size = json['size'] as number
  if (!Number.isInteger(size) || size < 0 || size > 0x7fff_ffff) throw invalid(path, 'a fixed needs a size in bytes')
  const aliases = typeAliases(json['aliases'], spaceOf(name), path)
  return declare({ kind: 'fixed', name, aliases, size, ...logicalOf(json, 'fixed', size) }, path, names)
}

function parseEnum(json: Record<string, unknown>, space: string, path: string, names: Names): EnumNode {
  const name = fullName(json['name'], json['namespace'], space, path)
  const symbols = json['symbols']
  const valid =
    Array.isArray(symbols) &&
    symbols.length > 0 &&
    symbols.every((symbol) => typeof symbol === 'string' && namePattern.test(symbol)) &&
    new Set(symbols).size === symbols.length
  if (!valid) throw invalid(path, 'an enum needs symbols: different names of letters, digits and _')
  const fallback = json['default']
  if (fallback !== undefined && !symbols.includes(fallback)) {
    throw invalid(path, 'the default of an enum is one of its symbols')
  }
  const node: EnumNode = {
    kind: 'enum',
    name,
    aliases: typeAliases(json['aliases'], spaceOf(name), path),
    symbols: symbols as string[],
    ...(fallback === undefined ? {} : { default: fallback as string }),
    ...docOf(json['doc']),
  }
  return declare(node, path, names)
}

function parseRecord(json: Record<string, unknown>, space: string, path: string, names: Names): RecordNode {
  const name = fullName(json['name'], json['namespace'], space, path)
  const inner = spaceOf(name)
  const fields: AvroField[] = []
  const aliases = typeAliases(json['aliases'], inner, path)
  const node: RecordNode = { kind: 'record', name, aliases, fields, ...docOf(json['doc']) }
  declare(node, path, names)
  if (!Array.isArray(json['fields'])) throw invalid(path, 'a record needs fields')
  const folded = new Map<string, string>()
  for (const field of json['fields'] as unknown[]) {
    if (!isObject(field)) throw invalid(path, 'a field is an object')
    const fieldName = field['name']
    if (typeof fieldName !== 'string' || !namePattern.test(fieldName)) {
      throw invalid(path, 'a field needs a name of letters, digits and _, not starting with a digit')
    }
    const fieldPath = path === '' ? fieldName : `${path}.${fieldName}`
    const twin = folded.get(fieldName.toLowerCase())
    if (twin === fieldName) throw invalid(fieldPath, 'fields of a record have different names')
    if (twin !== undefined) {
      throw new ColumnarError(
        'AVRO_NAMES_CLASH',
        `record ${name} has the fields ${twin} and ${fieldName}, which most tables cannot tell apart; rename one`,
        { problems: [{ path: fieldPath, message: `differs from ${twin} only by case` }] },
      )
    }
    folded.set(fieldName.toLowerCase(), fieldName)
    if (field['type'] === undefined) throw invalid(fieldPath, 'a field needs a type')
    const hasDefault = Object.hasOwn(field, 'default')
    fields.push({
      name: fieldName,
      aliases: fieldAliases(field['aliases'], fieldPath),
      type: parseNode(field['type'], inner, fieldPath, names),
      hasDefault,
      ...(hasDefault ? { default: field['default'] } : {}),
      ...docOf(field['doc']),
    })
  }
  return node
}

/** Refuses a record that contains itself without an array, map or union to end it: it has no finite value (input 11). */
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
  const ends = (node: AvroNode): boolean => {
    if (node.kind === 'record') return finite.has(node)
    return node.kind === 'union' ? node.branches.some(ends) : true
  }
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
