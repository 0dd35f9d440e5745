import { createHash } from 'node:crypto'
import type { AvroSchema } from '../contract.ts'
import { parseSchema, type AvroNode, type Logical } from './model.ts'

/**
 * Canonical text of a schema: Avro's Parsing Canonical Form (full names, fixed attribute order, no docs, no whitespace)
 * plus what changes how a reader resolves or understands data: logical types, defaults, aliases. Two schemas with equal
 * text read and write the same, and one that differs in a default or a decimal scale is another schema, which the
 * plain Parsing Canonical Form would hide.
 * @see https://avro.apache.org/docs/1.12.0/specification/#parsing-canonical-form-for-schemas
 */
export function canonicalSchema(schema: AvroSchema | AvroNode): string {
  const root = isNode(schema) ? schema : parseSchema(schema)
  const defined = new Set<AvroNode>()

  const text = (node: AvroNode): string => {
    switch (node.kind) {
      case 'union':
        return `[${node.branches.map(text).join(',')}]`
      case 'array':
        return `{"type":"array","items":${text(node.items)}}`
      case 'map':
        return `{"type":"map","values":${text(node.values)}}`
      case 'fixed':
      case 'enum':
      case 'record': {
        const name = JSON.stringify(node.name)
        if (defined.has(node)) return name
        defined.add(node)
        const head = `{"name":${name},"type":"${node.kind}"`
        const aliases = node.aliases.length === 0 ? '' : `,"aliases":${JSON.stringify(node.aliases)}`
        if (node.kind === 'fixed') return `${head},"size":${node.size}${logicalText(node.logical)}${aliases}}`
        if (node.kind === 'enum') {
          const fallback = node.default === undefined ? '' : `,"default":${JSON.stringify(node.default)}`
          return `${head},"symbols":${JSON.stringify(node.symbols)}${fallback}${aliases}}`
        }
        const fields = node.fields.map((field) => {
          const fallback = field.hasDefault ? `,"default":${stableJson(field.default)}` : ''
          const names = field.aliases.length === 0 ? '' : `,"aliases":${JSON.stringify(field.aliases)}`
          return `{"name":${JSON.stringify(field.name)},"type":${text(field.type)}${fallback}${names}}`
        })
        return `${head},"fields":[${fields.join(',')}]${aliases}}`
      }
      default:
        return node.logical === undefined ? `"${node.kind}"` : `{"type":"${node.kind}"${logicalText(node.logical)}}`
    }
  }
  return text(root)
}

/** Lower-case hex SHA-256 of the canonical text. */
export function schemaFingerprint(schema: AvroSchema | AvroNode): string {
  return createHash('sha256').update(canonicalSchema(schema)).digest('hex')
}

function isNode(schema: AvroSchema | AvroNode): schema is AvroNode {
  return typeof schema === 'object' && 'kind' in schema
}

function logicalText(logical: Logical | undefined): string {
  if (logical === undefined) return ''
  const decimal = logical.name === 'decimal' ? `,"precision":${logical.precision},"scale":${logical.scale}` : ''
  return `,"logicalType":"${logical.name}"${decimal}`
}

/** JSON with sorted keys. */
function stableJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(stableJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${stableJson(item)}`).join(',')}}`
}
