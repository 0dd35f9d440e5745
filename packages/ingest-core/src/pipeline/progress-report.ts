import type { PartitionId } from '../contracts/records.ts'
import type { Source } from '../contracts/source.ts'
import type { BackOff } from './back-off.ts'
import { sleep } from './clock.ts'
import type { Clock } from './clock.ts'

export interface ProgressReportOptions {
  readonly source: Pick<Source, 'reportProgress'>
  readonly partition: PartitionId
  readonly clock: Clock
  readonly waits: BackOff
  /** Called at each failure. */
  readonly onFailure: (thrown: unknown) => void
}

/**
 * Tells the source how far a partition is, for those who measure lag there. The sink alone knows where to resume, so nobody waits for it: a group
 * whose coordinator does not answer holds no commit up. What could not be said is said again, as an idle partition would show a lag for ever.
 */
export interface ProgressReport {
  /** Says that all below `next` is done; of several only the last matters. */
  reached(next: number): void
  /** What was reached is told, or a last attempt has failed or lasts too long; nothing is told afterwards. */
  finish(): Promise<void>
  /** Tells nothing any more. */
  stop(): void
}

/** For this long a partition that has come to its end waits for its last word to arrive, ms. */
const lastWordMs = 5000

export function createProgressReport(options: ProgressReportOptions): ProgressReport {
  const { source, partition, clock, waits, onFailure } = options
  const stopped = new AbortController()
  /** Ends the wait before the next attempt. */
  let hurry = new AbortController()
  let finishing = false
  let wanted = -1
  let told = -1
  let telling: Promise<void> | undefined

  async function tell(): Promise<void> {
    while (told < wanted && !stopped.signal.aborted) {
      const next = wanted
      const last = finishing
      try {
        await source.reportProgress([{ partition, next }])
        told = next
        waits.reset()
      } catch (thrown) {
        onFailure(thrown)
        if (last) break
        hurry = new AbortController()
        if (!finishing) await sleep(clock, waits.next(), AbortSignal.any([hurry.signal, stopped.signal]))
      }
    }
    telling = undefined
  }

  return {
    reached(next) {
      wanted = next
      telling ??= tell()
    },
    async finish() {
      finishing = true
      hurry.abort()
      if (telling !== undefined) await Promise.race([telling, sleep(clock, lastWordMs, stopped.signal)])
      stopped.abort()
    },
    stop: () => stopped.abort(),
  }
}
