import type { AssignmentChange, LogBounds, Source } from '../contracts/source.ts'
import type { Fetched, PartitionId } from '../contracts/records.ts'
import { LogError } from '../errors/log-error.ts'
import { SourceError } from '../errors/source-error.ts'
import { isMissing, partitionFolder, readLogMeta } from '../log/log-meta.ts'
import { createSegmentReader, FolderReplaced, SegmentGap } from '../log/segment-reader.ts'
import type { BatchRead, SegmentReader } from '../log/segment-reader.ts'
import { createPartitionTable } from './partition-table.ts'
import { waitFor } from './wait.ts'

export interface SegmentLogSourceOptions {
  /** Folder of a segment log, or data folder of a stopped Kafka broker. */
  readonly root: string
  /** Default: all topics. */
  readonly topics?: readonly string[]
  /** Look for new topics and partitions while running. Default true. */
  readonly follow?: boolean
  /** How long a poll waits when nothing is there, ms. Default 100. */
  readonly waitMs?: number
  /** How often to look for new partitions, ms. Default 1000. */
  readonly refreshMs?: number
}

interface Reading {
  readonly reader: SegmentReader
  positioned: boolean
}

/**
 * Reads a segment log as raw record batches (`kind: 'batches'`): one read per partition and poll, nothing inflated or
 * decoded here. Several processes may read while one writes; an unfinished batch at the end is never handed out.
 * Topics named but absent are waited for when following, and SOURCE_TOPIC_UNKNOWN otherwise.
 * @throws LogError LOG_NOT_FOUND when the folder holds no log
 */
export async function createSegmentLogSource(options: SegmentLogSourceOptions): Promise<Source> {
  const { root, topics, follow = true, waitMs = 100, refreshMs = 1000 } = options
  const wanted = topics === undefined ? undefined : new Set(topics)
  const name = 'segment-log'
  let meta = await readLogMeta(root)
  const table = createPartitionTable<Reading>(name, (reading) => reading.reader.close())

  async function refresh(): Promise<AssignmentChange> {
    meta = await readLogMeta(root)
    const present: PartitionId[] = []
    for (const [topic, { id, partitions }] of meta.topics) {
      if (wanted !== undefined && !wanted.has(topic)) continue
      for (let partition = 0; partition < partitions; partition++) {
        present.push({ clusterId: meta.clusterId, topicId: id, topic, partition })
      }
    }
    return table.replace(present, ({ topic, topicId, partition }) => ({
      reader: createSegmentReader({
        folder: partitionFolder(root, topic, partition),
        topicId,
        contiguous: meta.contiguous,
      }),
      positioned: false,
    }))
  }

  async function boundsOf(partition: PartitionId): Promise<LogBounds> {
    const { reader } = table.get(partition)
    meta = await readLogMeta(root)
    const topic = meta.topics.get(partition.topic)
    if (meta.clusterId !== partition.clusterId || topic?.id !== partition.topicId) throw replaced(partition)
    const { start, end } = await reReading(partition, reader, () => reader.bounds())
    return { start: Math.max(start, topic.logStart[partition.partition] ?? 0), end }
  }

  function replaced(partition: PartitionId): SourceError {
    const message = `${partition.topic}-${partition.partition}: topic ${partition.topicId} is gone from ${root}; another may have its name`
    return new SourceError('SOURCE_REPLACED', message, { source: name, partition })
  }

  function explain(error: unknown, partition: PartitionId): unknown {
    if (error instanceof FolderReplaced) return replaced(partition)
    if (error instanceof SegmentGap) return outOfRange(partition, error.start, error.end)
    if (error instanceof LogError && error.code !== 'LOG_NOT_FOUND') {
      return new SourceError('SOURCE_CORRUPT', `${partition.topic}-${partition.partition}: ${error.message}`, {
        source: name,
        partition,
        cause: error,
      })
    }
    if (isMissing(error)) return replaced(partition)
    return error
  }

  function outOfRange(partition: PartitionId, start: number, end: number): SourceError {
    return new SourceError(
      'OFFSET_OUT_OF_RANGE',
      `${partition.topic}-${partition.partition}: offsets ${start} to ${end - 1} are not in the log; going on without them is for an operator to decide`,
      { source: name, partition, missing: { start, end } },
    )
  }

  /** Damage may be of the read and not of the disk: look once more with fresh handles before saying so (input 28). */
  async function reReading<T>(partition: PartitionId, reader: SegmentReader, run: () => Promise<T>): Promise<T> {
    try {
      return await run()
    } catch (error) {
      if (!(error instanceof LogError)) throw explain(error, partition)
    }
    try {
      await reader.reset()
      return await run()
    } catch (error) {
      throw explain(error, partition)
    }
  }

  async function readNext(partition: PartitionId, maxBytes: number): Promise<BatchRead | undefined> {
    const { reader } = table.get(partition)
    try {
      return await reReading(partition, reader, () => reader.read(maxBytes))
    } catch (error) {
      if (!(error instanceof SourceError) || error.code !== 'SOURCE_REPLACED') throw error
      // A segment deleted by retention looks the same from below: when the topic is still there, say what is missing.
      const { start } = await boundsOf(partition)
      const next = reader.next()
      throw next !== undefined && next < start ? outOfRange(partition, next, start) : error
    }
  }

  async function pollOnce(maxBytes: number, signal: AbortSignal): Promise<Fetched[]> {
    const ready = table.turn((reading) => reading.positioned)
    const fetched: Fetched[] = []
    let left = maxBytes
    for (let i = 0; i < ready.length && left > 0 && !signal.aborted; i++) {
      const { partition, state } = ready[i]!
      // An equal share of what is left, so that a busy partition cannot starve the others (fault 33).
      const share = Math.max(Math.floor(left / (ready.length - i)), 1)
      try {
        await table.exclusively(partition, async () => {
          if (table.isPaused(partition)) return
          const read = await readNext(partition, share)
          if (read === undefined) return
          left -= read.bytes.length
          fetched.push({ partition, kind: 'batches', ...read, byteLength: read.bytes.length })
        })
      } catch (error) {
        if (!table.holds(partition, state)) continue
        // What was read before has moved its positions and must arrive; this partition's turn comes again.
        if (fetched.length === 0) throw error
        table.next(partition)
        break
      }
    }
    return fetched
  }

  return {
    name,
    async *assignments(signal) {
      table.assertOpen()
      const first = await refresh()
      const missing = [...(wanted ?? [])].filter((topic) => !meta.topics.has(topic))
      if (missing.length > 0 && !follow) {
        throw new SourceError('SOURCE_TOPIC_UNKNOWN', `${root} has no topic ${missing.join(', ')}`, { source: name })
      }
      yield first
      while (await waitFor(follow ? refreshMs : undefined, AbortSignal.any([signal, table.closed]))) {
        const change = await refresh()
        if (change.assigned.length > 0 || change.revoked.length > 0) yield change
      }
    },
    async bounds(partition) {
      return table.exclusively(partition, () => boundsOf(partition))
    },
    async seek(partition, next) {
      await table.exclusively(partition, async () => {
        const reading = table.get(partition)
        const { start, end } = await boundsOf(partition)
        if (next < start) throw outOfRange(partition, next, start)
        if (next > end) throw outOfRange(partition, end, next)
        await reReading(partition, reading.reader, () => reading.reader.locate(next))
        reading.positioned = true
      })
    },
    async poll(maxBytes, signal) {
      table.assertOpen()
      const fetched = await pollOnce(maxBytes, signal)
      if (fetched.length > 0 || signal.aborted) return fetched
      if (!(await waitFor(waitMs, AbortSignal.any([signal, table.closed])))) return []
      return pollOnce(maxBytes, signal)
    },
    pause: (partition, paused) => table.pause(partition, paused),
    /** The log keeps no consumer positions: progress lives in the sink. */
    async reportProgress() {},
    close: () => table.close(),
  }
}
