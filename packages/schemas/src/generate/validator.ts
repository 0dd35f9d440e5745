import type { AvroNode, RecordNode } from '../avro/model.ts'
import { withoutNull } from '../contracts/field-path.ts'
import { literal } from './literal.ts'

/** Source of the zod validator of a record's types. */
export function validatorOf(record: RecordNode, indent = ''): string {
  const fields = record.fields.map(
    (field) =>
      `${indent}  ${field.name}: ${typeOf(field.type, `${indent}  `, indent.length + field.name.length + 4)},\n`,
  )
  return `z.strictObject({\n${fields.join('')}${indent}})`
}

/** A call around source that may have several lines. */
function call(name: string, inner: (indent: string) => string, indent: string): string {
  const text = inner(indent)
  return text.includes('\n') ? `${name}(\n${indent}  ${inner(`${indent}  `)},\n${indent})` : `${name}(${text})`
}

/** `column` is where the source starts, for breaking long lines. */
function typeOf(node: AvroNode, indent: string, column: number): string {
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
      if (node.logical?.name === 'uuid') return 'rowType.uuid()'
      return node.kind === 'fixed' ? `rowType.bytes(${node.size})` : 'rowType.bytes()'
    case 'enum':
      return `z.enum(${literal(node.symbols, indent, column + 9)})`
    case 'array':
      return call('z.array', (inner) => typeOf(node.items, inner, column + 8), indent)
    case 'map':
      return call('rowType.map', (inner) => typeOf(node.values, inner, column + 12), indent)
    case 'record':
      return validatorOf(node, indent)
    case 'union': {
      const only = withoutNull(node)!
      const source = (inner: string): string => typeOf(only.node, inner, column)
      if (!only.nullable) return source(indent)
      const text = source(indent)
      return text.includes('\n') ? call('z.nullable', source, indent) : `${text}.nullable()`
    }
  }
}
