import type { ColumnBatch } from '@sluice/columnar'
import type { PartitionId } from '../contracts/records.ts'
import type { CommitReceipt, Counts, Reject, Sink, SinkBatch, SinkUsage } from '../contracts/sink.ts'
import { partitionKey } from '../pipeline/partition-key.ts'
import { SinkError } from './errors.ts'

/** What memory sinks share, as several processes share a store. */
export interface MemoryLake {
  readonly partitions: Map<string, MemoryPartition>
}

export interface MemoryPartition {
  readonly partition: PartitionId
  /** Progress. */
  readonly next: number
  readonly batches: readonly ColumnBatch[]
  readonly dead: readonly Reject[]
}

export function createMemoryLake(): MemoryLake {
  return { partitions: new Map() }
}

interface Buffer {
  readonly partition: PartitionId
  readonly start: number
  end: number
  readonly batches: SinkBatch[]
}

/** Rows in memory, with progress in the same act: for tests. It has no late lane; late rows are stored. */
export function createMemorySink(lake: MemoryLake = createMemoryLake()): Sink {
  const open = new Map<string, Buffer>()
  let closed = false

  function bufferOf(partition: PartitionId): Buffer {
    const buffer = open.get(partitionKey(partition))
    if (buffer !== undefined) return buffer
    throw new SinkError('SINK_NOT_OPEN', `${partition.topic}[${partition.partition}] is not open`)
  }

  function commit(buffer: Buffer): Counts {
    const key = partitionKey(buffer.partition)
    const before = lake.partitions.get(key)!
    if (before.next !== buffer.start) {
      throw new SinkError('FENCED', `${buffer.partition.topic}[${buffer.partition.partition}] is at ${before.next} now`)
    }
    const { batches } = buffer
    const sum = (count: (batch: SinkBatch) => number): number => batches.reduce((total, each) => total + count(each), 0)
    lake.partitions.set(key, {
      partition: buffer.partition,
      next: buffer.end,
      batches: [...before.batches, ...batches.map((each) => each.batch)],
      dead: [...before.dead, ...batches.flatMap((each) => each.rejects)],
    })
    return {
      consumed: sum((each) => each.consumed),
      stored: sum((each) => each.batch.length),
      late: 0,
      duplicate: sum((each) => each.duplicate),
      filtered: sum((each) => each.filtered),
      deadLettered: sum((each) => each.rejects.length),
    }
  }

  return {
    name: 'memory',
    async open(partition, first, signal) {
      const key = partitionKey(partition)
      if (closed) throw new SinkError('SINK_NOT_OPEN', 'the sink is closed')
      if (open.has(key)) throw new SinkError('SINK_ALREADY_OPEN', `${partition.topic}[${partition.partition}] is open`)
      if (!lake.partitions.has(key)) {
        const next = await first()
        signal.throwIfAborted()
        if (!lake.partitions.has(key)) lake.partitions.set(key, { partition, next, batches: [], dead: [] })
      }
      const { next } = lake.partitions.get(key)!
      open.set(key, { partition, start: next, end: next, batches: [] })
      return { next }
    },
    async write(batch, signal): Promise<SinkUsage> {
      signal.throwIfAborted()
      const buffer = bufferOf(batch.partition)
      if (batch.start !== buffer.end || batch.end < batch.start) {
        throw new SinkError('SINK_NOT_CONTIGUOUS', `batch [${batch.start}, ${batch.end}) after ${buffer.end}`)
      }
      const outcomes = batch.batch.length + batch.rejects.length + batch.filtered + batch.duplicate
      if (outcomes !== batch.consumed) {
        throw new SinkError('SINK_BATCH_INVALID', `consumed ${batch.consumed}, outcomes ${outcomes}`)
      }
      buffer.batches.push(batch)
      buffer.end = batch.end
      const rows = buffer.batches.reduce((sum, each) => sum + each.batch.length, 0)
      // No encoder: a row counts as 100 bytes.
      return { rows, bufferedBytes: rows * 100, encodedBytes: rows * 100, openFiles: rows > 0 ? 1 : 0 }
    },
    async commit(cut, signal): Promise<CommitReceipt | undefined> {
      signal.throwIfAborted()
      const { partition } = cut
      const buffer = bufferOf(partition)
      const { start, end } = buffer
      if (end === start) return undefined
      const counts = commit(buffer)
      open.set(partitionKey(partition), { partition, start: end, end, batches: [] })
      return { partition, start, end, counts, files: [], reason: cut.reason }
    },
    async abandon(partition) {
      open.delete(partitionKey(partition))
    },
    async close() {
      closed = true
      open.clear()
    },
  }
}
