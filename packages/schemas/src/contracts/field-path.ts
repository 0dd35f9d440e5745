import type { AvroNode, Logical, RecordNode } from '../avro/model.ts'

/** A field found by a dotted path such as `payment.method` or `lines[].price`. */
export interface FieldPath {
  readonly path: string
  /** Field names from the row inwards. `list` is the number of names that lead to the list, when the path has `[]`. */
  readonly names: readonly string[]
  readonly list?: number
  /** Type of the field, null aside. */
  readonly node: AvroNode
  /** Null can stand here, or at a record on the way. */
  readonly nullable: boolean
}

/** Logical type of a node, when it has one. */
export function logicalOf(node: AvroNode): Logical | undefined {
  return 'logical' in node ? node.logical : undefined
}

/**
 * Looks up a path in a record. One list on the way is allowed, written `[]` after its name.
 * @returns `undefined` when there is no such field
 */
export function findField(record: RecordNode, path: string): FieldPath | undefined {
  const names: string[] = []
  let list: number | undefined
  let node: AvroNode = record
  let nullable = false
  for (const segment of path.split('.')) {
    const isList = segment.endsWith('[]')
    const name = isList ? segment.slice(0, -2) : segment
    if (node.kind !== 'record') return undefined
    const field: { type: AvroNode } | undefined = node.fields.find((candidate) => candidate.name === name)
    if (field === undefined) return undefined
    names.push(name)
    const inner = withoutNull(field.type)
    if (inner === undefined) return undefined
    nullable ||= inner.nullable
    node = inner.node
    if (isList) {
      if (node.kind !== 'array' || list !== undefined) return undefined
      list = names.length
      const item = withoutNull(node.items)
      if (item === undefined) return undefined
      // An empty list has no items to be null; only what stands inside counts.
      nullable = item.nullable
      node = item.node
    }
  }
  return { path, names, node, nullable, ...(list === undefined ? {} : { list }) }
}

/** The one type of `T` or `["null", T]`; `undefined` for other unions. */
export function withoutNull(node: AvroNode): { node: AvroNode; nullable: boolean } | undefined {
  if (node.kind !== 'union') return { node, nullable: node.kind === 'null' }
  const others = node.branches.filter((branch) => branch.kind !== 'null')
  return others.length === 1 ? { node: others[0]!, nullable: node.branches.length > 1 } : undefined
}
