import type { Fetched, PartitionId } from '../contracts/records.ts'
import type { AssignmentChange, Source } from '../contracts/source.ts'
import { SourceError } from '../errors/source-error.ts'
import { encodeRecordBatch } from '../log/encode-batch.ts'
import type { LogRecord } from '../log/encode-batch.ts'
import { splitRecordBatches } from '../log/record-batch.ts'
import { createPartitionTable } from './partition-table.ts'
import { waitFor } from './wait.ts'

export interface MemorySourceOptions {
  readonly topic: string
  /** Default 1. */
  readonly partitions?: number
  readonly clusterId?: string
  readonly topicId?: string
  /** What polls hand out. Default `batches`. */
  readonly kind?: Fetched['kind']
  /** Records per batch at most. Default 100. */
  readonly batchRecords?: number
  /** How long a poll waits when nothing is there, ms. Default 5. */
  readonly waitMs?: number
}

export interface MemorySource extends Source {
  readonly partitions: readonly PartitionId[]
  /** Appends; `skip` leaves a hole of so many offsets first. Answers the offset of the first record. */
  append(partition: number, records: readonly LogRecord[], skip?: number): number
  /** Moves the log start. */
  deleteRecordsBefore(partition: number, offset: number): void
  /** What was reported, in order. */
  readonly reported: readonly { readonly partition: PartitionId; readonly next: number }[]
}

interface Stored {
  readonly offset: number
  readonly record: LogRecord
}

interface MemoryLog {
  start: number
  end: number
  records: Stored[]
}

interface Reading {
  readonly log: MemoryLog
  next: number | undefined
}

/** A log in memory, for tests: the smallest source that keeps the whole contract. */
export function createMemorySource(options: MemorySourceOptions): MemorySource {
  const {
    topic,
    partitions = 1,
    clusterId = 'memory',
    topicId = topic,
    kind = 'batches',
    batchRecords = 100,
    waitMs = 5,
  } = options
  const name = 'memory'
  const ids = Array.from({ length: partitions }, (_, partition): PartitionId => ({
    clusterId,
    topicId,
    topic,
    partition,
  }))
  const logs = ids.map((): MemoryLog => ({ start: 0, end: 0, records: [] }))
  const reported: { partition: PartitionId; next: number }[] = []
  const table = createPartitionTable<Reading>(name, async () => {})

  function checkRange(partition: PartitionId, { log }: Reading, next: number): void {
    if (next >= log.start && next <= log.end) return
    const missing = next < log.start ? { start: next, end: log.start } : { start: log.end, end: next }
    const message = `${topic}-${partition.partition}: offsets ${missing.start} to ${missing.end - 1} are not in the log`
    throw new SourceError('OFFSET_OUT_OF_RANGE', message, { source: name, partition, missing })
  }

  function take(reading: Reading, maxBytes: number): Stored[] {
    const first = reading.log.records.findIndex(({ offset }) => offset >= reading.next!)
    if (first < 0) return []
    const taken: Stored[] = []
    let bytes = 0
    for (const stored of reading.log.records.slice(first, first + batchRecords)) {
      bytes += (stored.record.key?.length ?? 0) + (stored.record.value?.length ?? 0) + 32
      if (taken.length > 0 && bytes > maxBytes) break
      taken.push(stored)
    }
    return taken
  }

  function fetchedOf(partition: PartitionId, reading: Reading, maxBytes: number): Fetched | undefined {
    const taken = take(reading, maxBytes)
    const start = reading.next!
    const last = taken.at(-1)
    // Behind the last record there may still be a hole.
    const isEnd = last === undefined || last === reading.log.records.at(-1)
    const end = isEnd ? reading.log.end : last.offset + 1
    if (end === start) return undefined
    const bytes =
      taken.length === 0
        ? new Uint8Array(0)
        : encodeRecordBatch({
            baseOffset: taken[0]!.offset,
            records: taken.map(({ record }) => record),
            offsets: taken.map(({ offset }) => offset),
          })
    reading.next = end
    if (kind === 'batches') return { partition, kind, start, end, bytes, byteLength: bytes.length }
    const { slab } = splitRecordBatches(bytes, { maxInflatedBytes: 2 ** 30 })
    return { partition, kind, start, end, slab, byteLength: bytes.length }
  }

  function pollOnce(maxBytes: number): Fetched[] {
    table.assertOpen()
    const fetched: Fetched[] = []
    const ready = table.turn((reading) => reading.next !== undefined)
    let left = maxBytes
    ready.forEach(({ partition, state }, i) => {
      if (left <= 0) return
      if (fetched.length === 0) checkRange(partition, state, state.next!)
      else if (state.next! < state.log.start) return
      const one = fetchedOf(partition, state, Math.max(Math.floor(left / (ready.length - i)), 1))
      if (one === undefined) return
      left -= one.byteLength
      fetched.push(one)
    })
    return fetched
  }

  return {
    name,
    partitions: ids,
    reported,
    append(partition, records, skip = 0) {
      const log = logs[partition]!
      const first = log.end + skip
      log.records.push(...records.map((record, i) => ({ offset: first + i, record })))
      log.end = first + records.length
      return first
    },
    deleteRecordsBefore(partition, offset) {
      const log = logs[partition]!
      log.start = Math.max(log.start, Math.min(offset, log.end))
      log.records = log.records.filter((stored) => stored.offset >= log.start)
    },
    async *assignments(signal): AsyncGenerator<AssignmentChange> {
      yield table.replace(ids, ({ partition }) => ({ log: logs[partition]!, next: undefined }))
      await waitFor(undefined, AbortSignal.any([signal, table.closed]))
    },
    async bounds(partition) {
      const { log } = table.get(partition)
      return { start: log.start, end: log.end }
    },
    async seek(partition, next) {
      const reading = table.get(partition)
      checkRange(partition, reading, next)
      reading.next = next
    },
    async poll(maxBytes, signal) {
      table.assertOpen()
      if (signal.aborted) return []
      const fetched = pollOnce(maxBytes)
      if (fetched.length > 0) return fetched
      if (!(await waitFor(waitMs, AbortSignal.any([signal, table.closed])))) return []
      return pollOnce(maxBytes)
    },
    pause: (partition, paused) => table.pause(partition, paused),
    async reportProgress(progress) {
      reported.push(...progress)
    },
    close: () => table.close(),
  }
}
