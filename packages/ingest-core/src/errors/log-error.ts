import type { ErrorRow } from './shape.ts'

/** Codes of record batches, codecs and the segment log. */
export const logErrors = {
  /** CRC32C differs: the bytes are not what was written. Read again, then stop the partition (input 28). */
  BATCH_CRC_MISMATCH: { outcome: 'none', retry: 'later' },
  /** Message format 0 or 1, or no record batch at all. */
  BATCH_MAGIC_UNSUPPORTED: { outcome: 'none', retry: 'never' },
  /** Codec bits 5 to 7. */
  BATCH_CODEC_UNKNOWN: { outcome: 'none', retry: 'never' },
  /** A length or a count contradicts the bytes although the CRC holds. */
  BATCH_MALFORMED: { outcome: 'none', retry: 'never' },
  /** Inflates to more than the cap (input 27). */
  BATCH_TOO_LARGE: { outcome: 'none', retry: 'never' },
  /** An offset is negative or beyond 2^53 - 1. */
  BATCH_OFFSET_UNSAFE: { outcome: 'none', retry: 'never' },
  /** No log in this folder. */
  LOG_NOT_FOUND: { outcome: 'none', retry: 'never' },
  LOG_TOPIC_UNKNOWN: { outcome: 'not-written', retry: 'never' },
  LOG_TOPIC_EXISTS: { outcome: 'not-written', retry: 'never' },
  /** Another live process writes to this log. */
  LOG_LOCKED: { outcome: 'not-written', retry: 'later' },
  /** Damage that is not a torn tail: later batches are intact, so nothing is cut off. */
  LOG_CORRUPT: { outcome: 'none', retry: 'never' },
  /** A write failed. A torn batch was cut off; whole batches stay, and the message says up to which offset. */
  LOG_WRITE_FAILED: { outcome: 'unknown', retry: 'later' },
  /** A torn batch could not be cut off, or fsync failed: open the log again, which repairs the tail. */
  LOG_BROKEN: { outcome: 'unknown', retry: 'never' },
  /** A record that no batch can hold. */
  LOG_RECORD_TOO_LARGE: { outcome: 'not-written', retry: 'never' },
  LOG_CLOSED: { outcome: 'not-written', retry: 'never' },
} as const satisfies Record<string, ErrorRow>

export type LogErrorCode = keyof typeof logErrors

/** An error of stored bytes or of the log that stores them. Never holds record contents. */
export class LogError extends Error {
  readonly code: LogErrorCode

  constructor(code: LogErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.name = 'LogError'
    this.code = code
  }
}
