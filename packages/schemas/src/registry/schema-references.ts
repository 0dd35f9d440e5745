import type { AvroSchema } from '../contract.ts'
import { SchemaError } from '../errors.ts'

const primitives = new Set(['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'])
const compounds = new Set(['record', 'error', 'enum', 'fixed', 'array', 'map'])

interface Json {
  readonly [key: string]: unknown
}

/**
 * Puts the named types that a registry keeps under subjects of their own (references) into the schema that names them,
 * each where it is first used, so that the schema stands alone. Their own names and namespaces stay as they are.
 * @param referenced definitions by full name, as parsed JSON
 */
export function inlineReferences(schema: unknown, referenced: ReadonlyMap<string, unknown>): AvroSchema {
  const defined = new Set<string>()

  const visit = (node: unknown, namespace: string): unknown => {
    if (typeof node === 'string') return named(node, namespace)
    if (Array.isArray(node)) return node.map((branch) => visit(branch, namespace))
    if (typeof node !== 'object' || node === null) return node
    const json = node as Json
    const { type } = json
    if (typeof type !== 'string') return { ...json, type: visit(type, namespace) }
    if (!compounds.has(type)) {
      // A wrapped primitive keeps its properties; a wrapped name stands for the type itself.
      return primitives.has(type) ? json : named(type, namespace)
    }
    if (type === 'array') return { ...json, items: visit(json['items'], namespace) }
    if (type === 'map') return { ...json, values: visit(json['values'], namespace) }
    const { full, space } = nameOf(json, namespace)
    defined.add(full)
    if (!Array.isArray(json['fields'])) return json
    const fields = (json['fields'] as unknown[]).map((field) =>
      typeof field === 'object' && field !== null ? { ...field, type: visit((field as Json)['type'], space) } : field,
    )
    return { ...json, fields }
  }

  const named = (name: string, namespace: string): unknown => {
    if (primitives.has(name)) return name
    const full = name.includes('.') || namespace === '' ? name : `${namespace}.${name}`
    if (defined.has(full)) return full
    const definition = referenced.get(full)
    if (definition === undefined) return name
    // Written with its namespace, so that it does not take on the one around it.
    const standing = withNamespace(definition)
    return visit(standing, '')
  }

  return visit(schema, '') as AvroSchema
}

function nameOf(json: Json, namespace: string): { full: string; space: string } {
  const name = String(json['name'])
  const own = typeof json['namespace'] === 'string' ? json['namespace'] : namespace
  const full = name.includes('.') || own === '' ? name : `${own}.${name}`
  return { full, space: full.includes('.') ? full.slice(0, full.lastIndexOf('.')) : '' }
}

function withNamespace(definition: unknown): unknown {
  if (typeof definition !== 'object' || definition === null || Array.isArray(definition)) {
    throw new SchemaError('REGISTRY_CORRUPT', 'a referenced schema is not a named type')
  }
  const { space } = nameOf(definition as Json, '')
  return { ...definition, namespace: space }
}
