import { defaultValue } from './defaults.ts'
import type { AvroNode } from './model.ts'
import { parseAvro } from './parse.ts'
import type { AvroSource } from './parse.ts'
import { schemaOfNode } from './columns.ts'

/**
 * The defaults of an Avro schema by path, for `compileJsonDecoder(avroToSchema(avro), { defaults: avroDefaults(avro) })`.
 * Null defaults are left out: a missing nullable field is null anyway.
 * @throws {ColumnarError} AVRO_INVALID when a default is not a value of its type, and what `avroToSchema` throws
 */
export function avroDefaults(avro: AvroSource): Record<string, unknown> {
  const root = parseAvro(avro)
  // Refuses recursion, so that the walk below ends.
  schemaOfNode(root)
  const defaults = Object.create(null) as Record<string, unknown>

  const visit = (node: AvroNode, path: string): void => {
    switch (node.kind) {
      case 'record':
        for (const field of node.fields) {
          const at = path === '' ? field.name : `${path}.${field.name}`
          if (field.hasDefault) {
            const value = defaultValue(field.type, field.default, at)
            if (value !== null) defaults[at] = value
          }
          visit(field.type, at)
        }
        break
      case 'array':
        visit(node.items, `${path}[]`)
        break
      case 'map':
        visit(node.values, `${path}[]`)
        break
      case 'union': {
        const members = node.branches.filter((branch) => branch.kind !== 'null')
        members.forEach((member, i) => visit(member, members.length === 1 ? path : `${path}.member${i}`))
        break
      }
      default:
        break
    }
  }

  visit(root, '')
  return defaults
}
