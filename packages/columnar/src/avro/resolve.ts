import type { ColumnNode, Layout } from '../builder/layout.ts'
import { ColumnarError } from '../errors.ts'
import type { SchemaProblem } from '../errors.ts'
import { defaultValue } from './defaults.ts'
import { describeNode } from './model.ts'
import type { AvroField, AvroNode, EnumNode, RecordNode, UnionNode } from './model.ts'
import type { Plan, Step } from './plan.ts'
import { branchesInOrder, isScalar, matchFields, sameName, scalarMismatch } from './resolution-rules.ts'

/** Nodes a plan may have: unions multiply what they hold, so a small schema could ask for a huge plan. */
const maxPlanNodes = 50_000

/**
 * Plans how data of `writer` becomes columns of `reader`, by the resolution rules of the Avro specification. Named types
 * match by their name without namespace or by alias. Of a reader union the first branch of the writer's kind is taken,
 * else the first it can be promoted to. Two logical types must be equal, a decimal may gain precision but never change
 * scale; where only one side has a logical type the base types decide, as in the specification.
 * Branches of a writer union that the reader cannot take are refused record by record, unless none can be taken.
 * @param layout columns of `schemaOfNode(reader)`
 * @throws {ColumnarError} AVRO_INCOMPATIBLE with every incompatible path in `problems`
 * @see https://avro.apache.org/docs/1.12.0/specification/#schema-resolution
 */
export function resolve(writer: AvroNode, reader: RecordNode, layout: Layout): readonly Step[] {
  let nodes = 0
  const problems: SchemaProblem[] = []

  const mismatch = (w: AvroNode, r: AvroNode, path: string, into: SchemaProblem[]): undefined => {
    into.push({ path, message: `${describeNode(w)} cannot be read as ${describeNode(r)}` })
    return undefined
  }

  const build = (
    w: AvroNode,
    r: AvroNode,
    column: ColumnNode,
    path: string,
    into: SchemaProblem[],
  ): Plan | undefined => {
    if (++nodes > maxPlanNodes) {
      throw new ColumnarError('AVRO_TOO_LARGE', `resolving the two schemas takes more than ${maxPlanNodes} steps`)
    }
    if (w.kind === 'union') return fromUnion(w, r, column, path, into)
    if (r.kind === 'union') return intoUnion(w, r, column, path, into)
    if (w.kind === 'null' && r.kind === 'null') return { op: 'null', column }
    if (w.kind === 'record' && r.kind === 'record' && sameName(w, r)) {
      const steps = buildFields(w, r, column.children, path, into)
      return steps && { op: 'struct', column, steps }
    }
    if (w.kind === 'array' && r.kind === 'array') {
      const item = build(w.items, r.items, column.children[0]!, `${path}[]`, into)
      return item && { op: 'list', column, item, writerItem: w.items }
    }
    if (w.kind === 'map' && r.kind === 'map') {
      const value = build(w.values, r.values, column.children[1]!, `${path}[]`, into)
      return value && { op: 'map', column, value, writerValue: w.values }
    }
    if (w.kind === 'enum' && r.kind === 'enum' && sameName(w, r)) return buildEnum(w, r, column)
    if (isScalar(w) && isScalar(r) && scalarMismatch(w, r) === undefined) return { op: 'scalar', column, writer: w }
    return mismatch(w, r, path, into)
  }

  const fromUnion = (w: UnionNode, r: AvroNode, column: ColumnNode, path: string, into: SchemaProblem[]) => {
    const found: SchemaProblem[] = []
    const branches = w.branches.map((branch) => build(branch, r, column, path, found))
    if (branches.some((branch) => branch !== undefined)) return { op: 'switch', column, branches } as const
    into.push(...found)
    return undefined
  }

  const intoUnion = (
    w: AvroNode,
    r: UnionNode,
    column: ColumnNode,
    path: string,
    into: SchemaProblem[],
  ): Plan | undefined => {
    const members = r.branches.filter((branch) => branch.kind !== 'null')
    if (w.kind === 'null' && members.length < r.branches.length) return { op: 'null', column }
    if (members.length === 1) return build(w, members[0]!, column, path, into)
    for (const candidate of branchesInOrder(w, r)) {
      if (candidate.kind === 'null') continue
      const member = members.indexOf(candidate)
      const plan = build(w, candidate, column.children[1 + member]!, `${path}.member${member}`, [])
      if (plan !== undefined) return { op: 'member', column, member, plan }
    }
    return mismatch(w, r, path, into)
  }

  const buildFields = (
    w: RecordNode,
    r: RecordNode,
    columns: readonly ColumnNode[],
    path: string,
    into: SchemaProblem[],
  ): readonly Step[] | undefined => {
    const before = into.length
    const { sources, clashes } = matchFields(w, r)
    for (const clash of clashes) {
      const names = clash.sources.map((source) => source.name).join(', ')
      into.push({
        path: join(path, clash.field.name),
        message: `the aliases match several fields of the writer: ${names}`,
      })
    }
    const target = new Map<AvroField, number>()
    r.fields.forEach((field, index) => {
      const source = sources.get(field)
      if (source !== undefined) target.set(source, index)
    })
    const steps: Step[] = []
    for (const field of w.fields) {
      const index = target.get(field)
      if (index === undefined) {
        steps.push({ path: join(path, field.name), plan: { op: 'skip', writer: field.type } })
        continue
      }
      const at = join(path, r.fields[index]!.name)
      const plan = build(field.type, r.fields[index]!.type, columns[index]!, at, into)
      if (plan !== undefined) steps.push({ path: at, plan })
    }
    const written = new Set(target.values())
    r.fields.forEach((field, index) => {
      if (written.has(index)) return
      const at = join(path, field.name)
      if (!field.hasDefault) {
        into.push({ path: at, message: 'the writer has no such field and the reader gives no default' })
        return
      }
      const value = defaultValue(field.type, field.default, at)
      const column = columns[index]!
      steps.push({ path: at, plan: value === null ? { op: 'null', column } : { op: 'default', column, value } })
    })
    return into.length > before ? undefined : steps
  }

  const steps =
    writer.kind === 'record' && sameName(writer, reader)
      ? buildFields(writer, reader, layout.roots, '', problems)
      : mismatch(writer, reader, '', problems)
  if (steps === undefined) {
    const lines = problems.map(({ path, message }) => `${path === '' ? 'root' : path}: ${message}`)
    throw new ColumnarError(
      'AVRO_INCOMPATIBLE',
      `the reader schema cannot read the writer schema: ${lines.join('; ')}`,
      {
        problems,
      },
    )
  }
  return steps
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}

function buildEnum(writer: EnumNode, reader: EnumNode, column: ColumnNode): Plan {
  const fallback = reader.default === undefined ? -1 : reader.symbols.indexOf(reader.default)
  const indexOf = new Map(reader.symbols.map((symbol, i) => [symbol, i]))
  const symbols = Int32Array.from(writer.symbols, (symbol) => indexOf.get(symbol) ?? fallback)
  return { op: 'enum', column, writer, symbols }
}
