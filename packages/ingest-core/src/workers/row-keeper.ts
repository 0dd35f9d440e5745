import type { DecodedBatch } from '../decode/decoded.ts'
import { SinkError } from '../sink/errors.ts'

/** A decoded chunk that waits in its worker. */
interface Kept {
  readonly decoded: DecodedBatch
  release(): void
}

/**
 * Decoded rows that stay in the worker until its file sets, or the main thread, take them. Chunks of a partition are taken
 * in the order of their offsets, which need not be the order in which they were decoded: one that is passed over was dropped
 * by the pipeline, and its memory is let go.
 */
export interface RowKeeper {
  /** @returns number by which the rows are taken */
  keep(key: string, kept: Kept): number
  /** Runs `use` with the rows and lets their memory go. @throws SinkError SINK_BATCH_INVALID when they are not here */
  take<T>(key: string, id: number, use: (decoded: DecodedBatch) => T): T
  releaseAll(key: string): void
}

export function createRowKeeper(): RowKeeper {
  const kept = new Map<string, Map<number, Kept>>()
  let next = 1
  return {
    keep(key, chunk) {
      let chunks = kept.get(key)
      if (chunks === undefined) kept.set(key, (chunks = new Map()))
      chunks.set(next, chunk)
      return next++
    },
    take(key, id, use) {
      const chunks = kept.get(key)
      const chunk = chunks?.get(id)
      if (chunks === undefined || chunk === undefined) {
        throw new SinkError('SINK_BATCH_INVALID', `rows ${id} of ${key} are not in this worker any more`)
      }
      try {
        return use(chunk.decoded)
      } finally {
        for (const [other, { decoded, release }] of chunks) {
          if (decoded.start >= chunk.decoded.end) continue
          release()
          chunks.delete(other)
        }
      }
    },
    releaseAll(key) {
      for (const { release } of kept.get(key)?.values() ?? []) release()
      kept.delete(key)
    },
  }
}
