import type { Fetched } from '../contracts/records.ts'

/** Chunks of one partition in memory that the source wants back, while somebody may look at them. */
export interface Loans {
  /** The sink has, or may have, rows of the chunk. */
  written(fetched: Fetched): void
  /** Nothing goes on with the chunk after `decoded`; unless the sink quotes it, its memory is given back then. */
  ended(fetched: Fetched, decoded: Promise<unknown>): void
  /** All records below `end` are decided: nobody quotes them any more. */
  decided(end: number): void
  /** The sink was told to drop what it has. What it does with it meanwhile is not known: that memory is left to the collector. */
  forget(): void
}

/**
 * A sink without a residence may quote records of a chunk until it has committed them (`SinkBatch.origin`); one with a residence never looks
 * at the chunk. Memory that comes back is used for the next read, so that reading makes no garbage.
 */
export function createLoans(sinkQuotes: boolean): Loans {
  let quoted: Fetched[] = []
  /** The sink has, or had, rows of these; also when the memory was given back already. */
  const known = new WeakSet<Fetched>()
  return {
    written(fetched) {
      if (!sinkQuotes || fetched.release === undefined) return
      known.add(fetched)
      quoted.push(fetched)
    },
    ended(fetched, decoded) {
      // A chunk that was dropped may still be decoded.
      if (!known.has(fetched)) void decoded.then(() => fetched.release?.())
    },
    decided(end) {
      if (quoted.length === 0) return
      for (const fetched of quoted) if (fetched.end <= end) fetched.release?.()
      quoted = quoted.filter((fetched) => fetched.end > end)
    },
    forget() {
      quoted = []
    },
  }
}
