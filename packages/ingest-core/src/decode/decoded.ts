import type { Fetched } from '../contracts/records.ts'
import type { SinkBatch } from '../contracts/sink.ts'

/** Rows and rejects of `[start, end)` of one partition; see `SinkBatch` for the counts. */
export interface DecodedBatch extends Omit<SinkBatch, 'partition'> {
  /** Sum of the column buffers and reject bytes, bytes. */
  readonly byteLength: number
  /** Newest event time among the rows, ms since epoch; null without rows. */
  readonly maxEventTime: number | null
  /** Oldest record time among the rows, ms since epoch; null when none has one. */
  readonly oldestRecord: number | null
}

/** Turns fetched bytes into rows, off the main thread. */
export interface DecodeService {
  /**
   * Decodes the records at `from` and above. Records in `[fetched.start, from)` are redeliveries and only counted.
   * The result covers `[from, fetched.end)` in order, in one batch unless a record that kills workers had to be isolated.
   * Rows stay in their worker when `residence` is the pool it belongs to.
   *
   * @throws PipelineError BATCH_CORRUPT (read it again, then stop), REGISTRY_UNAVAILABLE (wait, then ask again),
   *   DECODE_CRASH_UNISOLATED (stop)
   */
  decode(fetched: Fetched, from: number, residence?: object): Promise<DecodedBatch[]>
  /** Forgets what was kept for a partition that was given up. */
  release(fetched: Fetched['partition']): void
}
