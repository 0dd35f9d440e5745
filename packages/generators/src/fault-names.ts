/** The fault catalogue: what each does to a record. Delivery faults keep the row; the others make it unreadable. */
export const faultCatalogue = {
  wrong_type: { bad: true, text: 'a field holds a value of another type' },
  missing_field: { bad: true, text: 'a required field is absent' },
  extra_field: { bad: true, text: 'an undeclared field is present' },
  bad_enum: { bad: true, text: 'an enum value that the schema does not know' },
  bad_magic: { bad: true, text: 'first byte is not the Confluent magic byte 0' },
  short_envelope: { bad: true, text: 'fewer bytes than the five of the envelope' },
  unknown_schema_id: { bad: true, text: 'schema id that no registry knows' },
  foreign_schema_id: { bad: true, text: 'schema id that is registered, but for another topic' },
  incompatible_schema_id: {
    bad: true,
    text: 'schema id that is registered for the topic, but of a schema that the contract cannot read',
  },
  schema_header: { bad: true, text: 'schema id in a header, as a GUID or in no known form' },
  truncated: { bad: true, text: 'the end of the value is missing' },
  trailing_bytes: { bad: true, text: 'bytes follow the value' },
  duplicate_key: { bad: true, text: 'a field is there twice' },
  bad_syntax: { bad: true, text: 'not well-formed: comma, colon, quote, escape or number' },
  byte_order_mark: { bad: true, text: 'text starts with a byte order mark' },
  invalid_utf8: { bad: true, text: 'a string holds bytes that are not UTF-8' },
  bad_value: { bad: true, text: 'a length, count, uuid, decimal or integer that cannot be' },
  rule_break: { bad: true, text: 'well-formed, but breaks one rule of the contract' },
  tombstone: { bad: true, text: 'null value' },
  oversized: { bad: true, text: 'larger than the record limit' },
  old_version: { bad: false, text: 'written with the version before the latest' },
  new_version: { bad: false, text: 'written with the latest version where the feed is pinned to an older one' },
  duplicate: { bad: false, text: 'the same bytes a second time, up to 50 records of the feed later' },
  late: { bad: false, text: 'behind the watermark, inside the lateness window' },
  too_late: { bad: false, text: 'behind the watermark, beyond the lateness window: goes to the late table' },
  out_of_order: { bad: false, text: 'delivered after up to 20 later records of the feed' },
  clock_skew: { bad: false, text: 'timestamps ahead by up to a tenth of the lateness window' },
  hot_key: { bad: false, text: 'keyed like every other hot record of the feed' },
} as const satisfies Record<string, { readonly bad: boolean; readonly text: string }>

export type FaultName = keyof typeof faultCatalogue

export const faultNames = Object.freeze(Object.keys(faultCatalogue)) as readonly FaultName[]

/**
 * Bad-data faults that a share given as `bad` never includes: big records, tombstones, and what needs more than a value (a
 * registry that knows the foreign or incompatible id, a log that keeps headers). `bad_value` is what
 * no real producer writes.
 */
export const notInBad: ReadonlySet<FaultName> = new Set([
  'oversized',
  'tombstone',
  'foreign_schema_id',
  'incompatible_schema_id',
  'schema_header',
  'bad_value',
])

/**
 * Shares of records, each in [0, 1]. `bad` is spread evenly over the bad-data faults that the contract can express and
 * that are not given a rate of their own, except those in `notInBad`.
 */
export type FaultRates = Readonly<Partial<Record<FaultName | 'bad', number>>>

/** 1 % bad data, and a little of what networks do. Faults that are not named do not happen. */
export const defaultFaultRates: FaultRates = Object.freeze({
  bad: 0.01,
  duplicate: 0.005,
  late: 0.005,
  too_late: 0.001,
  out_of_order: 0.01,
})

/** No faults at all. */
export const noFaults: FaultRates = Object.freeze({})
