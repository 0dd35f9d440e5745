import type { RateProfile } from './rate-profile.ts'

/** Real time, injected so that tests run without waiting. */
export interface RealClock {
  /** Monotonic milliseconds. */
  now(): number
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** The machine's monotonic clock. A cancelled sleep resolves early; the caller looks at its signal. */
export const realClock: RealClock = {
  now: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve()
      const done = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', done)
        resolve()
      }
      const timer = setTimeout(done, ms)
      signal?.addEventListener('abort', done, { once: true })
    }),
}

export interface RateController {
  /**
   * Waits until at least one event is due and returns how many may be sent now, at most `max`. 0 after an abort and from
   * `until` on (time of the clock, ms).
   */
  take(max: number, signal?: AbortSignal, until?: number): Promise<number>
  /** Returns part of the last grant that could not be used. */
  giveBack(n: number): void
  /** Events granted so far. */
  readonly granted: number
}

/** Longest single sleep, ms: bounds the reaction to an abort and to profiles that are 0 for a while. */
const maxSleepMs = 250

/**
 * Closed-loop control: what may be sent at time t is `profile.cumulative(t)` minus what was granted, so an error of one
 * sleep is made good by the next grant and the mean rate does not drift. After a stall longer than `catchUpMs` the
 * schedule is moved instead of being chased, so a pause is not followed by a flood.
 */
export function createRateController(options: {
  readonly profile: RateProfile
  readonly clock?: RealClock
  /** Longest backlog that is made good at full speed, ms. Default 5000. */
  readonly catchUpMs?: number
}): RateController {
  const { profile, clock = realClock, catchUpMs = 5000 } = options
  let startedAt: number | undefined
  let granted = 0
  let forgiven = 0

  async function take(max: number, signal?: AbortSignal, until = Infinity): Promise<number> {
    startedAt ??= clock.now()
    while (!signal?.aborted && clock.now() < until) {
      const seconds = (clock.now() - startedAt) / 1000
      const due = profile.cumulative(seconds)
      const backlogFrom = profile.cumulative(Math.max(0, seconds - catchUpMs / 1000))
      if (granted + forgiven < backlogFrom) forgiven = Math.floor(backlogFrom) - granted
      const open = Math.floor(due - granted - forgiven)
      if (open >= 1) {
        const n = Math.min(open, max)
        granted += n
        return n
      }
      await clock.sleep(Math.min(waitFor(granted + forgiven + 1, seconds), until - clock.now()), signal)
    }
    return 0
  }

  /** Milliseconds until `cumulative` reaches `target`, found by bisection inside the longest sleep. */
  function waitFor(target: number, seconds: number): number {
    let lo = 0
    let hi = maxSleepMs
    if (profile.cumulative(seconds + hi / 1000) < target) return hi
    while (hi - lo > 0.5) {
      const mid = (lo + hi) / 2
      if (profile.cumulative(seconds + mid / 1000) < target) lo = mid
      else hi = mid
    }
    return Math.max(1, hi)
  }

  return {
    take,
    giveBack(n) {
      granted -= n
    },
    get granted() {
      return granted
    },
  }
}
