import type { PartitionId, Source } from '@sluice/ingest-core'
import { valuesOf } from './reading.ts'

/** Follows the source like a pipeline does: errors are kept, positions are sought again when partitions come back. */
export function followAll(source: Source) {
  const read: string[] = []
  const errors: string[] = []
  const thrown: unknown[] = []
  const polled: string[] = []
  const partitions = new Map<number, PartitionId>()
  const next = new Map<number, number>()
  const ending = new AbortController()
  const note = (error: unknown): void => {
    errors.push(error instanceof Error && 'code' in error ? String(error.code) : String(error))
    thrown.push(error)
  }
  const seek = async (id: PartitionId): Promise<void> => {
    while (!ending.signal.aborted) {
      try {
        return await source.seek(id, next.get(id.partition) ?? 0)
      } catch (error) {
        note(error)
        if (errors.at(-1) === 'PARTITION_NOT_ASSIGNED') return
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    }
  }
  const assigning = (async () => {
    for await (const { assigned } of source.assignments(ending.signal)) {
      for (const id of assigned) {
        partitions.set(id.partition, id)
        await seek(id)
      }
    }
  })()
  const polling = (async () => {
    while (!ending.signal.aborted) {
      try {
        for (const one of await source.poll(1 << 20, ending.signal)) {
          const { partition } = one.partition
          // What an earlier life of the partition had under way is dropped, as a pipeline does.
          if (one.start !== (next.get(partition) ?? 0)) continue
          next.set(partition, one.end)
          read.push(...valuesOf(one).map(({ value }) => value))
        }
      } catch (error) {
        note(error)
        polled.push(errors.at(-1)!)
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    }
  })()
  return {
    read,
    /** Codes, in their order. */
    errors,
    thrown,
    /** Of the codes, those of polls. */
    polled,
    /** Every one that was ever assigned. */
    partitions,
    async end() {
      ending.abort()
      await Promise.all([assigning, polling])
    },
  }
}
