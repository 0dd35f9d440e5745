import type { AvroNode, RecordNode } from '../avro/model.ts'
import { isPlainUnion } from '../codec/defaults.ts'
import { branchName } from '../avro/model.ts'
import { quote } from './literal.ts'
import { short } from './names.ts'

/** Interfaces of a record's rows and of the records inside it, outermost first. */
export function interfacesOf(record: RecordNode): string {
  const done = new Set<string>()
  const texts: string[] = []
  const queue: RecordNode[] = [record]
  while (queue.length > 0) {
    const next = queue.shift()!
    if (done.has(next.name)) continue
    done.add(next.name)
    const lines = next.fields.map((field) => {
      queue.push(...recordsIn(field.type))
      const doc = field.doc === undefined ? '' : `  /** ${field.doc.replaceAll('*/', '* /')} */\n`
      return `${doc}${propertyOf(field.name, rowTypeOf(field.type))}`
    })
    const doc = next.doc === undefined ? '' : `/** ${next.doc.replaceAll('*/', '* /')} */\n`
    texts.push(`${doc}export interface ${short(next.name)} {\n${lines.join('')}}\n`)
  }
  return texts.join('\n')
}

/** One property; a union that is too long for a line gets a line for each branch. */
function propertyOf(name: string, type: string): string {
  const line = `  ${name}: ${type}\n`
  if (line.length <= 121 || !type.includes(' | ') || /[({]/.test(type)) return line
  const branches = type.split(' | ').map((branch) => `    | ${branch}\n`)
  return `  ${name}:\n${branches.join('')}`
}

function recordsIn(node: AvroNode): RecordNode[] {
  switch (node.kind) {
    case 'record':
      return [node]
    case 'array':
      return recordsIn(node.items)
    case 'map':
      return recordsIn(node.values)
    case 'union':
      return node.branches.flatMap(recordsIn)
    default:
      return []
  }
}

/** TypeScript type of a row value, as the row codec gives it. */
function rowTypeOf(node: AvroNode): string {
  switch (node.kind) {
    case 'null':
    case 'boolean':
    case 'string':
      return node.kind
    case 'int':
    case 'float':
    case 'double':
      return 'number'
    case 'long':
      return 'bigint'
    case 'bytes':
    case 'fixed':
      return node.logical === undefined || node.logical.name === 'duration' ? 'Uint8Array' : 'string'
    case 'enum':
      return node.symbols.map(quote).join(' | ')
    case 'array': {
      const item = rowTypeOf(node.items)
      return item.includes(' | ') ? `(${item})[]` : `${item}[]`
    }
    case 'map':
      return `Record<string, ${rowTypeOf(node.values)}>`
    case 'record':
      return short(node.name)
    case 'union': {
      const others = node.branches.filter((branch) => branch.kind !== 'null')
      const types = isPlainUnion(node)
        ? others.map(rowTypeOf)
        : others.map((branch) => `{ ${quote(branchName(branch))}: ${rowTypeOf(branch)} }`)
      return [...types, ...(others.length < node.branches.length ? ['null'] : [])].join(' | ')
    }
  }
}
