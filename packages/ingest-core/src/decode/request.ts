import type { AvroSchema } from '@sluice/schemas'
import type { Fetched } from '../contracts/records.ts'
import type { DecodedBatch } from './decoded.ts'

/** What is known about a schema id, as far as one topic is concerned. */
export type SchemaVerdict =
  | { readonly kind: 'writer'; readonly schema: AvroSchema }
  /** The registry has said again and again that it does not exist. */
  | { readonly kind: 'unknown' }
  /** It exists, but not under the subject of this topic (input 5). */
  | { readonly kind: 'not-allowed' }

export interface DecodeRequest {
  readonly fetched: Fetched
  /** Records in `[fetched.start, from)` are redeliveries: counted, not decoded. */
  readonly from: number
  /** Exclusive end, at most `fetched.end`; less when a chunk is searched for a record that kills workers. */
  readonly to: number
  /** Count the redeliveries; false for the second half of a divided chunk. */
  readonly countDuplicates: boolean
  /** Answers to an earlier `schemas-needed`. */
  readonly schemas: readonly { readonly id: number; readonly verdict: SchemaVerdict }[]
  /** Offsets known to kill a decoder: refused with `decode_crash` without another try. */
  readonly crashed: readonly number[]
  /**
   * A Float64 cell. When given, records are decoded one by one and the cell tells which one is being decoded, so that the
   * record that ends the worker is known afterwards.
   */
  readonly cell?: SharedArrayBuffer
  /** Keep the columns in the worker under this partition key; the reply then has none. */
  readonly keep?: string
}

/** Values of the cell besides offsets. */
export const cellBeforeRecords = -1
export const cellAfterDecode = -2

export type DecodeReply =
  /** `kept` finds the columns that stayed in the worker. */
  | { readonly kind: 'decoded'; readonly decoded: DecodedBatch; readonly kept?: number }
  | { readonly kind: 'schemas-needed'; readonly ids: readonly number[] }
  /** The bytes are not what was written: a matter for the source, never for dead letters (input 28). */
  | { readonly kind: 'corrupt'; readonly code: string; readonly message: string }

export interface DecodeLimits {
  /** Key, value and headers of one record, bytes; above it the record is refused with `record_too_large`. */
  readonly maxRecordBytes: number
  /** A record batch may not inflate to more than this, bytes. */
  readonly maxInflatedBytes: number
}

export const decodeLimits: DecodeLimits = { maxRecordBytes: 8 * 1024 * 1024, maxInflatedBytes: 64 * 1024 * 1024 }
