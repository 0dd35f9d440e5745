import type { AvroNode } from './model.ts'
import { need, readBlocks, readIndexInto, readLengthInto, returnNegative } from './source.ts'
import type { Exit, Tables } from './source.ts'

export interface SkipLimits {
  readonly maxItems: number
  readonly maxEmptyItems: number
  readonly maxDepth: number
}

/** Distinct places above which a type that is skipped in many of them is compiled once, under its first path. */
const maxFunctions = 500

/**
 * Generates code that passes over values the reader does not want, as strictly as if it read them. Records, arrays, maps
 * and unions get a function each, so that recursive types end and shared types do not multiply.
 */
export interface SkipEmitter {
  /** Statements that skip a value at `p`; `depth` is an expression for the containers around it. */
  skip(node: AvroNode, path: string, depth: string, exit: Exit): string
  /** The functions those statements call. */
  functions(): string
}

/** Fewest bytes a value takes. */
export function minimumBytes(node: AvroNode): number {
  switch (node.kind) {
    case 'null':
      return 0
    case 'float':
      return 4
    case 'double':
      return 8
    case 'fixed':
      return node.size
    case 'record':
      return node.fields.reduce((sum, field) => sum + minimumBytes(field.type), 0)
    default:
      return 1
  }
}

export function createSkipEmitter(tables: Tables, limits: SkipLimits): SkipEmitter {
  const sources: string[] = []
  const open = new Map<AvroNode, string>()
  const shared = new Map<AvroNode, string>()
  let count = 0

  const skip = (node: AvroNode, path: string, depth: string, exit: Exit): string => {
    switch (node.kind) {
      case 'null':
        return ''
      case 'boolean': {
        const invalid = exit.direct(tables.site('boolean_invalid', path, '0 or 1'))
        return `${need(tables, exit, path, 1)}if(s[p++]>1)${invalid}`
      }
      case 'int':
      case 'long': {
        const base = tables.site('truncated', path, node.kind)
        tables.site('varint_overflow', path, node.kind)
        return `p=${node.kind === 'int' ? 'readInt' : 'readLong'}(s,p,e,X,0);if(p<0)${exit.coded(base)}`
      }
      case 'float':
        return `${need(tables, exit, path, 4)}p+=4;`
      case 'double':
        return `${need(tables, exit, path, 8)}p+=8;`
      case 'fixed':
        return `${need(tables, exit, path, node.size)}p+=${node.size};`
      case 'bytes':
        return `${readLengthInto(tables, exit, path)}p+=t;`
      case 'string': {
        const invalid = exit.direct(tables.site('utf8_invalid', path, 'valid UTF-8'))
        return `${readLengthInto(tables, exit, path)}if(!isValidUtf8(s,p,p+t))${invalid}p+=t;`
      }
      case 'enum': {
        const expected = `an index below ${node.symbols.length}`
        const read = readIndexInto(tables, exit, path, expected, 'enum_index', 'enum_index')
        return `${read}if(t>=${node.symbols.length})${exit.direct(tables.site('enum_index', path, expected))}`
      }
      default:
        return `p=${functionFor(node, path)}(s,p,e,${depth});if(p<0)${exit.passed()}`
    }
  }

  const functionFor = (node: AvroNode, path: string): string => {
    const known = open.get(node) ?? (count > maxFunctions ? shared.get(node) : undefined)
    if (known !== undefined) return known
    const name = `s${count++}`
    open.set(node, name)
    shared.set(node, name)
    const body = bodyOf(node, path)
    open.delete(node)
    sources.push(`function ${name}(s,p,e,d){let t=0,h=0,x=0;${body}return p}`)
    return name
  }

  const enter = (path: string): string => {
    const id = tables.site('depth_exceeded', path, `at most ${limits.maxDepth} levels`)
    return `if(d>=${limits.maxDepth})${returnNegative.direct(id)}`
  }

  const bodyOf = (node: AvroNode, path: string): string => {
    const exit = returnNegative
    switch (node.kind) {
      case 'record': {
        const fields = node.fields.map((field) =>
          skip(field.type, path === '' ? field.name : `${path}.${field.name}`, 'd+1', exit),
        )
        return enter(path) + fields.join('')
      }
      case 'array':
      case 'map': {
        const isMap = node.kind === 'map'
        const value = isMap ? node.values : node.items
        const at = `${path}[]`
        const key = isMap ? skip({ kind: 'string' }, at, 'd+1', exit) : ''
        const item = `${key}${skip(value, at, 'd+1', exit)}`
        return (
          enter(path) +
          readBlocks(tables, exit, {
            path,
            minBytes: minimumBytes(value) + (isMap ? 1 : 0),
            maxItems: limits.maxItems,
            maxEmptyItems: limits.maxEmptyItems,
            suffix: '',
            prepare: '',
            loop: `for(h=t;h>0;h--){${item}}`,
          })
        )
      }
      case 'union': {
        const expected = `an index below ${node.branches.length}`
        const read = readIndexInto(tables, exit, path, expected, 'union_index', 'union_index')
        const branches = node.branches.map((branch, i) => `if(t===${i}){${skip(branch, path, 'd', exit)}}else `)
        return `${read}${branches.join('')}{${exit.direct(tables.site('union_index', path, expected))}}`
      }
      default:
        return skip(node, path, 'd', exit)
    }
  }

  return { skip, functions: () => sources.join('\n') }
}
