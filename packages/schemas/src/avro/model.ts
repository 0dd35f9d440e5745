import { ColumnarError, type ColumnarErrorCode } from '@sluice/columnar'
import { avroLimits, parseAvro, type AvroLimits, type AvroNode } from '@sluice/columnar/avro'
import type { AvroSchema } from '../contract.ts'
import { SchemaError, type SchemaErrorCode } from '../errors.ts'

export type {
  AvroField as RecordField,
  AvroNode,
  EnumNode,
  FixedNode,
  Logical,
  PrimitiveNode,
  RecordNode,
  UnionNode,
} from '@sluice/columnar/avro'

/** Caps on a schema, checked before it is parsed (RELIABILITY input 11). */
export type SchemaLimits = Omit<AvroLimits, 'maxColumns'>

const { maxColumns: _columns, ...limits } = avroLimits
export const defaultSchemaLimits: SchemaLimits = Object.freeze(limits)

const codes: Partial<Record<ColumnarErrorCode, SchemaErrorCode>> = {
  AVRO_INVALID: 'SCHEMA_INVALID',
  AVRO_TOO_LARGE: 'SCHEMA_TOO_LARGE',
  AVRO_NAMES_CLASH: 'SCHEMA_NAMES_CLASH',
}

/** Name of a union branch, as in Avro's JSON encoding: full name of a named type, else the kind. */
export function branchName(node: AvroNode): string {
  return 'name' in node ? node.name : node.kind
}

/**
 * Parses a schema, given as JSON text or as parsed JSON, into a graph of nodes: `parseAvro` of `@sluice/columnar`, which
 * every reader here uses, with the errors of this package. Default values are kept as written.
 * @throws {SchemaError} SCHEMA_TOO_LARGE before any parsing, SCHEMA_INVALID and SCHEMA_NAMES_CLASH with the path
 */
export function parseSchema(schema: AvroSchema, limits: Partial<SchemaLimits> = {}): AvroNode {
  try {
    return parseAvro(schema, limits)
  } catch (error) {
    throw asSchemaError(error)
  }
}

/** The error of this package for one about a schema from `@sluice/columnar`; any other as it is. */
export function asSchemaError(error: unknown): unknown {
  const code = error instanceof ColumnarError ? codes[error.code] : undefined
  if (!(error instanceof ColumnarError) || code === undefined) return error
  const problem = error.problems[0]
  const details = problem === undefined ? {} : { path: problem.path, expected: problem.message }
  return new SchemaError(code, error.message, { ...details, cause: error })
}
