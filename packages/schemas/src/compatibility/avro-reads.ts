import { ColumnarError } from '@sluice/columnar'
import {
  branchesInOrder,
  defaultValue,
  describeNode,
  isScalar,
  matchFields,
  sameName,
  scalarMismatch,
  type AvroNode,
  type EnumNode,
  type FieldMatch,
  type FixedNode,
  type Logical,
  type PrimitiveNode,
  type RecordNode,
  type ScalarMismatch,
  type UnionNode,
} from '@sluice/columnar/avro'
import { maxProblems, type CompatibilityRule, type ReadProblem } from './problem.ts'

const scalarRules: Readonly<Record<ScalarMismatch, CompatibilityRule>> = {
  type: 'type_changed',
  narrower: 'type_narrowed',
  name: 'name_changed',
  'fixed-size': 'fixed_size_changed',
  'logical-type': 'logical_type_changed',
  'decimal-scale': 'decimal_scale_changed',
  'decimal-precision': 'decimal_digits_reduced',
}

/**
 * Why `reader` cannot read all data of `writer`; empty when it can. Stricter than resolution itself, which lets a pair
 * pass when only some values can be read: here every branch of a writer union, every symbol, every byte string must be.
 * Resolution is that of the decoders (rules of `@sluice/columnar/avro`, branches chosen alike), so an empty answer means
 * that the columnar decoder and the row codec read every value, given that they take the reader schema at all.
 * A named type used in several places is told where it is met first. Ends on recursive schemas.
 */
export function avroReadProblems(writer: AvroNode, reader: AvroNode): ReadProblem[] {
  const problems: ReadProblem[] = []
  const match = createFieldMatcher()
  const resolvable = resolvability(match)
  const seen = createPairMap<true>()

  const add = (path: string, rule: CompatibilityRule, message: string): void => {
    if (problems.length < maxProblems) problems.push({ path, rule, message })
  }

  const mismatch = (w: AvroNode, r: AvroNode, path: string, rule: CompatibilityRule): void =>
    add(path, rule, `${describeNode(w)} cannot be read as ${describeNode(r)}`)

  const visit = (w: AvroNode, r: AvroNode, path: string): void => {
    // Most pairs are of plain types, which have nothing below them to meet again.
    if (w.kind !== 'fixed' && r.kind !== 'fixed' && isScalar(w) && isScalar(r)) return scalar(w, r, path)
    if (w.kind === 'null' && takesNull(r)) return
    if (seen.get(w, r)) return
    seen.set(w, r, true)
    if (w.kind === 'union') return fromUnion(w, r, path)
    if (r.kind === 'union') return intoUnion(w, r, path)
    if (w.kind === 'array' && r.kind === 'array') return visit(w.items, r.items, `${path}[]`)
    if (w.kind === 'map' && r.kind === 'map') return visit(w.values, r.values, `${path}[]`)
    if (isScalar(w) && isScalar(r)) return scalar(w, r, path)
    if (w.kind === 'record' && r.kind === 'record') return record(w, r, path)
    if (w.kind === 'enum' && r.kind === 'enum') return enumeration(w, r, path)
    mismatch(w, r, path, w.kind === 'null' ? 'null_not_accepted' : 'type_changed')
  }

  const fromUnion = (w: UnionNode, r: AvroNode, path: string): void => {
    const readable = w.branches.filter((branch) => resolvable(branch, r))
    for (const branch of w.branches) {
      // A branch that resolves at all is looked into; of the others only this can be said.
      if (readable.includes(branch)) visit(branch, r, path)
      else if (branch.kind === 'null') add(path, 'null_not_accepted', `null cannot be read as ${describeNode(r)}`)
      else if (w.branches.length - nulls(w) === 1) visit(branch, onlyMember(r) ?? r, path)
      else mismatch(branch, r, path, 'union_branch_unreadable')
    }
  }

  const intoUnion = (w: AvroNode, r: UnionNode, path: string): void => {
    const taken = branchesInOrder(w, r).find((branch) => resolvable(w, branch))
    if (taken !== undefined) return visit(w, taken, path)
    const only = onlyMember(r)
    if (w.kind === 'null') mismatch(w, r, path, 'null_not_accepted')
    else if (only !== undefined) visit(w, only, path)
    else mismatch(w, r, path, 'union_without_type')
  }

  const record = (w: RecordNode, r: RecordNode, path: string): void => {
    if (!sameName(w, r)) return mismatch(w, r, path, 'name_changed')
    const { sources, clashes } = match(w, r)
    for (const { field, sources: former } of clashes) {
      const names = former.map((source) => source.name).join(', ')
      add(join(path, field.name), 'alias_ambiguous', `its aliases match several fields of the writer: ${names}`)
    }
    for (const field of r.fields) {
      const at = join(path, field.name)
      const source = sources.get(field)
      if (source !== undefined) visit(source.type, field.type, at)
      else if (!field.hasDefault) {
        add(at, 'field_without_default', 'the writer has no such field and the reader has no default for it')
      }
    }
  }

  const enumeration = (w: EnumNode, r: EnumNode, path: string): void => {
    if (!sameName(w, r)) return mismatch(w, r, path, 'name_changed')
    if (r.default !== undefined) return
    const unknown = w.symbols.filter((symbol) => !r.symbols.includes(symbol))
    if (unknown.length > 0) {
      const shown =
        unknown.length > 5 ? `${unknown.slice(0, 5).join(', ')} and ${unknown.length - 5} more` : unknown.join(', ')
      add(path, 'enum_symbol_unknown', `enum ${r.name} of the reader has neither ${shown} nor a default`)
    }
  }

  const scalar = (w: PrimitiveNode | FixedNode, r: PrimitiveNode | FixedNode, path: string): void => {
    const reason = scalarMismatch(w, r)
    if (reason !== undefined) return mismatch(w, r, path, scalarRules[reason])
    if (w.kind === 'bytes' && r.kind === 'string') return mismatch(w, r, path, 'bytes_not_text')
    if (w.logical === undefined && demands(r.logical, r.kind)) mismatch(w, r, path, 'logical_type_added')
  }

  checkDefaults(reader, add)
  visit(writer, reader, '')
  return problems
}

/** Logical types whose values are fewer than those of the type below: any 16 bytes are a uuid, not any text. */
function demands(logical: Logical | undefined, kind: AvroNode['kind']): boolean {
  return logical?.name === 'decimal' || (logical?.name === 'uuid' && kind === 'string')
}

function nulls(union: UnionNode): number {
  return union.branches.filter((branch) => branch.kind === 'null').length
}

/** The one type of a union that is not null: its problems say more than that no branch fits. */
function onlyMember(node: AvroNode): AvroNode | undefined {
  const members = node.kind === 'union' ? node.branches.filter((branch) => branch.kind !== 'null') : []
  return members.length === 1 ? members[0] : undefined
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}

/** Every default of the reader, needed or not: a decoder is made for all of them. */
function checkDefaults(reader: AvroNode, add: (path: string, rule: CompatibilityRule, message: string) => void): void {
  const seen = new Set<AvroNode>()
  const visit = (node: AvroNode, path: string): void => {
    if (node.kind === 'null' || node.kind === 'enum' || isScalar(node) || seen.has(node)) return
    seen.add(node)
    if (node.kind === 'array') visit(node.items, `${path}[]`)
    else if (node.kind === 'map') visit(node.values, `${path}[]`)
    else if (node.kind === 'union') for (const branch of node.branches) visit(branch, path)
    else if (node.kind === 'record') {
      for (const field of node.fields) {
        const at = join(path, field.name)
        if (field.hasDefault) {
          try {
            defaultValue(field.type, field.default, at)
          } catch (error) {
            if (!(error instanceof ColumnarError)) throw error
            add(at, 'default_invalid', error.message)
          }
        }
        visit(field.type, at)
      }
    }
  }
  visit(reader, '')
}

/**
 * Whether the decoders would take a pair at all, which is what decides between the branches of a reader union. The
 * largest set of pairs that fits: every pair is held resolvable until shown otherwise, and what is shown starts another
 * round, until a round shows nothing new. One round does unless the schemas have unions and recursion.
 */
function resolvability(match: (w: RecordNode, r: RecordNode) => FieldMatch): (w: AvroNode, r: AvroNode) => boolean {
  /** `false` when shown not to resolve, else the round that last held the pair resolvable. */
  const verdicts = createPairMap<number | false>()
  /** By round, whether it showed nothing new: what it held is so. */
  const stable: boolean[] = []
  let round = 0

  const test = (w: AvroNode, r: AvroNode): boolean => {
    if (isScalar(w) && isScalar(r)) return scalarMismatch(w, r) === undefined
    if (w.kind === 'null') return takesNull(r)
    const known = verdicts.get(w, r)
    if (known !== undefined && (known === false || known === round || stable[known] === true)) return known !== false
    verdicts.set(w, r, round)
    if (fits(w, r)) return true
    verdicts.set(w, r, false)
    stable[round] = false
    return false
  }

  const fits = (w: AvroNode, r: AvroNode): boolean => {
    // Every part is tested, not only up to the first that decides: a verdict must hold for the whole round.
    if (w.kind === 'union') return anyOf(w.branches, (branch) => test(branch, r))
    if (r.kind === 'union') return anyOf(r.branches, (branch) => test(w, branch))
    if (w.kind === 'array' && r.kind === 'array') return test(w.items, r.items)
    if (w.kind === 'map' && r.kind === 'map') return test(w.values, r.values)
    if (w.kind === 'enum' && r.kind === 'enum') return sameName(w, r)
    if (w.kind === 'record' && r.kind === 'record') return fieldsFit(w, r)
    return false
  }

  const fieldsFit = (w: RecordNode, r: RecordNode): boolean => {
    if (!sameName(w, r)) return false
    const { sources, clashes } = match(w, r)
    let fit = clashes.length === 0
    for (const field of r.fields) {
      const source = sources.get(field)
      if (!(source === undefined ? field.hasDefault : test(source.type, field.type))) fit = false
    }
    return fit
  }

  return (w, r) => {
    for (;;) {
      stable[++round] = true
      const resolves = test(w, r)
      if (stable[round] === true) return resolves
    }
  }
}

function takesNull(r: AvroNode): boolean {
  return r.kind === 'null' || (r.kind === 'union' && r.branches.some((branch) => branch.kind === 'null'))
}

/** As `some`, but asks about every one. */
function anyOf(branches: readonly AvroNode[], holds: (branch: AvroNode) => boolean): boolean {
  let any = false
  for (const branch of branches) if (holds(branch)) any = true
  return any
}

/** Which field takes which, worked out once for each pair of records. */
function createFieldMatcher(): (w: RecordNode, r: RecordNode) => FieldMatch {
  const known = createPairMap<FieldMatch>()
  return (w, r) => {
    const before = known.get(w, r)
    if (before !== undefined) return before
    const found = matchFields(w, r)
    known.set(w, r, found)
    return found
  }
}

interface PairMap<T> {
  get(w: AvroNode, r: AvroNode): T | undefined
  set(w: AvroNode, r: AvroNode, value: T): void
}

/** Values by pairs of nodes. Nearly every writer node meets one reader node only, so that one is kept without a map. */
function createPairMap<T>(): PairMap<T> {
  interface Readers {
    readonly first: AvroNode
    value: T
    others: Map<AvroNode, T> | undefined
  }
  const writers = new Map<AvroNode, Readers>()
  return {
    get(w, r) {
      const readers = writers.get(w)
      return readers?.first === r ? readers.value : readers?.others?.get(r)
    },
    set(w, r, value) {
      const readers = writers.get(w)
      if (readers === undefined) writers.set(w, { first: r, value, others: undefined })
      else if (readers.first === r) readers.value = value
      else (readers.others ??= new Map<AvroNode, T>()).set(r, value)
    },
  }
}
