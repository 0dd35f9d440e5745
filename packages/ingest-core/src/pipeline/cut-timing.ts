import type { Clock } from './clock.ts'
import type { Rotation } from './options.ts'

/** Says when a partition is to be cut because time has passed. */
export interface CutTiming {
  /** Whether something was written that no commit has decided. */
  readonly undecided: boolean
  wrote(): void
  /** The next cut is an interval away, from now on. */
  startOver(): void
  /** All that was written is decided, or dropped. */
  emptied(): void
  /** Why to cut now, if at all. `active`: records are on their way, or would be if there were memory. */
  due(now: number, active: boolean): 'time' | 'idle' | undefined
}

export function createCutTiming(rotation: Pick<Rotation, 'intervalMs' | 'idleMs'>, clock: Clock): CutTiming {
  let since: number | undefined
  let lastWriteAt = 0
  return {
    get undecided() {
      return since !== undefined
    },
    wrote() {
      lastWriteAt = clock.now()
      since ??= lastWriteAt
    },
    startOver() {
      since = clock.now()
    },
    emptied() {
      since = undefined
    },
    due(now, active) {
      if (since === undefined) return undefined
      // A clock that was set back must not hold a cut up for as long (fault 78).
      since = Math.min(since, now)
      lastWriteAt = active ? now : Math.min(lastWriteAt, now)
      if (now - since >= rotation.intervalMs) return 'time'
      return now - lastWriteAt >= rotation.idleMs && now - since >= rotation.idleMs ? 'idle' : undefined
    },
  }
}
