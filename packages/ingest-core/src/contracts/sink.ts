import type { ColumnBatch } from '@sluice/columnar'
import type { Fetched, PartitionId } from './records.ts'

/** Stage at which a record was refused. */
export type RejectStage = 'envelope' | 'schema' | 'decode' | 'rule' | 'sink'

/** A record that cannot become a row: data with a schema (`contracts/sluice/DeadLetter`). Bytes are kept as received. */
export interface Reject {
  readonly offset: number
  readonly timestamp: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  /** Encoded Kafka header section, or null. */
  readonly headers: Uint8Array | null
  readonly schemaId: number | null
  readonly stage: RejectStage
  readonly code: string
  readonly path: string
  readonly expected: string
}

/** A record without a value under a contract whose tombstones delete: the sink applies it in the order of the rows. */
export interface Tombstone {
  readonly offset: number
  /** ms since epoch; -1 when unknown. */
  readonly timestamp: number
  readonly key: Uint8Array | null
}

/**
 * Decoded rows of one partition, in offset order, with the columns `_topic _partition _offset _timestamp _ingested_at
 * _schema_id` behind the contract's own. Covers offsets `[start, end)`; every offset that holds a data record is a row,
 * a reject, a tombstone, filtered or a redelivery, and the counts say so.
 */
export interface SinkBatch {
  readonly partition: PartitionId
  readonly start: number
  readonly end: number
  /** The rows. Of resident ones only the schema and the number: `columns` is empty. */
  readonly batch: ColumnBatch
  /** Set when the rows stayed in the thread that decoded them, because the sink asked for it; see `Sink.residence`. */
  readonly resident?: ResidentRows
  readonly rejects: readonly Reject[]
  /** Only under contracts with tombstones `delete`; a sink that cannot delete refuses such a contract. */
  readonly tombstones?: readonly Tombstone[]
  /**
   * What was fetched and holds the records of this batch, for sinks that have to quote one; see `findRecords`. Not to be looked at once the
   * batch is committed: its memory is used for another read.
   */
  readonly origin?: Fetched
  /** Data records consumed in `[start, end)`: batch.length + rejects.length + tombstones + filtered + duplicate. */
  readonly consumed: number
  /** Left out by rule of the contract or app (tombstones to skip, filters). */
  readonly filtered: number
  /** Their offsets, ascending. Without them a batch that has some cannot be divided where nothing else tells how many. */
  readonly filteredOffsets?: Float64Array
  /** `id` of the derivation that made the columns, when the contract of the topic is a derived one. */
  readonly derivation?: string
  /** Redelivered records below the sink's progress. */
  readonly duplicate: number
}

/** Rows in the memory of a worker. They are let go when they are taken, when a later batch is, or with their partition. */
export interface ResidentRows {
  /** Affinity key, worker and number: how the worker finds them. */
  readonly key: string
  readonly incarnation: number
  readonly id: number
  /** Takes them to this thread. @throws PipelineError WORKER_LOST when they are gone */
  load(): Promise<ColumnBatch>
}

/** Where a partition stands in the sink. `next` is null when the sink has never seen the partition. */
export interface Progress {
  readonly next: number | null
}

/** Conservation: consumed = stored + duplicate + late + filtered + deadLettered. */
export interface Counts {
  readonly consumed: number
  readonly stored: number
  readonly late: number
  readonly duplicate: number
  readonly filtered: number
  readonly deadLettered: number
}

export type CutReason = 'bytes' | 'rows' | 'time' | 'idle' | 'memory' | 'caught-up' | 'shutdown' | 'recovery'

/** Ask to make everything written so far durable. The sink may cover more or less when a plan already exists. */
export interface Cut {
  readonly partition: PartitionId
  readonly reason: CutReason
}

export interface CommitReceipt {
  readonly partition: PartitionId
  readonly start: number
  /** Exclusive; the partition's new progress. */
  readonly end: number
  readonly counts: Counts
  readonly files: readonly { readonly key: string; readonly rows: number; readonly bytes: number }[]
  readonly reason: CutReason
}

/** What is buffered for a partition; the pipeline decides rotation and memory pressure from this. */
export interface SinkUsage {
  readonly rows: number
  readonly bufferedBytes: number
  /** Estimated encoded size of the largest open file, bytes. */
  readonly encodedBytes: number
  readonly openFiles: number
  /** The sink asks for a commit soon: too many open files (input 25), or a recovered flush is complete. */
  readonly commitAdvised?: boolean
}

/**
 * Where rows land. Progress is stored in the same atomic act as rows and dead letters, so it is the only truth about
 * where to resume. One object serves one process; a partition is open at most once.
 */
export interface Sink {
  readonly name: string
  /**
   * Where the sink wants rows to stay: the worker pool in which it encodes them. A decoder that decodes there does not
   * send columns through this thread. Without it every batch comes with its columns. A sink with a residence does not look
   * at the `origin` of a batch: that memory is used for the next read once the batch is written.
   */
  readonly residence?: object
  /** Fences and returns progress. For a new partition, `first` (from the start policy) becomes its genesis. */
  open(partition: PartitionId, first: () => Promise<number>, signal: AbortSignal): Promise<Progress & { next: number }>
  /** Buffers; resolves when the rows are accepted. Ranges of one partition must be contiguous. */
  write(batch: SinkBatch, signal: AbortSignal): Promise<SinkUsage>
  /**
   * Makes buffered rows durable, atomically with progress. `undefined` when there was nothing to commit.
   * @throws SinkError FENCED when another writer took over: abandon, then open again
   */
  commit(cut: Cut, signal: AbortSignal): Promise<CommitReceipt | undefined>
  /** Drops what is buffered; nothing of it becomes visible. */
  abandon(partition: PartitionId): Promise<void>
  /** Safe to call twice; drops, does not commit. */
  close(): Promise<void>
}
