import type { Random } from '../prng.ts'

/** One arrival of an event: when the client sent it and when it was delivered, ms. */
export interface Arrival {
  readonly sentAt: number
  readonly deliveredAt: number
}

/** First pause between sends, ms; doubled each time, with full jitter. */
const firstPauseMs = 500
const mostSends = 6

/** No client keeps an event longer than this before its first send, ms; below the contract's lateness by a margin. */
export const longestOfflineMs = 40 * 60_000

/**
 * How an event reaches the log. A send can be lost on its way, or delivered while its acknowledgement is lost; the client
 * then sends the same event again, with exponential back-off and full jitter. So one event has one arrival or more.
 */
export function sendEvent(random: Random, at: number, mayBeOffline: boolean): Arrival[] {
  const offline = mayBeOffline && random.chance(0.01)
  let sentAt = at + (offline ? random.between(10_000, longestOfflineMs) : random.between(1, 1500))
  const arrivals: Arrival[] = []
  for (let send = 1; ; send++) {
    const last = send === mostSends
    // What is lost at last would never arrive: a client of this simulation always gets its event through.
    const lost = !last && random.chance(0.01)
    if (!lost) arrivals.push({ sentAt, deliveredAt: sentAt + random.between(5, 300) })
    if (!lost && (last || !random.chance(0.015))) return arrivals
    sentAt += 300 + random.int(firstPauseMs * 2 ** (send - 1))
  }
}
