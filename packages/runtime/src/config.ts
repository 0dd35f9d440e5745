import { readFileSync } from 'node:fs'
import { closest } from 'fastest-levenshtein'
import { parse as parseYaml } from 'yaml'
import { z } from 'zod'
import { RuntimeError } from './errors.ts'
import { Secret } from './secret.ts'

/** A zod field that reads a string and holds it as a {@link Secret}. */
export const secret = () => z.string().transform((value) => new Secret(value))

/** A byte size: a number of bytes, or text such as `64MiB` or `1.5 GB`. */
export const byteSize = () =>
  z.union([z.number(), z.string()]).transform((value, context) => {
    const bytes = typeof value === 'number' ? value : parseBytes(value)
    if (bytes !== undefined && Number.isSafeInteger(bytes) && bytes > 0) return bytes
    context.addIssue({ code: 'custom', message: 'expected a size such as 67108864 or 64MiB' })
    return z.NEVER
  })

/** A length of time: a number of milliseconds, or text such as `500ms`, `30s`, `5m`, `48h`, `7d`. */
export const duration = () =>
  z.union([z.number(), z.string()]).transform((value, context) => {
    const ms = typeof value === 'number' ? value : parseDuration(value)
    if (ms !== undefined && Number.isFinite(ms) && ms >= 0) return ms
    context.addIssue({ code: 'custom', message: 'expected a duration such as 500ms, 30s, 5m, 48h or 7d' })
    return z.NEVER
  })

const BYTE_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
}
const TIME_UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1e3, m: 6e4, h: 3.6e6, d: 8.64e7 }

function parseUnit(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text)
  const factor = match ? units[match[2]!.toLowerCase()] : undefined
  return factor === undefined ? undefined : Number(match![1]) * factor
}

const parseBytes = (text: string) => parseUnit(text, BYTE_UNITS)
const parseDuration = (text: string) => parseUnit(text, TIME_UNITS)

export interface ConfigSources {
  /** Path of a YAML or JSON file; the lowest layer above the defaults. */
  readonly file?: string | undefined
  /**
   * Environment, read through `envPrefix`: `SLUICE_ROTATION__ROWS` sets `rotation.rows`. Default: that of the process,
   * when there is a prefix.
   */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly envPrefix?: string
  /** Command-line flags by dotted path; the highest layer. Undefined values are ignored. */
  readonly flags?: Readonly<Record<string, unknown>>
}

type Tree = { [key: string]: unknown }

/**
 * Reads configuration in layers (defaults of the schema < file < environment < flags) and validates it strictly.
 * @returns a deeply frozen object of the schema's output type
 * @throws {RuntimeError} CONFIG_UNREADABLE when the file cannot be read or parsed; CONFIG_INVALID with one line per
 * problem, each naming the key, where it came from and, for an unknown key, the nearest known name
 */
export function loadConfig<S extends z.ZodObject>(schema: S, sources: ConfigSources): Readonly<z.output<S>> {
  const strict = schema.strict()
  const origins = new Map<string, string>()
  const tree: Tree = {}
  if (sources.file !== undefined) mergeInto(tree, readFile(sources.file), `file ${sources.file}`, origins)
  for (const [path, value, name] of envEntries(strict, sources))
    setPath(tree, path, value, `environment ${name}`, origins)
  for (const [name, value] of Object.entries(sources.flags ?? {})) {
    if (value !== undefined) setPath(tree, name.split('.'), value, 'flag', origins)
  }
  const result = strict.safeParse(tree)
  if (!result.success) throw invalid(result.error, strict, origins)
  return deepFreeze(result.data as z.output<S>)
}

function readFile(path: string): Tree {
  let parsed: unknown
  try {
    parsed = parseYaml(readFileSync(path, 'utf8'), { maxAliasCount: 0 })
  } catch (cause) {
    throw new RuntimeError('CONFIG_UNREADABLE', `cannot read configuration file ${path}: ${(cause as Error).message}`, {
      cause,
    })
  }
  if (parsed === null) return {}
  if (typeof parsed !== 'object' || Array.isArray(parsed)) {
    throw new RuntimeError('CONFIG_UNREADABLE', `configuration file ${path} must hold a mapping at its top level`)
  }
  return parsed as Tree
}

function* envEntries(schema: z.ZodObject, sources: ConfigSources): Iterable<[string[], unknown, string]> {
  const prefix = sources.envPrefix
  if (prefix === undefined) return
  for (const [name, text] of Object.entries(sources.env ?? process.env)) {
    if (!name.startsWith(prefix) || text === undefined) continue
    const path = name
      .slice(prefix.length)
      .split('__')
      .map((part) => part.toLowerCase().replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()))
    yield [path, coerce(text, fieldAt(schema, path)), name]
  }
}

/** Environment and flags carry text; numbers, booleans and lists are what the schema expects there. */
function coerce(text: string, field: z.core.$ZodType | undefined): unknown {
  const kinds = kindsOf(field)
  if (kinds.has('boolean') && (text === 'true' || text === 'false')) return text === 'true'
  if (kinds.has('number') && text.trim() !== '' && Number.isFinite(Number(text))) return Number(text)
  if (kinds.has('array')) return text.split(',').map((part) => part.trim())
  return text
}

function kindsOf(field: z.core.$ZodType | undefined): Set<string> {
  const kinds = new Set<string>()
  const visit = (type: z.core.$ZodType | undefined) => {
    if (type === undefined) return
    const def = type._zod.def as {
      type: string
      innerType?: z.core.$ZodType
      in?: z.core.$ZodType
      options?: z.core.$ZodType[]
    }
    kinds.add(def.type)
    visit(def.innerType)
    visit(def.in)
    def.options?.forEach(visit)
  }
  visit(field)
  return kinds
}

/** Takes off defaults, optionals and pipes until something with a shape of its own is left. */
function unwrap(type: z.core.$ZodType): z.core.$ZodType {
  const def = type._zod.def as { innerType?: z.core.$ZodType; in?: z.core.$ZodType }
  const inner = def.innerType ?? def.in
  return inner === undefined ? type : unwrap(inner)
}

function fieldAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): z.core.$ZodType | undefined {
  let type: z.core.$ZodType | undefined = schema
  for (const key of path) {
    const shape = shapeOf(type)
    type = Object.hasOwn(shape, key) ? shape[String(key)] : undefined
  }
  return type
}

/** Fields of an object type, however it is wrapped; none for any other type. */
function shapeOf(type: z.core.$ZodType | undefined): Readonly<Record<string, z.core.$ZodType>> {
  return (type && (unwrap(type) as Partial<z.ZodObject>).shape) ?? {}
}

function mergeInto(target: Tree, source: Tree, origin: string, origins: Map<string, string>, at: string[] = []): void {
  for (const [key, value] of Object.entries(source)) {
    const path = [...at, key]
    const existing = Object.hasOwn(target, key) ? target[key] : undefined
    if (isTree(value) && isTree(existing)) mergeInto(existing, value, origin, origins, path)
    else define(target, key, value)
    origins.set(path.join('.'), origin)
  }
}

function setPath(tree: Tree, path: string[], value: unknown, origin: string, origins: Map<string, string>): void {
  let node = tree
  for (const key of path.slice(0, -1)) {
    const next = Object.hasOwn(node, key) ? node[key] : undefined
    if (isTree(next)) node = next
    else {
      const fresh: Tree = {}
      define(node, key, fresh)
      node = fresh
    }
  }
  define(node, path.at(-1)!, value)
  origins.set(path.join('.'), origin)
}

/** An own property whatever its name: `__proto__` in a file becomes an unknown key, not a prototype. */
function define(target: Tree, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true })
}

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value)

function invalid(error: z.ZodError, schema: z.ZodObject, origins: Map<string, string>): RuntimeError {
  const lines = error.issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(key, issue.path, schema, origins))
    const path = issue.path.join('.')
    const origin = originOf(path, origins)
    return [`${path || 'configuration'}: ${issue.message}${origin ? ` (from ${origin})` : ''}`]
  })
  return new RuntimeError('CONFIG_INVALID', `invalid configuration:\n${lines.map((line) => `  ${line}`).join('\n')}`)
}

function unknownKey(
  key: string,
  at: readonly PropertyKey[],
  schema: z.ZodObject,
  origins: Map<string, string>,
): string {
  const known = Object.keys(shapeOf(fieldAt(schema, at)))
  const path = [...at, key].join('.')
  const origin = originOf(path, origins)
  const hint = known.length > 0 ? `; did you mean ${[...at, closest(key, known)].join('.')}?` : ''
  return `${path}: unknown key${origin ? ` (from ${origin})` : ''}${hint}`
}

/** Layer that set a key: recorded for the key itself, for something inside it, or for the tree it came in. */
function originOf(path: string, origins: Map<string, string>): string | undefined {
  const inside = [...origins].find(([name]) => name === path || name.startsWith(`${path}.`))
  if (inside !== undefined || !path.includes('.')) return inside?.[1]
  return originOf(path.slice(0, path.lastIndexOf('.')), origins)
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || value instanceof Secret) return value
  for (const inner of Object.values(value)) deepFreeze(inner)
  return Object.freeze(value)
}
