import type { AvroSchema } from '../contract.ts'

export interface RegisteredSchema {
  readonly id: number
  readonly schema: AvroSchema
  /** Subjects it is registered under; a consumer checks them against its topic (RELIABILITY input 5). */
  readonly subjects: readonly string[]
}

export interface SubjectVersion {
  readonly id: number
  /** From 1, in order of registration under the subject. */
  readonly version: number
  readonly schema: AvroSchema
}

/**
 * Where schema ids come from. Two answers must never be confused (RELIABILITY faults 39 to 41): an id that the registry
 * does not know is `undefined` and may become a dead letter; a registry that cannot be asked throws and must not.
 */
export interface SchemaRegistry {
  /**
   * @returns the schema, or `undefined` when the registry answered that the id does not exist
   * @throws {SchemaError} REGISTRY_UNAVAILABLE, REGISTRY_CORRUPT
   */
  getById(id: number, signal?: AbortSignal): Promise<RegisteredSchema | undefined>
  /**
   * Registers a schema under a subject. The same schema has the same id everywhere; a repeat changes nothing.
   * @throws {SchemaError} SCHEMA_INVALID, SCHEMA_TOO_LARGE, REGISTRY_UNAVAILABLE, REGISTRY_CORRUPT
   */
  register(subject: string, schema: AvroSchema, signal?: AbortSignal): Promise<number>
  /** Newest version of a subject, or `undefined` when nothing is registered under it. */
  latest(subject: string, signal?: AbortSignal): Promise<SubjectVersion | undefined>
}
