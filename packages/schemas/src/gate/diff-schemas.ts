import { describeNode, type AvroNode, type RecordNode } from '@sluice/columnar/avro'
import { parseSchema } from '../avro/model.ts'
import type { AvroSchema } from '../contract.ts'

export type SchemaChangeKind =
  | 'field-added'
  | 'field-removed'
  | 'field-renamed'
  | 'field-moved'
  | 'type-changed'
  | 'default-changed'
  | 'symbol-added'
  | 'symbol-removed'
  | 'doc-changed'

/** One difference between two schemas, by the names people use; whether it breaks anybody is another question. */
export interface SchemaChange {
  readonly kind: SchemaChangeKind
  readonly path: string
  readonly before?: string
  readonly after?: string
}

/** What changed from one schema to the next, in the order of the later one. Ends on recursive schemas. */
export function diffSchemas(before: AvroSchema, after: AvroSchema): SchemaChange[] {
  const changes: SchemaChange[] = []
  const seen = new Map<AvroNode, Set<AvroNode>>()

  const visit = (a: AvroNode, b: AvroNode, path: string): void => {
    if (seen.get(a)?.has(b)) return
    seen.set(a, (seen.get(a) ?? new Set<AvroNode>()).add(b))
    const [from, to] = [shape(a), shape(b)]
    if (from !== to) changes.push({ kind: 'type-changed', path, before: from, after: to })
    const [inA, inB] = [members(a), members(b)]
    for (const [i, node] of inB.entries()) {
      const other =
        inA.find((candidate) => sameKind(candidate, node)) ?? (inA.length === inB.length ? inA[i] : undefined)
      if (other !== undefined) compound(other, node, path)
    }
  }

  const compound = (a: AvroNode, b: AvroNode, path: string): void => {
    if (a.kind === 'array' && b.kind === 'array') visit(a.items, b.items, `${path}[]`)
    else if (a.kind === 'map' && b.kind === 'map') visit(a.values, b.values, `${path}[]`)
    else if (a.kind === 'enum' && b.kind === 'enum') {
      for (const symbol of b.symbols) {
        if (!a.symbols.includes(symbol)) changes.push({ kind: 'symbol-added', path, after: symbol })
      }
      for (const symbol of a.symbols) {
        if (!b.symbols.includes(symbol)) changes.push({ kind: 'symbol-removed', path, before: symbol })
      }
      if (a.default !== b.default) {
        changes.push({ kind: 'default-changed', path, ...texts(a.default, b.default) })
      }
    } else if (a.kind === 'record' && b.kind === 'record') fields(a, b, path)
  }

  const fields = (a: RecordNode, b: RecordNode, path: string): void => {
    const left = new Set(a.fields)
    const pairs = b.fields.map((field) => {
      const same = a.fields.find(({ name }) => name === field.name)
      const former = same ?? a.fields.find(({ name }) => field.aliases.includes(name))
      if (former !== undefined) left.delete(former)
      return { field, former }
    })
    for (const { field, former } of pairs) {
      const at = join(path, field.name)
      if (former === undefined) {
        changes.push({ kind: 'field-added', path: at, after: describeField(field) })
        continue
      }
      if (former.name !== field.name) {
        changes.push({ kind: 'field-renamed', path: at, before: former.name, after: field.name })
      }
      visit(former.type, field.type, at)
      const [was, is] = [defaultText(former), defaultText(field)]
      if (was !== is) changes.push({ kind: 'default-changed', path: at, ...texts(was, is) })
    }
    for (const field of left) {
      changes.push({ kind: 'field-removed', path: join(path, field.name), before: describeField(field) })
    }
    const kept = pairs.map(({ former }) => former).filter((former) => former !== undefined)
    kept.forEach((former, i) => {
      const before = a.fields.indexOf(former)
      if (i > 0 && before < a.fields.indexOf(kept[i - 1]!)) {
        changes.push({ kind: 'field-moved', path: join(path, former.name) })
      }
    })
  }

  visit(parseSchema(before), parseSchema(after), '')
  return [...changes, ...docChanges(before, after)]
}

/** Type as far as the differences below it are not told on their own. */
function shape(node: AvroNode): string {
  if (node.kind === 'union') return `union of ${node.branches.map(shape).join(', ')}`
  if (node.kind === 'array') return 'array'
  if (node.kind === 'map') return 'map'
  return describeNode(node)
}

function members(node: AvroNode): readonly AvroNode[] {
  return node.kind === 'union' ? node.branches.filter((branch) => branch.kind !== 'null') : [node]
}

function sameKind(a: AvroNode, b: AvroNode): boolean {
  return a.kind === b.kind && (!('name' in a && 'name' in b) || a.name === b.name)
}

type FieldOf = RecordNode['fields'][number]

function describeField(field: FieldOf): string {
  const value = defaultText(field)
  const type = field.type.kind === 'array' ? `array of ${shape(field.type.items)}` : shape(field.type)
  return value === undefined ? type : `${type} = ${value}`
}

function defaultText(field: FieldOf): string | undefined {
  return field.hasDefault ? JSON.stringify(field.default) : undefined
}

function texts(before: string | undefined, after: string | undefined): { before?: string; after?: string } {
  return { ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) }
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}

/** Documentation is not part of the parsed schema: it is compared as written, field by field. */
function docChanges(before: AvroSchema, after: AvroSchema): SchemaChange[] {
  const [was, is] = [docsOf(before), docsOf(after)]
  return [...is].flatMap(([path, doc]): SchemaChange[] =>
    was.has(path) && was.get(path) !== doc
      ? [{ kind: 'doc-changed', path, ...texts(was.get(path) || undefined, doc || undefined) }]
      : [],
  )
}

function docsOf(schema: AvroSchema): Map<string, string> {
  const docs = new Map<string, string>()
  const visit = (json: unknown, path: string): void => {
    if (Array.isArray(json)) return json.forEach((branch) => visit(branch, path))
    if (typeof json !== 'object' || json === null) return
    const node = json as Record<string, unknown>
    if (typeof node['type'] === 'object') visit(node['type'], path)
    if ('items' in node) visit(node['items'], `${path}[]`)
    if ('values' in node) visit(node['values'], `${path}[]`)
    if (!Array.isArray(node['fields'])) return
    for (const field of node['fields'] as Record<string, unknown>[]) {
      const at = join(path, String(field['name']))
      docs.set(at, typeof field['doc'] === 'string' ? field['doc'] : '')
      visit(field['type'], at)
    }
  }
  const json: unknown = typeof schema === 'string' && /^\s*[{["]/.test(schema) ? JSON.parse(schema) : schema
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) {
    const { doc } = json as Record<string, unknown>
    docs.set('', typeof doc === 'string' ? doc : '')
  }
  visit(json, '')
  return docs
}
