import { ColumnarError } from '../errors.ts'
import type { DataType, Field, Schema } from '../types.ts'
import { avroLimits } from './model.ts'
import type { AvroLimits, AvroNode, FixedNode, PrimitiveNode, RecordNode } from './model.ts'
import { parseAvro } from './parse.ts'
import type { AvroSource } from './parse.ts'

/**
 * The columns of an Avro record schema. A union of one type and null is that type, nullable. A union of several types
 * is a struct of an int32 `tag` and one nullable `member<i>` per type in order (null not counted): exactly member `tag`
 * is present; the struct is nullable when null is a branch. `duration` is `fixed(12)`.
 * @throws {ColumnarError} AVRO_UNSUPPORTED for a recursive schema, a root that is no record, a decimal over 38 digits;
 *   AVRO_TOO_LARGE for more columns than the limit; and what `parseAvro` throws
 */
export function avroToSchema(avro: AvroSource, limits?: Partial<AvroLimits>): Schema {
  return schemaOfNode(parseAvro(avro, limits), limits)
}

/** `avroToSchema` for a vetted schema. */
export function schemaOfNode(root: AvroNode, limits?: Partial<AvroLimits>): Schema {
  if (root.kind !== 'record') {
    throw new ColumnarError('AVRO_UNSUPPORTED', `columns come from a record; the root of this schema is ${root.kind}`)
  }
  const maxColumns = limits?.maxColumns ?? avroLimits.maxColumns
  const open = new Set<RecordNode>()
  let columns = 0

  const fieldsOf = (record: RecordNode, path: string): Field[] => {
    if (open.has(record)) {
      throw new ColumnarError(
        'AVRO_UNSUPPORTED',
        `${path} contains its own record ${record.name}; columns need an end: flatten it, or store it as bytes`,
      )
    }
    open.add(record)
    const fields = record.fields.map((field) =>
      toField(field.name, field.type, path === '' ? field.name : `${path}.${field.name}`),
    )
    open.delete(record)
    return fields
  }

  const toField = (name: string, node: AvroNode, path: string): Field => {
    if (++columns > maxColumns) {
      throw new ColumnarError('AVRO_TOO_LARGE', `the schema has more than ${maxColumns} columns once expanded`)
    }
    if (node.kind !== 'union') return { name, type: toType(node, path), nullable: node.kind === 'null' }
    const members = node.branches.filter((branch) => branch.kind !== 'null')
    const nullable = members.length < node.branches.length
    if (members.length === 0) return { name, type: { kind: 'null' }, nullable: true }
    if (members.length === 1) return { name, type: toType(members[0]!, path), nullable }
    const tag: Field = { name: 'tag', type: { kind: 'int32' }, nullable: false }
    const fields = members.map((member, i) => ({
      ...toField(`member${i}`, member, `${path}.member${i}`),
      nullable: true,
    }))
    return { name, type: { kind: 'struct', fields: [tag, ...fields] }, nullable }
  }

  const toType = (node: AvroNode, path: string): DataType => {
    switch (node.kind) {
      case 'array':
        return { kind: 'list', item: toField('element', node.items, `${path}[]`) }
      case 'map':
        return { kind: 'map', value: toField('value', node.values, `${path}[]`) }
      case 'record':
        return { kind: 'struct', fields: fieldsOf(node, path) }
      case 'enum':
        return { kind: 'enum', symbols: node.symbols }
      case 'union':
        throw new ColumnarError('AVRO_INVALID', `${path} is a union inside a union`)
      default:
        return scalarType(node, path)
    }
  }

  return { fields: fieldsOf(root, '') }
}

function scalarType(node: PrimitiveNode | FixedNode, path: string): DataType {
  const { logical } = node
  if (logical?.name === 'decimal') {
    if (logical.precision > 38) {
      throw new ColumnarError(
        'AVRO_UNSUPPORTED',
        `${path} is a decimal of ${logical.precision} digits; columns hold 38`,
      )
    }
    return { kind: 'decimal', precision: logical.precision, scale: logical.scale }
  }
  switch (node.kind) {
    case 'fixed':
      return logical?.name === 'uuid' ? { kind: 'uuid' } : { kind: 'fixed', size: node.size }
    case 'string':
      return logical?.name === 'uuid' ? { kind: 'uuid' } : { kind: 'utf8' }
    case 'bytes':
      return { kind: 'binary' }
    case 'int':
      if (logical?.name === 'date') return { kind: 'date' }
      return logical?.name === 'time-millis' ? { kind: 'time', unit: 'milli' } : { kind: 'int32' }
    case 'long': {
      const timestamp = /^(local-)?timestamp-(milli|micro|nano)s$/.exec(logical?.name ?? '')
      if (timestamp !== null) {
        const unit = timestamp[2] as 'milli' | 'micro' | 'nano'
        return { kind: 'timestamp', unit, utc: timestamp[1] === undefined }
      }
      return logical?.name === 'time-micros' ? { kind: 'time', unit: 'micro' } : { kind: 'int64' }
    }
    case 'float':
      return { kind: 'float32' }
    case 'double':
      return { kind: 'float64' }
    default:
      return { kind: node.kind }
  }
}
