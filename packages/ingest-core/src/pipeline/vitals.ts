import type { LogBounds } from '../contracts/source.ts'
import type { DecodedBatch } from '../decode/decoded.ts'

/** What a lane tells about itself beside its counts: signs of life and lag. No decision of the pipeline rests on it. */
export interface Vitals {
  /** Work that should end by itself begins; call the result when it has. */
  begin(): () => void
  /** Work under way got further. */
  moved(): void
  /** When the work under way began or last got further, ms since epoch; null when there is none. */
  readonly busySince: number | null
  /** A batch was handed to the sink. */
  wrote(batch: Pick<DecodedBatch, 'oldestRecord' | 'rejects'>): void
  /** Everything written is committed, or dropped. */
  emptied(): void
  /** Record time of the oldest record that is written and not committed, ms since epoch; null without one. */
  readonly oldestPending: number | null
  /** A record below this offset was seen. */
  sawEnd(end: number): void
  /** Asks the source for the log end; when it cannot say, the lag is unknown until it can. */
  measure(bounds: () => Promise<LogBounds>): void
  readonly logEnd: number | null
}

export function createVitals(now: () => number): Vitals {
  let running = 0
  let movedAt = 0
  let oldest: number | null = null
  let logEnd: number | null = null
  let measuring = false
  return {
    begin() {
      if (running === 0) movedAt = now()
      running += 1
      let ended = false
      return () => {
        if (ended) return
        ended = true
        running -= 1
        movedAt = now()
      }
    },
    moved() {
      movedAt = now()
    },
    get busySince() {
      return running === 0 ? null : movedAt
    },
    wrote(batch) {
      movedAt = now()
      oldest ??= batch.oldestRecord ?? recordTime(batch.rejects[0]?.timestamp)
    },
    emptied() {
      oldest = null
    },
    get oldestPending() {
      return oldest
    },
    sawEnd(end) {
      if (logEnd === null || end > logEnd) logEnd = end
    },
    measure(bounds) {
      if (measuring) return
      measuring = true
      void bounds()
        .then(
          ({ end }) => (logEnd = end),
          // The poll loop meets the same trouble and deals with it.
          () => (logEnd = null),
        )
        .finally(() => (measuring = false))
    },
    get logEnd() {
      return logEnd
    },
  }
}

const recordTime = (timestamp: number | undefined): number | null =>
  timestamp !== undefined && timestamp >= 0 ? timestamp : null
