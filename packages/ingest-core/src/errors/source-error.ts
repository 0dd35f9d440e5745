import type { PartitionId } from '../contracts/records.ts'
import type { ErrorRow } from './shape.ts'

/** Codes of every source, whatever the driver. */
export const sourceErrors = {
  /** The position is outside the log. `missing` names the exact range; continue only by an operator's decision (faults 25, 26). */
  OFFSET_OUT_OF_RANGE: { outcome: 'none', retry: 'never' },
  /** The partition is not assigned to this source, or was revoked. */
  PARTITION_NOT_ASSIGNED: { outcome: 'none', retry: 'never' },
  /** A topic that was asked for is not there. */
  SOURCE_TOPIC_UNKNOWN: { outcome: 'none', retry: 'never' },
  /** Another topic or file stands under the name (faults 27, 28). */
  SOURCE_REPLACED: { outcome: 'none', retry: 'never' },
  /** Credentials or permissions are refused, or the other side cannot be trusted (TLS). Tried again: they may be mended. */
  SOURCE_DENIED: { outcome: 'none', retry: 'later' },
  SOURCE_UNAVAILABLE: { outcome: 'none', retry: 'later' },
  /** Stored bytes are damaged; reading again gave the same. */
  SOURCE_CORRUPT: { outcome: 'none', retry: 'never' },
  SOURCE_CLOSED: { outcome: 'none', retry: 'never' },
} as const satisfies Record<string, ErrorRow>

export type SourceErrorCode = keyof typeof sourceErrors

/** Offsets `[start, end)` that were wanted and are not there. */
export interface MissingRange {
  readonly start: number
  readonly end: number
}

/** An error of a source. `missing` is set for OFFSET_OUT_OF_RANGE and null otherwise. */
export class SourceError extends Error {
  readonly code: SourceErrorCode
  readonly source: string
  readonly missing: MissingRange | null
  /** The partition it is about, when it is about one. */
  readonly partition: PartitionId | null

  constructor(
    code: SourceErrorCode,
    message: string,
    context: {
      readonly source: string
      readonly partition?: PartitionId
      readonly missing?: MissingRange
      readonly cause?: unknown
    },
  ) {
    super(message, context.cause === undefined ? undefined : { cause: context.cause })
    this.name = 'SourceError'
    this.code = code
    this.source = context.source
    this.partition = context.partition ?? null
    this.missing = context.missing ?? null
  }
}
