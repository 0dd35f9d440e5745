import type { Derivation } from './derive/steps.ts'

/**
 * A contract: everything the rest of the house needs to know about one event type, written once.
 * The schema is Avro (`contracts/<domain>/<Event>/v<N>.avsc`, released files never change); the rest is the small
 * `contract.json` beside it. Types, validators, DDL, Parquet schemas and docs are derived from this object.
 */

/** Personal-data class of a field. Fields that are not listed hold no personal data. */
export type PiiClass = 'direct' | 'quasi' | 'sensitive'

/** How partition folders are derived from a row. `value` takes a field as it is; the others truncate event time, UTC. */
export type PartitionTransform = 'value' | 'year' | 'month' | 'day' | 'hour'

export interface PartitionField {
  /** Field the value is taken from. */
  readonly field: string
  readonly transform: PartitionTransform
  /** Name of the folder key: `date` in `date=2026-11-21`. */
  readonly as: string
}

/**
 * A check on one row beyond its types. All parts given must hold; a missing (null) field passes unless `required`.
 * Compiled to columnar predicates (in flight), SQL (at rest) and zod.
 */
export interface Rule {
  /** snake_case, unique within the contract; a broken rule is dead-lettered with code `rule_<name>`. */
  readonly name: string
  /** Dotted path of the field the rule is about; `lines[].price` is that field of every item of the list `lines`. */
  readonly field: string
  /** Bounds of numbers and decimals, by value. NaN is outside of all bounds. */
  readonly min?: number
  readonly max?: number
  readonly exclusiveMin?: number
  /** For strings and enums. */
  readonly oneOf?: readonly string[]
  /** Lengths: code points of a string, bytes of bytes, items of a list or map. */
  readonly minLength?: number
  readonly maxLength?: number
  /**
   * JavaScript regular expression, anchored by the author, for strings. Contracts are code: never from a tenant.
   * Limited to what JavaScript, RE2 and PostgreSQL read alike: literals, classes, groups, `|`, quantifiers, `^` and `$`.
   */
  readonly pattern?: string
  /** The number, decimal, date or time must be >= this other field of the same type (null on either side passes). */
  readonly notBefore?: string
  /** The field must be present. */
  readonly required?: boolean
  /** The rule applies only to rows whose enum or string fields have one of the given values. */
  readonly when?: Readonly<Record<string, readonly string[]>>
}

/** What to do with a record whose value is null (RELIABILITY input 1): chosen per contract, never implied. `delete` needs a sink that can. */
export type TombstonePolicy = 'dead-letter' | 'skip' | 'delete'

/** Avro schema as parsed JSON. */
export type AvroSchema =
  string | AvroSchema[] | { readonly type: string | AvroSchema | object; readonly [key: string]: unknown }

export interface Contract {
  /** `<domain>.<Event>`, e.g. `bakery.SalesEvent`. */
  readonly name: string
  readonly domain: string
  readonly event: string
  readonly description: string
  /** Kafka topic, e.g. `bakery.sales_events`. */
  readonly topic: string
  /** snake_case table name, e.g. `sales_events`. */
  readonly table: string
  /** Encoding of record values on the topic: Confluent-framed Avro, or plain JSON. */
  readonly format: 'avro' | 'json'
  /** Registry subject: `<topic>-value`. */
  readonly subject: string
  /** Released versions, ascending; the last one is the reader schema. */
  readonly versions: readonly { readonly version: number; readonly schema: AvroSchema }[]
  /** Latest schema. */
  readonly schema: AvroSchema
  /** Business key, field names in order; also the Kafka message key. */
  readonly key: readonly string[]
  /** Field that identifies one event, when there is one (duplicates share it). */
  readonly id?: string
  /** Timestamp field that says when the event happened. */
  readonly eventTime: string
  /** Unit of `eventTime` since epoch, UTC: taken from its logical type, or stated for a plain long. */
  readonly eventTimeUnit: 'milli' | 'micro'
  /** How far behind the newest event time of its partition a record may be before it goes to the late table, ms. */
  readonly latenessMs: number
  readonly tombstones: TombstonePolicy
  readonly partitionBy: readonly PartitionField[]
  readonly rules: readonly Rule[]
  /** Dotted field path to class. */
  readonly pii: Readonly<Record<string, PiiClass>>
  /** Stable Parquet and Iceberg field ids by path (`lines.element.price`), from `field-ids.json`, which only grows. */
  readonly fieldIds: Readonly<Record<string, number>>
  /** Set when the rows of this contract are computed from those of another; see `deriveContract`. */
  readonly derived?: Derivation<Contract>
}
