/** Records on their way in: positions, slabs and raw record batches. Nothing here is one object per record. */

/** Identity of a partition for ever: names can be reused, these ids cannot (RELIABILITY 4, shared rules). */
export interface PartitionId {
  /** Kafka cluster id, or the id file of a segment log or JSONL folder. */
  readonly clusterId: string
  readonly topicId: string
  /** Display name; never part of the identity. */
  readonly topic: string
  readonly partition: number
}

/** Where to begin when neither sink nor source knows (RELIABILITY fault 24). `fail` is the default everywhere. */
export type StartPolicy = 'earliest' | 'latest' | 'fail'

/**
 * Records split out of their transport. Record `i` has value `bytes[valueStart[i], valueEnd[i])`, key likewise, and
 * headers as the encoded Kafka header section. A start of -1 means null. Offsets are numbers: beyond 2^53 a source stops.
 */
export interface RecordSlab {
  readonly bytes: Uint8Array
  readonly length: number
  readonly offsets: Float64Array
  /** Milliseconds since epoch; -1 when unknown. */
  readonly timestamps: Float64Array
  readonly keyStart: Int32Array
  readonly keyEnd: Int32Array
  readonly valueStart: Int32Array
  readonly valueEnd: Int32Array
  /** Range of the header section (varint count, then headers) or -1 when there are none. */
  readonly headersStart: Int32Array
  readonly headersEnd: Int32Array
}

/** A transaction that was aborted, as a fetch response lists it. */
export interface AbortedTransaction {
  readonly producerId: number
  readonly firstOffset: number
}

/**
 * One bounded read from one partition. `batches` are Kafka record batches (v2) back to back, still compressed and
 * unverified: a worker checks CRC, inflates and splits them. `slab` is already split.
 * `[start, end)` are the offsets it covers, holes included; records below `start` may be present and are skipped, and so
 * are records of `abortedTransactions` (read committed).
 */
export type Fetched = {
  readonly partition: PartitionId
  readonly start: number
  readonly end: number
  readonly byteLength: number
  /** Takes the memory back for a later read, called at most once, when nobody looks at the bytes any more. */
  readonly release?: () => void
} & (
  | {
      readonly kind: 'batches'
      readonly bytes: Uint8Array
      readonly abortedTransactions?: readonly AbortedTransaction[]
    }
  | { readonly kind: 'slab'; readonly slab: RecordSlab }
)
