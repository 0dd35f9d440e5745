import type { AvroSchema } from '@sluice/schemas'

/** The part of an Avro schema that a walk needs: one node per type, named types resolved, logical types kept. */
export type AvroNode =
  | { readonly kind: 'null' | 'boolean' | 'int' | 'long' | 'float' | 'double' | 'string'; readonly logical?: string }
  | { readonly kind: 'bytes'; readonly logical?: string; readonly scale: number }
  | { readonly kind: 'fixed'; readonly size: number; readonly logical?: string; readonly scale: number }
  | { readonly kind: 'enum'; readonly symbols: readonly string[] }
  | { readonly kind: 'array' | 'map'; readonly item: AvroNode }
  | { readonly kind: 'union'; readonly branches: readonly AvroNode[] }
  | { readonly kind: 'record'; readonly fields: readonly AvroFieldNode[] }

export interface AvroFieldNode {
  readonly name: string
  readonly node: AvroNode
  readonly hasDefault: boolean
  /** As written in the schema: for a union, a value of its first branch. */
  readonly default: unknown
}

interface SchemaObject {
  readonly type: unknown
  readonly name?: string
  readonly namespace?: string
  readonly fields?: readonly { readonly name: string; readonly type: unknown; readonly default?: unknown }[]
  readonly symbols?: readonly string[]
  readonly items?: unknown
  readonly values?: unknown
  readonly size?: number
  readonly logicalType?: string
  readonly scale?: number
}

const primitives = new Set(['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'])

/**
 * Reads a contract's schema into nodes. Contracts are validated where they are defined (`@sluice/schemas`); here a
 * shape that cannot be walked is a `TypeError`.
 */
export function parseAvroSchema(schema: AvroSchema): AvroNode {
  const named = new Map<string, AvroNode>()

  function walk(type: unknown, namespace: string, logical?: string, scale = 0): AvroNode {
    if (typeof type === 'string') {
      if (type === 'bytes') return logical === undefined ? { kind: type, scale } : { kind: type, logical, scale }
      if (primitives.has(type)) {
        const kind = type as 'long'
        return logical === undefined ? { kind } : { kind, logical }
      }
      const found = named.get(type) ?? named.get(`${namespace}.${type}`)
      if (found === undefined) throw new TypeError(`avro schema: unknown type name "${type}"`)
      return found
    }
    if (Array.isArray(type)) return { kind: 'union', branches: type.map((branch) => walk(branch, namespace)) }
    if (typeof type !== 'object' || type === null) throw new TypeError('avro schema: expected a type')
    const object = type as SchemaObject
    const space = object.namespace ?? namespace
    const remember = <T extends AvroNode>(node: T): T => {
      named.set(object.name!, node)
      named.set(`${space}.${object.name!}`, node)
      return node
    }
    switch (object.type) {
      case 'record': {
        const fields: AvroFieldNode[] = []
        const node = remember({ kind: 'record' as const, fields })
        for (const field of object.fields!) {
          const hasDefault = Object.hasOwn(field, 'default')
          fields.push({ name: field.name, node: walk(field.type, space), hasDefault, default: field.default })
        }
        return node
      }
      case 'enum':
        return remember({ kind: 'enum', symbols: object.symbols! })
      case 'fixed': {
        const fixed = { kind: 'fixed' as const, size: object.size!, scale: object.scale ?? 0 }
        return remember(object.logicalType === undefined ? fixed : { ...fixed, logical: object.logicalType })
      }
      case 'array':
        return { kind: 'array', item: walk(object.items, space) }
      case 'map':
        return { kind: 'map', item: walk(object.values, space) }
      default:
        return walk(object.type, space, object.logicalType, object.scale)
    }
  }
  return walk(schema, '')
}

/** The fields of a contract's schema, which is a record by construction. */
export function recordFields(node: AvroNode): readonly AvroFieldNode[] {
  if (node.kind !== 'record') throw new TypeError(`avro schema: expected a record, got ${node.kind}`)
  return node.fields
}

/** The branch of a `[null, X]` union that is not null, or the node itself. */
export function presentBranch(node: AvroNode): AvroNode {
  if (node.kind !== 'union') return node
  return node.branches.find((branch) => branch.kind !== 'null') ?? node
}

export function isNullable(node: AvroNode): boolean {
  return node.kind === 'null' || (node.kind === 'union' && node.branches.some((branch) => branch.kind === 'null'))
}
