import type { AbortedTransaction, Fetched, PartitionId, SourceError } from '@sluice/ingest-core'

/** What has arrived and waits for a poll. */
export interface Chunk {
  readonly start: number
  readonly end: number
  readonly leaderEpoch: number
  readonly bytes: Uint8Array
  readonly aborted: readonly AbortedTransaction[]
  /** Gives the memory of `bytes` back. */
  readonly release: () => void
}

/** One partition during one assignment. Nothing of it survives into the next one (fault 17). */
export interface Reading {
  readonly partition: PartitionId
  /** Where the next chunk begins; undefined until the first seek. */
  next: number | undefined
  /** Counts seeks: what was asked for before one must not count after it. */
  version: number
  leaderEpoch: number
  /** There was nothing more to read when it was positioned or read last. */
  atEnd: boolean
  /** Bytes a batch needs that did not fit. */
  wanted: number
  ready: Chunk | undefined
  /** Why nothing is read until the next seek. */
  trouble: SourceError | undefined
  /** The trouble was told. */
  told: boolean
  /** Offset at which no batch was found; seen twice it is damage (input 28). */
  suspect: number | undefined
  /** Grows each time it is served, over all partitions: the one served longest ago goes first (fault 33). */
  served: number
}

export function createReading(partition: PartitionId): Reading {
  return {
    partition,
    next: undefined,
    version: 0,
    leaderEpoch: -1,
    atEnd: false,
    wanted: 0,
    ready: undefined,
    trouble: undefined,
    told: false,
    suspect: undefined,
    served: 0,
  }
}

export function position(reading: Reading, next: number, end: number): void {
  reading.version += 1
  reading.next = next
  reading.leaderEpoch = -1
  reading.atEnd = next >= end
  reading.wanted = 0
  reading.ready = undefined
  reading.trouble = undefined
  reading.told = false
  reading.suspect = undefined
}

export function stopWith(reading: Reading, trouble: SourceError): void {
  reading.version += 1
  reading.ready = undefined
  reading.trouble = trouble
  reading.told = false
}

/** Takes what is ready and moves the position behind it. */
export function take(reading: Reading): Fetched {
  const { start, end, bytes, aborted, leaderEpoch, release } = reading.ready!
  reading.ready = undefined
  reading.next = end
  reading.leaderEpoch = leaderEpoch
  return {
    partition: reading.partition,
    kind: 'batches',
    start,
    end,
    bytes,
    byteLength: bytes.length,
    release,
    ...(aborted.length > 0 && { abortedTransactions: aborted }),
  }
}
