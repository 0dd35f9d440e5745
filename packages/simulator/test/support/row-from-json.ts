import type { Row } from '@sluice/generators'
import { type AvroNode, type AvroSchema, parseSchema } from '@sluice/schemas'

/**
 * Turns a JSON object of a lake file into the row codec's spelling, from the schema alone and with no code of the
 * pipeline: timestamps and dates from their text, longs as bigint, bytes from base64. Lineage columns are left out.
 */
export function rowReader(schema: AvroSchema): (json: Record<string, unknown>) => Row {
  const node = parseSchema(schema)
  return (json) => read(node, json) as Row
}

function read(node: AvroNode, value: unknown): unknown {
  if (value === null || value === undefined) return null
  switch (node.kind) {
    case 'union':
      return read(
        node.branches.find((branch) => branch.kind !== 'null')!,
        value,
      )
    case 'record':
      return Object.fromEntries(
        node.fields.map((field) => [field.name, read(field.type, (value as Record<string, unknown>)[field.name])]),
      )
    case 'array':
      return (value as unknown[]).map((item) => read(node.items, item))
    case 'map':
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, read(node.values, item)]))
    case 'long':
      return node.logical === undefined ? BigInt(value as number) : ticksOf(value as string, node.logical.name)
    case 'int':
      return node.logical?.name === 'date' ? Date.parse(`${value as string}T00:00:00Z`) / 86_400_000 : value
    case 'bytes':
    case 'fixed':
      return node.logical?.name === 'decimal' ? value : new Uint8Array(Buffer.from(value as string, 'base64'))
    case 'double':
    case 'float':
      return Number(value)
    default:
      return value
  }
}

const digits: Readonly<Record<string, number>> = { millis: 3, micros: 6, nanos: 9 }

/** Units since the epoch of ISO 8601 text, exactly. */
function ticksOf(text: string, logical: string): bigint {
  const places = digits[logical.split('-').at(-1)!]!
  const [whole = '', fraction = ''] = text.replace(/Z$/, '').split('.')
  if (fraction.length !== places) throw new TypeError(`${logical}: ${fraction.length} digits of a second`)
  return (BigInt(Date.parse(`${whole}Z`)) / 1000n) * 10n ** BigInt(places) + BigInt(fraction)
}
