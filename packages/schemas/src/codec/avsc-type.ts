import avro from 'avsc'
import type { AvroNode } from '../avro/model.ts'

/**
 * The avsc type that reads and writes the bytes of a schema. avsc keeps rows in ordinary objects, where a field or map
 * key `__proto__` is lost or changes the prototype (RELIABILITY 1.3). So avsc never sees a name from the schema or data
 * as a property: fields and symbols get a prefix, types a number, and a map becomes the array of (key, value) records
 * that it is on the wire, inside a record of its own, so that a union may hold an array beside it. Longs are read as bigint. Logical types are left to the row conversion.
 */
export interface AvscType {
  readonly type: avro.Type
  /** Name avsc knows a union branch by. */
  branchKey(node: AvroNode): string
}

export const fieldKey = (name: string): string => `f${name}`
export const symbolKey = (symbol: string): string => `s${symbol}`
export const symbolOf = (key: string): string => key.slice(1)
export const mapEntries = 'e'
export const mapKey = 'k'
export const mapValue = 'v'

const longType = avro.types.LongType.__with({
  fromBuffer: (buffer: Buffer) => buffer.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const buffer = Buffer.allocUnsafe(8)
    buffer.writeBigInt64LE(value)
    return buffer
  },
  fromJSON: (value: number | string) => BigInt(value),
  toJSON: (value: bigint) => value.toString(),
  isValid: (value: unknown) => typeof value === 'bigint' && BigInt.asIntN(64, value) === value,
  compare: (a: bigint, b: bigint) => (a === b ? 0 : a < b ? -1 : 1),
})

export function avscTypeOf(root: AvroNode): AvscType {
  const ids = new Map<AvroNode, string>()
  const defined = new Set<AvroNode>()
  let maps = 0
  const idOf = (node: AvroNode): string => {
    let id = ids.get(node)
    if (id === undefined) ids.set(node, (id = `T${ids.size}`))
    return id
  }
  const schemaOf = (node: AvroNode): unknown => {
    switch (node.kind) {
      case 'union':
        return node.branches.map(schemaOf)
      case 'array':
        return { type: 'array', items: schemaOf(node.items) }
      case 'map':
        return {
          type: 'record',
          name: idOf(node),
          fields: [
            {
              name: mapEntries,
              type: {
                type: 'array',
                items: {
                  type: 'record',
                  name: `M${maps++}`,
                  fields: [
                    { name: mapKey, type: 'string' },
                    { name: mapValue, type: schemaOf(node.values) },
                  ],
                },
              },
            },
          ],
        }
      case 'fixed':
      case 'enum':
      case 'record': {
        const name = idOf(node)
        if (defined.has(node)) return name
        defined.add(node)
        if (node.kind === 'enum') return { type: 'enum', name, symbols: node.symbols.map(symbolKey) }
        if (node.kind === 'record') {
          return {
            type: 'record',
            name,
            fields: node.fields.map((f) => ({ name: fieldKey(f.name), type: schemaOf(f.type) })),
          }
        }
        // avsc has no fixed of size 0; a record without fields is the same bytes.
        return node.size === 0 ? { type: 'record', name, fields: [] } : { type: 'fixed', name, size: node.size }
      }
      default:
        return node.kind
    }
  }
  const type = avro.Type.forSchema(
    schemaOf(root) as avro.Schema,
    {
      registry: { long: longType },
      wrapUnions: true,
      omitRecordMethods: true,
    } as Partial<avro.ForSchemaOptions>,
  )
  return { type, branchKey: (node) => (node.kind === 'map' || 'name' in node ? idOf(node) : node.kind) }
}
