/** One row on its way to a feed: `row` becomes visible to the feed at simulated time `at`. */
export interface DueRow {
  at: number
  feed: number
  row: object
}

/**
 * Rows waiting for their simulated delivery time, in buckets of one tick on a ring, so that adding is O(1) and only the
 * rows of the current tick are sorted. Memory is bounded by what can be scheduled within the horizon.
 */
export interface DueQueue {
  readonly waiting: number
  /** Delivery before the current tick is moved to it, beyond the horizon to the last bucket. */
  add(at: number, feed: number, row: object): void
  /** Rows of the current tick by time (ties: order of adding); then moves on to the next tick. */
  takeTick(): DueRow[]
}

export function createDueQueue(options: {
  readonly start: number
  readonly tickMs: number
  readonly horizonMs: number
}): DueQueue {
  const { start, tickMs, horizonMs } = options
  const size = Math.ceil(horizonMs / tickMs) + 2
  const ring: DueRow[][] = Array.from({ length: size }, () => [])
  let tick = 0
  let waiting = 0
  return {
    get waiting() {
      return waiting
    },
    add(at, feed, row) {
      const wanted = Math.floor((at - start) / tickMs)
      const slot = Math.min(Math.max(wanted, tick), tick + size - 1)
      ring[slot % size]!.push({ at, feed, row })
      waiting++
    },
    takeTick() {
      const slot = tick % size
      const due = ring[slot]!
      ring[slot] = []
      tick++
      waiting -= due.length
      return due.sort((x, y) => x.at - y.at)
    },
  }
}
