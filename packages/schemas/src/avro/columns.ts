import type { DataType, Field, Schema } from '@sluice/columnar'
import { SchemaError } from '../errors.ts'
import type { AvroNode, RecordNode } from './model.ts'

/** Gives the stable Parquet id of a field by its path, e.g. `lines.element.price`. */
export type FieldIdOf = (path: string) => number | undefined

/** Column types of a record. Recursive schemas and unions of several types have no column type here. */
export function recordToSchema(record: RecordNode, idOf: FieldIdOf = () => undefined): Schema {
  return { fields: recordFields(record, '', idOf, new Set([record])) }
}

function recordFields(record: RecordNode, path: string, idOf: FieldIdOf, open: Set<AvroNode>): Field[] {
  return record.fields.map((field) => toField(field.name, field.type, join(path, field.name), idOf, open))
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}

function toField(name: string, node: AvroNode, path: string, idOf: FieldIdOf, open: Set<AvroNode>): Field {
  let type = node
  let nullable = node.kind === 'null'
  if (node.kind === 'union') {
    const others = node.branches.filter((branch) => branch.kind !== 'null')
    if (others.length > 1) {
      throw new SchemaError('SCHEMA_INVALID', `${path} is a union of several types, which has no column type`, {
        path,
        expected: 'one type, or one type and null',
      })
    }
    nullable = others.length < node.branches.length
    type = others[0] ?? { kind: 'null' }
  }
  const id = idOf(path)
  return { name, type: toType(type, path, idOf, open), nullable, ...(id === undefined ? {} : { fieldId: id }) }
}

function toType(node: AvroNode, path: string, idOf: FieldIdOf, open: Set<AvroNode>): DataType {
  switch (node.kind) {
    case 'array':
      return { kind: 'list', item: toField('element', node.items, `${path}.element`, idOf, open) }
    case 'map':
      return { kind: 'map', value: toField('value', node.values, `${path}.value`, idOf, open) }
    case 'record': {
      if (open.has(node)) {
        throw new SchemaError('SCHEMA_INVALID', `${path} contains its own record ${node.name}; columns need an end`, {
          path,
          expected: 'a schema without recursion',
        })
      }
      return { kind: 'struct', fields: recordFields(node, path, idOf, new Set([...open, node])) }
    }
    case 'enum':
      return { kind: 'enum', symbols: node.symbols }
    case 'union':
      throw new SchemaError('SCHEMA_INVALID', `${path} is a union inside a union`, { path })
    case 'fixed':
    case 'bytes':
      if (node.logical?.name === 'decimal') {
        return { kind: 'decimal', precision: node.logical.precision, scale: node.logical.scale }
      }
      if (node.logical?.name === 'uuid') return { kind: 'uuid' }
      return node.kind === 'fixed' ? { kind: 'fixed', size: node.size } : { kind: 'binary' }
    case 'string':
      return node.logical?.name === 'uuid' ? { kind: 'uuid' } : { kind: 'utf8' }
    case 'int':
      if (node.logical?.name === 'date') return { kind: 'date' }
      return node.logical?.name === 'time-millis' ? { kind: 'time', unit: 'milli' } : { kind: 'int32' }
    case 'long':
      return longType(node.logical?.name)
    case 'float':
      return { kind: 'float32' }
    case 'double':
      return { kind: 'float64' }
    default:
      return { kind: node.kind }
  }
}

function longType(logical: string | undefined): DataType {
  const match = /^(local-)?timestamp-(milli|micro|nano)s$/.exec(logical ?? '')
  if (match !== null) {
    return { kind: 'timestamp', unit: match[2] as 'milli' | 'micro' | 'nano', utc: match[1] === undefined }
  }
  return logical === 'time-micros' ? { kind: 'time', unit: 'micro' } : { kind: 'int64' }
}
