import type { CompatibilityMode } from '../compatibility/check-compatibility.ts'
import type { AvroSchema } from '../contract.ts'

export interface RegisteredSchema {
  readonly id: number
  /** Parsed JSON or JSON text, as it was registered. */
  readonly schema: AvroSchema
  /** Subjects it is registered under; a consumer checks them against its topic (RELIABILITY input 5). */
  readonly subjects: readonly string[]
  /** What kind of schema it is, where the registry holds several: `AVRO` when absent, else `JSON`, `PROTOBUF`, ... */
  readonly schemaType?: string
}

export interface SubjectVersion {
  readonly id: number
  /** From 1, in order of registration under the subject; a registry that lets versions be deleted has gaps. */
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
   * @throws {SchemaError} REGISTRY_UNAVAILABLE, REGISTRY_DENIED, REGISTRY_CORRUPT
   */
  getById(id: number, signal?: AbortSignal): Promise<RegisteredSchema | undefined>
  /**
   * Registers a schema under a subject. The same schema has the same id everywhere; a repeat changes nothing.
   * @throws {SchemaError} SCHEMA_INVALID, SCHEMA_TOO_LARGE, REGISTRY_REFUSED when the subject's compatibility mode forbids
   *   it, REGISTRY_UNAVAILABLE, REGISTRY_DENIED, REGISTRY_CORRUPT
   */
  register(subject: string, schema: AvroSchema, signal?: AbortSignal): Promise<number>
  /** Newest version of a subject, or `undefined` when nothing is registered under it. */
  latest(subject: string, signal?: AbortSignal): Promise<SubjectVersion | undefined>
}

/** What a registry says about a schema that is not registered yet. */
export interface RegistryVerdict {
  readonly compatible: boolean
  /** Reasons in the registry's own words; may be empty even when it refuses. */
  readonly messages: readonly string[]
}

/** A registry with what people and CI need besides a pipeline. */
export interface ManagedRegistry extends SchemaRegistry {
  /** Every subject, in no promised order. */
  subjects(signal?: AbortSignal): Promise<readonly string[]>
  /** Every version of a subject, ascending; empty when nothing is registered under it. */
  versions(subject: string, signal?: AbortSignal): Promise<readonly SubjectVersion[]>
  /** The mode the registry holds new versions of the subject to. */
  mode(subject: string, signal?: AbortSignal): Promise<CompatibilityMode>
  setMode(subject: string, mode: CompatibilityMode, signal?: AbortSignal): Promise<void>
  /** Whether the registry would take the schema as the next version of the subject. Changes nothing. */
  accepts(subject: string, schema: AvroSchema, signal?: AbortSignal): Promise<RegistryVerdict>
}

/** A registry that answers from memory where it can: what asks it needs no memory of its own. */
export interface RememberingRegistry extends SchemaRegistry {
  /**
   * As `getById`, but asks again when the last answer is older than `maxAgeMs`: the schema of an id cannot have changed,
   * but it may be registered under more subjects by now.
   * @throws {SchemaError} as `getById`; REGISTRY_CORRUPT when the id has another schema than before (fault 43)
   */
  refresh(id: number, maxAgeMs: number, signal?: AbortSignal): Promise<RegisteredSchema | undefined>
  /** Calls made for ids so far; what was answered from memory is not among them. */
  readonly lookups: number
}
