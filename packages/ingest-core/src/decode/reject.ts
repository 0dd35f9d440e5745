import type { RecordSlab } from '../contracts/records.ts'
import type { Reject, RejectStage, Tombstone } from '../contracts/sink.ts'
import type { RefusedBatch } from '../log/record-batch.ts'

/**
 * Codes that the pipeline itself gives to records, beside those of the decoders and `rule_<name>`. The texts are what
 * was expected; they never hold data of the record.
 */
export const recordCodes = {
  record_too_large: { stage: 'envelope', expected: 'key, value and headers within the record limit of the pipeline' },
  batch_too_large: { stage: 'envelope', expected: 'a record batch that inflates within the limit of the pipeline' },
  null_value: { stage: 'envelope', expected: 'a value; tombstones are refused by the contract' },
  envelope_short: { stage: 'envelope', expected: 'a zero byte and a four-byte schema id' },
  envelope_magic: { stage: 'envelope', expected: 'a first byte of 0' },
  schema_header_guid: {
    stage: 'envelope',
    expected: 'a schema id in the value; the header carries a GUID, which is not resolved',
  },
  schema_header_invalid: { stage: 'envelope', expected: 'a header __value_schema_id of 00 and a four-byte id' },
  schema_unknown: { stage: 'schema', expected: 'a schema id that the registry knows' },
  schema_not_allowed: { stage: 'schema', expected: 'a schema registered under the subject of the topic' },
  schema_incompatible: { stage: 'schema', expected: 'a writer schema that the reader schema of the contract can read' },
  decode_crash: { stage: 'decode', expected: 'a record that can be decoded within the limits of a worker' },
} as const satisfies Record<string, { stage: RejectStage; expected: string }>

export type RecordCode = keyof typeof recordCodes

/** Record `i` of a slab as a reject with its own copy of the bytes. */
export function rejectOf(
  slab: RecordSlab,
  i: number,
  schemaId: number | null,
  why: Pick<Reject, 'stage' | 'code' | 'path' | 'expected'>,
): Reject {
  return {
    offset: slab.offsets[i]!,
    timestamp: slab.timestamps[i]!,
    key: copyOf(slab.bytes, slab.keyStart[i]!, slab.keyEnd[i]!),
    value: copyOf(slab.bytes, slab.valueStart[i]!, slab.valueEnd[i]!),
    headers: copyOf(slab.bytes, slab.headersStart[i]!, slab.headersEnd[i]!),
    schemaId,
    stage: why.stage,
    code: why.code,
    path: why.path,
    expected: why.expected,
  }
}

export function tombstoneAt(slab: RecordSlab, i: number): Tombstone {
  return {
    offset: slab.offsets[i]!,
    timestamp: slab.timestamps[i]!,
    key: copyOf(slab.bytes, slab.keyStart[i]!, slab.keyEnd[i]!),
  }
}

export function rejectWithCode(slab: RecordSlab, i: number, schemaId: number | null, code: RecordCode): Reject {
  return rejectOf(slab, i, schemaId, { ...recordCodes[code], code, path: '' })
}

/**
 * A record batch that would inflate beyond `maxBytes` as one reject (input 27). Its value is the whole batch, compressed
 * and with its header; the records inside were never seen, so it counts as one.
 */
export function rejectOfBatch(bytes: Uint8Array, batch: RefusedBatch, from: number, maxBytes: number): Reject {
  return {
    offset: Math.max(batch.baseOffset, from),
    timestamp: batch.timestamp,
    key: null,
    value: copyOf(bytes, batch.start, batch.end),
    headers: null,
    schemaId: null,
    stage: recordCodes.batch_too_large.stage,
    code: 'batch_too_large',
    path: '',
    expected: `a record batch that inflates to at most ${maxBytes} bytes; this one declares ${batch.recordCount} records`,
  }
}

export function rejectBytes(reject: Reject): number {
  return (reject.key?.length ?? 0) + (reject.value?.length ?? 0) + (reject.headers?.length ?? 0)
}

function copyOf(bytes: Uint8Array, start: number, end: number): Uint8Array | null {
  // Not `bytes.slice`: on a Buffer that would be a view.
  return start < 0 ? null : Uint8Array.prototype.slice.call(bytes, start, end)
}
