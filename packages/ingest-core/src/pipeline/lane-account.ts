import type { CommitReceipt, Counts } from '../contracts/sink.ts'
import type { DecodedBatch } from '../decode/decoded.ts'
import { addCounts, assertAccounted, assertConserved, noCounts } from './conservation.ts'
import type { FlowCounts } from './conservation.ts'
import { PipelineError } from './errors.ts'

/** How far one partition is, and what became of its records: every one that is taken is decided by exactly one commit. */
export interface LaneAccount {
  /** Where the sink's rows end. */
  readonly writtenEnd: number
  /** Where the next run would begin; null before the sink was asked. */
  readonly committedEnd: number | null
  /** Highest event time written, ms since epoch. */
  readonly watermark: number | null
  readonly counts: FlowCounts
  /** The sink begins at `next`, with nothing buffered. */
  openAt(next: number): void
  /** @throws PipelineError CONSERVATION_BROKEN unless the batch goes on where the last one ended and has an outcome per record */
  assertNext(batch: DecodedBatch): void
  wrote(batch: DecodedBatch): void
  /**
   * Takes a commit into account; true when it decided all that was written.
   * @throws PipelineError CONSERVATION_BROKEN when its counts do not add up, or not to what was written
   */
  settled(receipt: CommitReceipt): boolean
  /** What was written and not decided is dropped. */
  emptied(): void
}

export function createLaneAccount(where: string): LaneAccount {
  let writtenEnd = 0
  let committedEnd: number | null = null
  let watermark: number | null = null
  let counts: Counts = noCounts
  let uncommitted = 0

  return {
    get writtenEnd() {
      return writtenEnd
    },
    get committedEnd() {
      return committedEnd
    },
    get watermark() {
      return watermark
    },
    get counts() {
      return { ...counts, consumed: counts.consumed + uncommitted, inFlight: uncommitted }
    },
    openAt(next) {
      writtenEnd = committedEnd = next
    },
    assertNext(batch) {
      assertAccounted(where, batch, writtenEnd)
    },
    wrote({ end, consumed, maxEventTime }) {
      writtenEnd = end
      uncommitted += consumed
      if (maxEventTime !== null) watermark = Math.max(watermark ?? maxEventTime, maxEventTime)
    },
    settled(receipt) {
      const range = `${where} commit [${receipt.start}, ${receipt.end})`
      assertConserved(range, receipt.counts)
      uncommitted -= receipt.counts.consumed
      committedEnd = receipt.end
      const all = receipt.end >= writtenEnd
      if (uncommitted < 0 || (all && uncommitted !== 0)) {
        throw new PipelineError('CONSERVATION_BROKEN', `${range} leaves ${uncommitted} records unaccounted for`)
      }
      counts = addCounts(counts, receipt.counts)
      return all
    },
    emptied() {
      uncommitted = 0
    },
  }
}
