import type { ByteBudget } from './byte-budget.ts'
import type { Expansion } from './expansion.ts'

/** What memory pressure sees of a partition. */
export interface Holder {
  /** Bytes buffered in the sink that a cut would free. */
  readonly cuttableBytes: number
  /** Bytes buffered in the sink that a cut under way will free. */
  readonly freeingBytes: number
  /** Bytes buffered in the sink that no cut frees before more records are there: those of an unfinished plan. */
  readonly stuckBytes: number
  /** Bytes buffered per open file of the sink. */
  readonly fileBytes: number
}

export interface Cuttable {
  readonly hold: Holder
  requestCut(reason: 'memory'): void
}

/** Decides how much is read next, and which partition makes room, so that what is held stays within the budget. */
export interface MemoryPressure {
  /** Bytes that may be fetched now; 0 when nothing fits. */
  room(lanes: Iterable<Cuttable>): number
  /**
   * Cuts the largest partition, and the next one only when what is on its way out is not enough: a cut makes files, and all
   * partitions at once make more of them than are needed.
   */
  relieve(lanes: Iterable<Cuttable>): void
  /**
   * Cuts the largest partition while there is still room for as much as it holds: the others are read on until it is
   * written. Not for small files: a cut for each of many folders had better wait until it must be.
   */
  lookAhead(lanes: Iterable<Cuttable>): void
}

/** Share of the budget that is not read into: a sink may take more for rows than the rows took before. */
const leastHeadroom = 1 / 8
const mostHeadroom = 1 / 3
/** Cuts go on until what will be left is below this share of the budget. */
const relieved = 3 / 4
/** A cut ahead of time makes no files that buffer less than this, bytes. */
const worthAFile = 512 * 1024
/** Share of a poll that is read before it is known how much memory it takes; the first rows arrive the sooner. */
const firstPoll = 1 / 8
/** A poll for less than this share of the budget is not worth it. */
const smallest = 1 / 64

export function createMemoryPressure(budget: ByteBudget, expansion: Expansion, pollBytes: number): MemoryPressure {
  const smallestPoll = Math.min(pollBytes, Math.max(1, Math.floor(budget.limit * smallest)))
  const headroom = (): number =>
    Math.min(budget.limit * mostHeadroom, Math.max(budget.limit * leastHeadroom, expansion.surplus))
  /** Bytes that no cut under way frees. */
  function staying(lanes: Iterable<Cuttable>): number {
    let left = budget.used
    for (const { hold } of lanes) left -= hold.freeingBytes
    return left
  }

  return {
    room(lanes) {
      const free = budget.available - headroom()
      const most = expansion.known ? pollBytes : Math.max(1, Math.floor(pollBytes * firstPoll))
      const fits = Math.min(most, Math.floor(free / expansion.factor))
      if (fits >= Math.min(smallestPoll, most)) return fits
      // Something must go on, even where one chunk, or a plan made with another budget, is more than there is.
      let stuck = 0
      for (const { hold } of lanes) stuck += hold.stuckBytes
      return budget.used <= stuck ? smallestPoll : 0
    },
    lookAhead(lanes) {
      const room = budget.limit - headroom()
      // No partition holds more than all of them: asked at each poll, this is mostly all there is to it.
      if (room - budget.used >= budget.used) return
      let largest: Cuttable | undefined
      for (const lane of lanes) {
        if (lane.hold.cuttableBytes > (largest?.hold.cuttableBytes ?? 0)) largest = lane
      }
      if (largest === undefined || largest.hold.fileBytes < worthAFile) return
      if (room - staying(lanes) < largest.hold.cuttableBytes) largest.requestCut('memory')
    },
    relieve(lanes) {
      const open = [...lanes]
      let left = staying(open)
      const largestFirst = open
        .map((lane) => ({ lane, bytes: lane.hold.cuttableBytes }))
        .filter(({ bytes }) => bytes > 0)
        .sort((a, b) => b.bytes - a.bytes)
      // Below this there is room again.
      const enough = budget.limit - headroom() - 2 * smallestPoll * expansion.factor
      for (const { lane, bytes } of largestFirst) {
        if (left <= Math.min(enough, budget.limit * relieved)) return
        lane.requestCut('memory')
        left -= bytes
      }
    },
  }
}
