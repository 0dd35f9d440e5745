import type { Field, Schema } from '@sluice/columnar'
import { recordToSchema } from '../avro/columns.ts'
import type { Contract } from '../contract.ts'
import { firstLineageId } from './field-ids.ts'
import { recordOf } from './record.ts'

/** Columns of the contract's latest schema, in schema order, with the stable field ids of `contract.fieldIds`. */
export function arrowSchemaOf(contract: Contract): Schema {
  const { fieldIds } = contract
  const idOf = (path: string): number | undefined => (Object.hasOwn(fieldIds, path) ? fieldIds[path] : undefined)
  return recordToSchema(recordOf(contract.schema, contract.name), idOf)
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
