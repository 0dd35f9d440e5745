import { partitionKey, type PartitionId, type Sink, type SinkBatch } from '@sluice/ingest-core'

export interface ReadingSinkOptions {
  readonly onOpen?: (partition: PartitionId) => void
  readonly onBatch: (batch: SinkBatch) => void
}

interface Read {
  start: number
  end: number
  consumed: number
  stored: number
  filtered: number
  duplicate: number
  rejected: number
}

/**
 * A sink for those who only read: each batch is handed on in the order of its partition and is done with. Its progress
 * lives as long as the object, so a partition that is opened again goes on where it was.
 */
export function createReadingSink({ onOpen, onBatch }: ReadingSinkOptions): Sink {
  const progress = new Map<string, number>()
  const open = new Map<string, Read>()
  const fresh = (at: number): Read => ({
    start: at,
    end: at,
    consumed: 0,
    stored: 0,
    filtered: 0,
    duplicate: 0,
    rejected: 0,
  })
  return {
    name: 'reading',
    async open(partition, first) {
      const key = partitionKey(partition)
      const next = progress.get(key) ?? (await first())
      progress.set(key, next)
      open.set(key, fresh(next))
      onOpen?.(partition)
      return { next }
    },
    write(batch) {
      const read = open.get(partitionKey(batch.partition))!
      try {
        onBatch(batch)
      } catch (cause) {
        // Without a code of its own this ends the run: what the reader cannot take now, it cannot take later.
        throw new Error('the reader of the records failed', { cause })
      }
      read.end = batch.end
      read.consumed += batch.consumed
      read.stored += batch.batch.length + (batch.tombstones?.length ?? 0)
      read.filtered += batch.filtered
      read.duplicate += batch.duplicate
      read.rejected += batch.rejects.length
      // What was handed on is told and cannot be taken back: progress follows at once.
      progress.set(partitionKey(batch.partition), batch.end)
      return Promise.resolve({ rows: read.stored, bufferedBytes: 0, encodedBytes: 0, openFiles: 0 })
    },
    commit({ partition, reason }) {
      const key = partitionKey(partition)
      const { start, end, consumed, stored, filtered, duplicate, rejected } = open.get(key)!
      if (end === start) return Promise.resolve(undefined)
      open.set(key, fresh(end))
      const counts = { consumed, stored, late: 0, duplicate, filtered, deadLettered: rejected }
      return Promise.resolve({ partition, start, end, counts, files: [], reason })
    },
    abandon(partition) {
      open.delete(partitionKey(partition))
      return Promise.resolve()
    },
    close() {
      open.clear()
      return Promise.resolve()
    },
  }
}
