import type { ByteBudget } from './byte-budget.ts'
import type { Expansion } from './expansion.ts'

/** What memory pressure sees of a partition. */
export interface Holder {
  /** Bytes buffered in the sink that a cut would free. */
  readonly cuttableBytes: number
  /** Bytes buffered in the sink that a cut under way will free. */
  readonly freeingBytes: number
  requestCut(reason: 'memory'): void
}

/** Decides how much is read next, and which partition makes room, so that what is held stays within the budget. */
export interface MemoryPressure {
  /** Bytes that may be fetched now; 0 when nothing fits. */
  room(): number
  /**
   * Cuts the largest partition, and the next one only when what is on its way out is not enough: a cut makes files, and all
   * partitions at once make more of them than are needed.
   */
  relieve(holders: Iterable<Holder>): void
}

/** Share of the budget that is not read into: a sink may take more for rows than the rows took before. */
const headroom = 1 / 8
/** Cuts go on until what will be left is below this share of the budget. */
const relieved = 3 / 4
/** A poll for less than this share of the budget is not worth it. */
const smallest = 1 / 64

export function createMemoryPressure(budget: ByteBudget, expansion: Expansion, pollBytes: number): MemoryPressure {
  const smallestPoll = Math.min(pollBytes, Math.max(1, Math.floor(budget.limit * smallest)))
  return {
    room() {
      const free = budget.available - budget.limit * headroom
      const fits = Math.min(pollBytes, Math.floor(free / expansion.factor))
      if (fits >= smallestPoll) return fits
      // Something must go on, even where one chunk is more than the budget.
      return budget.used === 0 ? smallestPoll : 0
    },
    relieve(holders) {
      const open = [...holders]
      let left = budget.used - open.reduce((sum, holder) => sum + holder.freeingBytes, 0)
      const largestFirst = open
        .map((holder) => ({ holder, bytes: holder.cuttableBytes }))
        .filter(({ bytes }) => bytes > 0)
        .sort((a, b) => b.bytes - a.bytes)
      for (const { holder, bytes } of largestFirst) {
        if (left <= budget.limit * relieved) return
        holder.requestCut('memory')
        left -= bytes
      }
    },
  }
}
