import type { Fetched, PartitionId, StartPolicy } from './records.ts'

/** Partitions given to or taken from this process. A revoked partition's results are dropped, never awaited. */
export interface AssignmentChange {
  readonly assigned: readonly PartitionId[]
  readonly revoked: readonly PartitionId[]
}

export interface LogBounds {
  /** First offset still stored. */
  readonly start: number
  /** Offset the next appended record will get. */
  readonly end: number
}

/**
 * Where records come from: pull-based, bounded, and without a memory of its own about progress.
 * Order holds within a partition. A source never jumps: an offset outside the log is an error (`OFFSET_OUT_OF_RANGE`).
 */
export interface Source {
  readonly name: string
  /** First change arrives at once; the stream ends when the source is closed or `signal` aborts. */
  assignments(signal: AbortSignal): AsyncIterable<AssignmentChange>
  /** Log bounds of an assigned partition, read now. */
  bounds(partition: PartitionId): Promise<LogBounds>
  /** Positions a partition. @throws SourceError OFFSET_OUT_OF_RANGE naming the exact missing range */
  seek(partition: PartitionId, next: number): Promise<void>
  /**
   * Next reads of the positioned partitions, at most about `maxBytes` in total (one record may exceed it).
   * Resolves with an empty list after a short wait when nothing is there. Rejects on corruption after a re-read.
   */
  poll(maxBytes: number, signal: AbortSignal): Promise<Fetched[]>
  /** Stop or resume reading a partition, without losing its position (back-pressure). */
  pause(partition: PartitionId, paused: boolean): void
  /** A lag gauge only, sent after the sink committed. Failure is reported, never retried by rejoining. */
  reportProgress(progress: readonly { partition: PartitionId; next: number }[]): Promise<void>
  /** Safe to call twice. */
  close(): Promise<void>
}

export interface ResumePolicy {
  /** Used only for a partition that no sink has ever seen. */
  readonly start: StartPolicy
}
