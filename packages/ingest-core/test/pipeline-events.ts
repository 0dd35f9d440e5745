import { createRowCodec, frame, getContract } from '@sluice/schemas'
import type { Contract, RegisteredSchema, Row, SchemaRegistry } from '@sluice/schemas'
import type { Fetched, PartitionId } from '../src/contracts/records.ts'
import { encodeRecordBatch } from '../src/log/encode-batch.ts'
import type { LogRecord, RecordBatchInput } from '../src/log/encode-batch.ts'

export const userEvents: Contract = getContract('ecommerce.UserEvent')
export const customers: Contract = getContract('telco.Customer')

/** Schema ids of the tests: version 1 and 2 of UserEvent, one of another subject, and one that cannot be read as UserEvent. */
export const ids = { v1: 11, v2: 12, foreign: 13, incompatible: 14, unknown: 99 } as const

const [v1, v2] = userEvents.versions.map((version) => version.schema)
const codecs = { v1: createRowCodec(v1!), v2: createRowCodec(v2!) }
export const noon = Date.UTC(2026, 10, 21, 12)

export function testRegistry(): SchemaRegistry & { down: boolean; readonly asked: number[] } {
  const known: Record<number, RegisteredSchema> = {
    [ids.v1]: { id: ids.v1, schema: v1!, subjects: [userEvents.subject] },
    [ids.v2]: { id: ids.v2, schema: v2!, subjects: [userEvents.subject] },
    [ids.foreign]: { id: ids.foreign, schema: v1!, subjects: ['something-else-value'] },
    [ids.incompatible]: { id: ids.incompatible, schema: 'string', subjects: [userEvents.subject] },
  }
  const registry = {
    down: false,
    asked: [] as number[],
    getById(id: number) {
      registry.asked.push(id)
      if (registry.down)
        return Promise.reject(Object.assign(new Error('registry is down'), { code: 'REGISTRY_UNAVAILABLE' }))
      return Promise.resolve(known[id])
    },
    register: () => Promise.reject(new Error('not used')),
    latest: () => Promise.resolve(undefined),
  }
  return registry
}

export function rowV1(n: number): Row {
  return {
    event_id: `event-${n}`,
    user_id: `user_${String(n % 100).padStart(4, '0')}`,
    event_type: n % 5 === 0 ? 'PURCHASE' : 'PAGE_VIEW',
    timestamp: BigInt(noon + n * 1000),
    session_id: `session-${n % 7}`,
  }
}

export function rowV2(n: number, extra: Row = {}): Row {
  const product = { product_id: `P-${n % 10}`, product_name: `Produkt ${n % 10} ü`, price: n / 4, category: 'books' }
  return { ...rowV1(n), ...product, device_type: n % 2 ? 'MOBILE' : null, country: 'DE', ...extra }
}

/** A framed value. */
export const valueV1 = (n: number): Uint8Array => frame(ids.v1, codecs.v1.encode(rowV1(n)))
export const valueV2 = (n: number, extra: Row = {}): Uint8Array => frame(ids.v2, codecs.v2.encode(rowV2(n, extra)))
export const bodyV1 = (n: number): Uint8Array => codecs.v1.encode(rowV1(n))

export function record(value: Uint8Array | null, n = 0, headers: LogRecord['headers'] = []): LogRecord {
  return { key: new TextEncoder().encode(`key-${n}`), value, timestamp: noon + n, headers }
}

export function partitionOf(contract: Contract, partition = 0): PartitionId {
  return { clusterId: 'cluster', topicId: `id-${contract.topic}`, topic: contract.topic, partition }
}

/** Record batches of one partition as a source hands them out. */
export function fetched(
  contract: Contract,
  records: readonly LogRecord[],
  at: { readonly baseOffset?: number; readonly start?: number; readonly batch?: Partial<RecordBatchInput> } = {},
): Fetched {
  const baseOffset = at.baseOffset ?? 0
  const bytes = encodeRecordBatch({ baseOffset, records, ...at.batch })
  const end = baseOffset + records.length
  return {
    kind: 'batches',
    partition: partitionOf(contract),
    start: at.start ?? baseOffset,
    end,
    bytes,
    byteLength: bytes.length,
  }
}

/**
 * One record of each kind of bad data with the code it must get, for topics of UserEvent. Every value is what a real
 * producer could send.
 */
export const badRecords: readonly { readonly code: string; readonly record: LogRecord }[] = [
  { code: 'null_value', record: record(null) },
  { code: 'envelope_short', record: record(Uint8Array.of(0, 0, 1)) },
  { code: 'envelope_short', record: record(new Uint8Array(0)) },
  { code: 'envelope_magic', record: record(new TextEncoder().encode('{"json":"on an avro topic"}')) },
  { code: 'schema_unknown', record: record(frame(ids.unknown, bodyV1(1))) },
  { code: 'schema_not_allowed', record: record(frame(ids.foreign, bodyV1(1))) },
  { code: 'schema_incompatible', record: record(frame(ids.incompatible, bodyV1(1))) },
  { code: 'truncated', record: record(valueV1(1).subarray(0, 26)) },
  { code: 'trailing_bytes', record: record(Uint8Array.of(...valueV1(1), 0)) },
  { code: 'enum_index', record: record(frame(ids.v1, Uint8Array.of(2, 65, 2, 66, 66))) },
  { code: 'utf8_invalid', record: record(frame(ids.v1, Uint8Array.of(2, 0xff, 2, 66, 0, 2, 2, 66))) },
  { code: 'length_exceeds', record: record(frame(ids.v1, Uint8Array.of(254, 255, 255, 15))) },
  { code: 'rule_price_not_negative', record: record(valueV2(1, { price: -1 })) },
  { code: 'rule_country_known', record: record(valueV2(1, { country: 'XX' })) },
  {
    code: 'schema_header_guid',
    record: record(bodyV1(1), 0, [['__value_schema_id', Uint8Array.of(1, ...Array<number>(16).fill(3))]]),
  },
  { code: 'schema_header_invalid', record: record(bodyV1(1), 0, [['__value_schema_id', Uint8Array.of(9)]]) },
  { code: 'record_too_large', record: record(new Uint8Array(70_000)) },
]
