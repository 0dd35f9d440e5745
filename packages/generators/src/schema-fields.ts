import { type AvroNode, type AvroSchema, parseSchema } from '@sluice/schemas'

/**
 * Short ways through schemas parsed by `@sluice/schemas`. The parser is shared with the pipeline; what is judged by its
 * result (encoding, rules, canonical text, lateness) is not.
 */
export type SchemaField = Extract<AvroNode, { kind: 'record' }>['fields'][number]

/** Fields of a contract's schema, which is a record by construction. */
export function fieldsOf(schema: AvroSchema): readonly SchemaField[] {
  const node = parseSchema(schema)
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

/** Fraction digits when the node is a decimal, else undefined. */
export function decimalScale(node: AvroNode): number | undefined {
  if (node.kind !== 'bytes' && node.kind !== 'fixed') return undefined
  return node.logical?.name === 'decimal' ? node.logical.scale : undefined
}

/** Units in a millisecond when the node is a timestamp with or without zone, else undefined. */
export function timestampUnit(node: AvroNode): { readonly perMs: number } | undefined {
  if (node.kind !== 'long' || node.logical === undefined) return undefined
  switch (node.logical.name) {
    case 'timestamp-millis':
    case 'local-timestamp-millis':
      return { perMs: 1 }
    case 'timestamp-micros':
    case 'local-timestamp-micros':
      return { perMs: 1000 }
    case 'timestamp-nanos':
    case 'local-timestamp-nanos':
      return { perMs: 1_000_000 }
    default:
      return undefined
  }
}
