import type { Schema } from '@sluice/columnar'
import type { PartitionField } from '@sluice/schemas'
import type { PartitionId } from '../contracts/records.ts'
import type { RejectStage } from '../contracts/sink.ts'
import type { LayoutPatterns } from '../layout/layout.ts'
import type { FileFormat } from './file-encoders.ts'

/**
 * Everything besides the records that decides what a flush writes. It is plain data: it goes to worker threads, and into
 * the plan, so that whoever finishes the flush, with whatever configuration, writes the same bytes (RELIABILITY fault 79).
 */
export interface FlushSpec {
  readonly partition: PartitionId
  /** First offset of the flush. */
  readonly start: number
  readonly contract: string
  readonly table: string
  /** Stored columns, in order. */
  readonly columns: Schema
  readonly eventTime: string
  readonly eventTimeUnit: 'milli' | 'micro'
  readonly latenessMs: number
  readonly partitionBy: readonly PartitionField[]
  /** `''`, or a path that ends in `/`, before every data key. */
  readonly prefix: string
  readonly patterns: LayoutPatterns
  readonly file: FileFormat
  /** `FileEncoders.id` of the planner, for `file` and for dead letters. */
  readonly encoderId: string
  readonly deadEncoderId: string
  /** Event times outside `[min, max)`, ms, go to the out-of-range folder and never move the watermark. */
  readonly timeRange: { readonly min: number; readonly max: number }
  /** `_ingested_at` of all rows, ms since epoch. */
  readonly ingestedAt: number
  /** Greatest event time of the partition before `start`, in `eventTimeUnit`; null when none was seen. */
  readonly watermark: number | null
  readonly pipeline: string
  readonly pipelineVersion: string
  /** Derivation that made the columns of the planner; absent when the contract of the topic is not a derived one. */
  readonly derivation?: string
}

/** Why a record is dead, without the record. */
export interface Verdict {
  readonly stage: RejectStage
  readonly code: string
  readonly path: string
  readonly expected: string
}

/** Dead records of a flush: `verdicts[verdictOf[i]]` is about `offsets[i]`; offsets ascend. */
export interface DeadList {
  readonly verdicts: readonly Verdict[]
  readonly offsets: readonly number[]
  readonly verdictOf: readonly number[]
}

export type FileKind = 'data' | 'late' | 'dead'

export interface FinishedFile {
  readonly key: string
  readonly kind: FileKind
  readonly rows: number
  readonly bytes: Uint8Array
  readonly sha256: string
}

/** A flush that takes no more rows. A function of the records, the spec and `end` alone, as its files are. */
export interface SealedFlush {
  /** Number of its files. */
  readonly files: number
  readonly stored: number
  readonly late: number
  readonly dead: DeadList
  /** Greatest event time after the flush. */
  readonly watermark: number | null
}

/** A flush with all of its files at once. */
export interface FinishedFlush extends Omit<SealedFlush, 'files'> {
  /** In byte order of their keys. */
  readonly files: readonly FinishedFile[]
}
