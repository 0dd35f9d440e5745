import avro from 'avsc'
import type { AvroNode } from '../src/avro/model.ts'
import { decimalText } from '../src/decimal.ts'

const longType = avro.types.LongType.__with({
  fromBuffer: (buffer: Buffer) => buffer.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const buffer = Buffer.alloc(8)
    buffer.writeBigInt64LE(value)
    return buffer
  },
  fromJSON: (value: number) => BigInt(value),
  toJSON: (value: bigint) => Number(value),
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (a: bigint, b: bigint) => (a === b ? 0 : a < b ? -1 : 1),
})

/** Primitives with attributes become plain names, as avsc would otherwise not take the long type given here. */
function plain(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(plain)
  if (typeof schema !== 'object' || schema === null) return schema
  const object = schema as Record<string, unknown>
  const { type } = object
  if (typeof type === 'string' && !['record', 'enum', 'fixed', 'array', 'map'].includes(type)) return type
  const fields = object['fields'] as Record<string, unknown>[] | undefined
  return {
    ...object,
    ...(fields && { fields: fields.map((field) => ({ ...field, type: plain(field['type']) })) }),
    ...('items' in object && { items: plain(object['items']) }),
    ...('values' in object && { values: plain(object['values']) }),
  }
}

/** avsc type with exact longs and wrapped unions; logical types are left as their base. */
export function avscType(schema: unknown): avro.Type {
  return avro.Type.forSchema(plain(schema) as avro.Schema, { registry: { long: longType }, wrapUnions: true } as never)
}

function unscaled(bytes: Uint8Array): bigint {
  let value = 0n
  for (const byte of bytes) value = (value << 8n) | BigInt(byte)
  return BigInt.asIntN(8 * bytes.length, value)
}

/** What avsc read with the reader schema, in the form of `rowsOf`. */
export function expectedValue(node: AvroNode, value: unknown): unknown {
  switch (node.kind) {
    case 'null':
    case 'boolean':
    case 'int':
    case 'long':
      return value
    case 'float':
      return Math.fround(Number(value))
    case 'double':
      return Number(value)
    case 'string':
      return node.logical?.name === 'uuid' ? (value as string).toLowerCase() : value
    case 'enum':
      return value
    case 'bytes':
    case 'fixed': {
      const bytes = typeof value === 'string' ? Buffer.from(value) : (value as Uint8Array)
      if (node.logical?.name === 'decimal') return decimalText(unscaled(bytes), node.logical.scale)
      return new Uint8Array(bytes)
    }
    case 'array':
      return (value as unknown[]).map((item) => expectedValue(node.items, item))
    case 'map': {
      const map = Object.create(null) as Record<string, unknown>
      for (const [key, entry] of Object.entries(value as object)) map[key] = expectedValue(node.values, entry)
      return map
    }
    case 'record': {
      const row = Object.create(null) as Record<string, unknown>
      for (const field of node.fields) {
        row[field.name] = expectedValue(field.type, (value as Record<string, unknown>)[field.name])
      }
      return row
    }
    case 'union': {
      if (value === null) return null
      const [name, inner] = Object.entries(value as object)[0]!
      const members = node.branches.filter((branch) => branch.kind !== 'null')
      const tag = members.findIndex((member) => ('name' in member ? member.name : member.kind) === name)
      const converted = expectedValue(members[tag]!, inner)
      if (members.length === 1) return converted
      const struct = Object.create(null) as Record<string, unknown>
      struct['tag'] = tag
      members.forEach((_, i) => {
        struct[`member${i}`] = i === tag ? converted : null
      })
      return struct
    }
  }
}
