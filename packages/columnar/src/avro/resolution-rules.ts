import { shortName } from './model.ts'
import type {
  AvroField,
  AvroNode,
  FixedNode,
  Logical,
  NamedNode,
  PrimitiveNode,
  RecordNode,
  UnionNode,
} from './model.ts'

/**
 * The rules of Avro schema resolution that do not recurse: which name, field, scalar and branch of the reader takes which of
 * the writer. The columnar decoder, the row codec and the compatibility check all resolve by these, so that none of them
 * can read, or promise to read, what another refuses.
 * @see https://avro.apache.org/docs/1.12.0/specification/#schema-resolution
 */

const promotions = new Map<string, readonly string[]>([
  ['int', ['long', 'float', 'double']],
  ['long', ['float', 'double']],
  ['float', ['double']],
  ['string', ['bytes']],
  ['bytes', ['string']],
])

/** Named types match by their names without namespace, or by an alias of the reader. */
export function sameName(w: NamedNode, r: NamedNode): boolean {
  const name = shortName(w.name)
  return name === shortName(r.name) || r.aliases.some((alias) => shortName(alias) === name)
}

/** Aliases of one reader field that name several fields of the writer. */
export interface AliasClash {
  readonly field: AvroField
  readonly sources: readonly AvroField[]
}

/** Fields by name, then by alias; a field of the writer goes to one field of the reader. */
export interface FieldMatch {
  /** Reader field to the writer field it takes; those without one need a default. */
  readonly sources: ReadonlyMap<AvroField, AvroField>
  readonly clashes: readonly AliasClash[]
}

/** Decides which field of the writer each field of the reader takes. Names go before aliases. */
export function matchFields(w: RecordNode, r: RecordNode): FieldMatch {
  const byName = new Map(w.fields.map((field) => [field.name, field]))
  const sources = new Map<AvroField, AvroField>()
  const taken = new Set<AvroField>()
  const take = (field: AvroField, source: AvroField | undefined): void => {
    if (source === undefined) return
    sources.set(field, source)
    taken.add(source)
  }
  for (const field of r.fields) take(field, byName.get(field.name))
  const clashes: AliasClash[] = []
  for (const field of r.fields) {
    if (sources.has(field)) continue
    const former = [...new Set(field.aliases)]
      .flatMap((alias) => byName.get(alias) ?? [])
      .filter((source) => !taken.has(source))
    if (former.length > 1) clashes.push({ field, sources: former })
    take(field, former[0])
  }
  return { sources, clashes }
}

/** Why a scalar of the writer is no scalar of the reader. */
export type ScalarMismatch =
  'type' | 'narrower' | 'name' | 'fixed-size' | 'logical-type' | 'decimal-scale' | 'decimal-precision'

/**
 * Whether values of one primitive or fixed type can be read as another; `undefined` when they can. Two logical types must
 * be equal, a decimal may gain precision but never change scale; where only one side has a logical type the base types
 * decide, as in the specification.
 */
export function scalarMismatch(w: PrimitiveNode | FixedNode, r: PrimitiveNode | FixedNode): ScalarMismatch | undefined {
  if (w.kind === 'fixed' && r.kind === 'fixed') {
    if (!sameName(w, r)) return 'name'
    if (w.size !== r.size) return 'fixed-size'
  } else if (w.kind !== r.kind) {
    if (!promotions.get(w.kind)?.includes(r.kind)) return promotions.get(r.kind)?.includes(w.kind) ? 'narrower' : 'type'
    if (w.logical?.name === 'decimal' || r.logical?.name === 'decimal') return 'type'
  }
  return logicalMismatch(w.logical, r.logical)
}

function logicalMismatch(w: Logical | undefined, r: Logical | undefined): ScalarMismatch | undefined {
  if (w === undefined || r === undefined) return undefined
  if (w.name === 'decimal' && r.name === 'decimal') {
    if (w.scale !== r.scale) return 'decimal-scale'
    return w.precision > r.precision ? 'decimal-precision' : undefined
  }
  return w.name === r.name ? undefined : 'logical-type'
}

/** True for every type but null and those made of others: what `scalarMismatch` compares. */
export function isScalar(node: AvroNode): node is PrimitiveNode | FixedNode {
  switch (node.kind) {
    case 'union':
    case 'record':
    case 'array':
    case 'map':
    case 'enum':
    case 'null':
      return false
    default:
      return true
  }
}

/**
 * Branches of a reader union in the order in which they are tried for a writer that is no union: those of the writer's
 * kind, then the others. The first that the writer resolves to is taken.
 */
export function branchesInOrder(w: AvroNode, r: UnionNode): readonly AvroNode[] {
  return [...r.branches.filter((branch) => branch.kind === w.kind), ...r.branches.filter((b) => b.kind !== w.kind)]
}
