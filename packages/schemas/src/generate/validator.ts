import type { AvroNode, RecordNode } from '../avro/model.ts'
import { withoutNull } from '../contracts/field-path.ts'
import { quote } from './literal.ts'

/** Source of the zod validator of a record's types. */
export function validatorOf(record: RecordNode, indent = ''): string {
  const fields = record.fields.map((field) => `${indent}  ${field.name}: ${typeOf(field.type, `${indent}  `)},\n`)
  return `z.strictObject({\n${fields.join('')}${indent}})`
}

function typeOf(node: AvroNode, indent: string): string {
  switch (node.kind) {
    case 'null':
      return 'z.null()'
    case 'boolean':
      return 'z.boolean()'
    case 'int':
      return 'z.int32()'
    case 'long':
      return 'z.int64()'
    case 'float':
    case 'double':
      return 'rowType.double()'
    case 'string':
      return node.logical === undefined ? 'rowType.text()' : 'rowType.uuid()'
    case 'bytes':
    case 'fixed':
      if (node.logical?.name === 'decimal') return `rowType.decimal(${node.logical.precision}, ${node.logical.scale})`
      if (node.logical !== undefined) return 'rowType.uuid()'
      return node.kind === 'fixed' ? `rowType.bytes(${node.size})` : 'rowType.bytes()'
    case 'enum':
      return `z.enum([${node.symbols.map(quote).join(', ')}])`
    case 'array':
      return `z.array(${typeOf(node.items, indent)})`
    case 'map':
      return `rowType.map(${typeOf(node.values, indent)})`
    case 'record':
      return validatorOf(node, indent)
    case 'union': {
      const inner = withoutNull(node)!
      return inner.nullable ? `${typeOf(inner.node, indent)}.nullable()` : typeOf(inner.node, indent)
    }
  }
}
