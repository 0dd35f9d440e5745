import { avroToSchema, type DataType, type Field, type Schema } from '@sluice/columnar'
import type { Contract } from '../contract.ts'
import { firstLineageId } from './field-ids.ts'

/** Columns of the contract's latest schema, in schema order, with the stable field ids of `contract.fieldIds`. */
export function arrowSchemaOf(contract: Contract): Schema {
  const ids = new Map(Object.entries(contract.fieldIds))
  const { fields } = avroToSchema(contract.schema as object)
  return { fields: fields.map((field) => withIds(field, field.name, ids)) }
}

/** Ids by path, as `assignFieldIds` names them: struct members by name, list items `element`, maps `key` and `value`. */
function withIds(field: Field, path: string, ids: ReadonlyMap<string, number>): Field {
  const fieldId = ids.get(path)
  return { ...field, type: typeWithIds(field.type, path, ids), ...(fieldId === undefined ? {} : { fieldId }) }
}

function typeWithIds(type: DataType, path: string, ids: ReadonlyMap<string, number>): DataType {
  switch (type.kind) {
    case 'list':
      return { kind: 'list', item: withIds(type.item, `${path}.element`, ids) }
    case 'map': {
      const keyFieldId = ids.get(`${path}.key`)
      const value = withIds(type.value, `${path}.value`, ids)
      return { kind: 'map', value, ...(keyFieldId === undefined ? {} : { keyFieldId }) }
    }
    case 'struct':
      return { kind: 'struct', fields: type.fields.map((field) => withIds(field, `${path}.${field.name}`, ids)) }
    default:
      return type
  }
}

/** Columns that ingestion puts behind the contract's own: where a row came from. Their ids are the same in all tables. */
export const lineageFields: readonly Field[] = Object.freeze([
  { name: '_topic', type: { kind: 'utf8' }, nullable: false, fieldId: firstLineageId + 1 },
  { name: '_partition', type: { kind: 'int32' }, nullable: false, fieldId: firstLineageId + 2 },
  { name: '_offset', type: { kind: 'int64' }, nullable: false, fieldId: firstLineageId + 3 },
  {
    name: '_timestamp',
    type: { kind: 'timestamp', unit: 'milli', utc: true },
    nullable: true,
    fieldId: firstLineageId + 4,
  },
  {
    name: '_ingested_at',
    type: { kind: 'timestamp', unit: 'milli', utc: true },
    nullable: false,
    fieldId: firstLineageId + 5,
  },
  { name: '_schema_id', type: { kind: 'int32' }, nullable: true, fieldId: firstLineageId + 6 },
] satisfies Field[])
