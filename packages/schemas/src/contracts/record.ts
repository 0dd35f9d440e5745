import { parseSchema, type RecordNode } from '../avro/model.ts'
import type { AvroSchema } from '../contract.ts'
import { SchemaError } from '../errors.ts'

/** The record of a contract's schema. @throws {SchemaError} CONTRACT_INVALID when it is something else */
export function recordOf(schema: AvroSchema, where: string): RecordNode {
  const node = parseSchema(schema)
  if (node.kind !== 'record')
    throw new SchemaError('CONTRACT_INVALID', `${where}: the schema of a contract is a record`)
  return node
}
