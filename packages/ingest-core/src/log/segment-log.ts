import { constants } from 'node:fs'
import { mkdir, open, rename, rm, unlink } from 'node:fs/promises'
import type { Codec } from '../codecs/codec.ts'
import { LogError } from '../errors/log-error.ts'
import { createPartitionWriter } from './partition-writer.ts'
import type { PartitionWriter } from './partition-writer.ts'
import type { LogRecord } from './encode-batch.ts'
import { lockLog } from './log-lock.ts'
import {
  checkTopicName,
  newLogId,
  partitionFolder,
  readIfThere,
  readLogMeta,
  syncFolder,
  writeLogMeta,
  writePartitionTopicId,
} from './log-meta.ts'
import type { LogMeta, LogTopic } from './log-meta.ts'
import { listSegments, segmentPath } from './segment-files.ts'

export interface SegmentLogOptions {
  /** Folder of the log; made when missing. */
  readonly root: string
  /** For a new log; default: a random id. */
  readonly clusterId?: string
  /** A segment is closed before it would exceed this, bytes. Default 64 MiB. */
  readonly segmentBytes?: number
  /** Records of waiting appends are gathered into batches of about this, bytes before compression. Default 256 KiB. */
  readonly batchBytes?: number
  /** Default `none`. */
  readonly codec?: Codec
  /** gzip and zstd only. */
  readonly level?: number
  /**
   * `append` (default): an append resolves when its records survive a power cut; appends that wait together share one
   * fsync. `roll`: fsync at the end of a segment, at `flush` and at `close` only; survives a crash of the process.
   */
  readonly fsync?: 'append' | 'roll'
  /** What a damaged batch with intact ones behind it does to opening: `refuse` (default), or `cut` from there on. */
  readonly damage?: 'refuse' | 'cut'
}

/** A torn tail that was cut off at opening. */
export interface LogRepair {
  readonly topic: string
  readonly partition: number
  readonly baseOffset: number
  readonly position: number
  readonly bytes: number
}

export interface SegmentLog {
  readonly clusterId: string
  readonly root: string
  /** What opening cut off. */
  readonly repaired: readonly LogRepair[]
  topics(): ReadonlyMap<string, LogTopic>
  /** @throws LogError LOG_TOPIC_EXISTS */
  createTopic(topic: string, options: { readonly partitions: number }): Promise<LogTopic>
  /** Raises the number of partitions to `partitions`. */
  addPartitions(topic: string, partitions: number): Promise<LogTopic>
  /** Deletes the topic and its records; made again, it has another id. */
  deleteTopic(topic: string): Promise<void>
  /**
   * Appends in order and without holes; resolves with the offset of the first record. Appends that wait for the disk
   * are written together.
   * @throws LogError LOG_TOPIC_UNKNOWN, LOG_RECORD_TOO_LARGE, LOG_WRITE_FAILED, LOG_BROKEN, LOG_CLOSED
   */
  append(topic: string, partition: number, records: readonly LogRecord[]): Promise<number>
  /** Appends records of several partitions of one topic; one receipt per partition present, in order of appearance. */
  write(
    topic: string,
    records: readonly (LogRecord & { readonly partition: number })[],
  ): Promise<{ partition: number; baseOffset: number }[]>
  bounds(topic: string, partition: number): Promise<{ start: number; end: number }>
  /** Moves the log start up to `offset`; whole segments below it are deleted. */
  deleteRecordsBefore(topic: string, partition: number, offset: number): Promise<void>
  /** Everything appended so far survives a power cut when this resolves. */
  flush(): Promise<void>
  /** Waits for appends, then lets go of the lock. Safe to call twice. */
  close(): Promise<void>
}

/**
 * Opens or makes a segment log for writing: `<root>/<topic>-<partition>/<base offset>.log` hold Kafka record batches exactly
 * as a broker does, `<root>/meta.json` the identities. One process writes; any number read
 * (`createSegmentLogSource`). A torn tail is cut off here and only here.
 * @throws LogError LOG_LOCKED, LOG_CORRUPT
 */
export async function openSegmentLog(options: SegmentLogOptions): Promise<SegmentLog> {
  const {
    root,
    segmentBytes = 64 * 1024 * 1024,
    batchBytes = 256 * 1024,
    codec = 'none',
    fsync = 'append',
    damage = 'refuse',
  } = options
  for (const [name, value] of Object.entries({ segmentBytes, batchBytes })) {
    if (!Number.isSafeInteger(value) || value < 1) throw new TypeError(`${name} must be a whole number above 0`)
  }
  const writerOptions = { segmentBytes, batchBytes, codec, level: options.level, fsync, damage }
  await mkdir(root, { recursive: true })
  const unlock = await lockLog(root)
  const writers = new Map<string, PartitionWriter>()
  const repaired: LogRepair[] = []
  let meta: LogMeta
  let closing: Promise<void> | undefined
  /** Changes of meta.json, one after the other. */
  let turn: Promise<unknown> = Promise.resolve()

  async function openWriter(topic: string, partition: number): Promise<void> {
    const folder = partitionFolder(root, topic, partition)
    const { writer, repair } = await createPartitionWriter(folder, `${topic}-${partition}`, writerOptions)
    writers.set(`${topic}-${partition}`, writer)
    if (repair !== undefined) repaired.push({ topic, partition, ...repair })
  }

  try {
    if ((await readIfThere(`${root}/meta.json`)) === undefined) {
      if ((await readIfThere(`${root}/meta.properties`)) !== undefined) {
        throw new LogError('LOG_CORRUPT', `${root} belongs to a Kafka broker and can only be read`)
      }
      await writeLogMeta(root, { clusterId: options.clusterId ?? newLogId(), topics: new Map(), contiguous: true })
    }
    meta = await readLogMeta(root)
    if (options.clusterId !== undefined && options.clusterId !== meta.clusterId) {
      throw new LogError('LOG_CORRUPT', `${root} has cluster id ${meta.clusterId}, not ${options.clusterId}`)
    }
    for (const [topic, { partitions }] of meta.topics) {
      for (let partition = 0; partition < partitions; partition++) await openWriter(topic, partition)
    }
  } catch (error) {
    await Promise.all([...writers.values()].map((writer) => writer.close()))
    await unlock()
    throw error
  }

  function serially<T>(change: () => Promise<T>): Promise<T> {
    assertOpen()
    const result = turn.then(change)
    turn = result.catch(() => undefined)
    return result
  }

  function assertOpen(): void {
    if (closing !== undefined) throw new LogError('LOG_CLOSED', `${root}: the log is closed`)
  }

  function topicOf(topic: string): LogTopic {
    const known = meta.topics.get(topic)
    if (known === undefined) throw new LogError('LOG_TOPIC_UNKNOWN', `${root} has no topic ${topic}; create it first`)
    return known
  }

  function writerOf(topic: string, partition: number): PartitionWriter {
    assertOpen()
    const { partitions } = topicOf(topic)
    const writer = writers.get(`${topic}-${partition}`)
    if (writer === undefined || !(partition >= 0 && partition < partitions)) {
      throw new LogError(
        'LOG_TOPIC_UNKNOWN',
        `${root}: topic ${topic} has ${partitions} partitions, ${partition} is none of them`,
      )
    }
    return writer
  }

  async function saveTopic(topic: string, described: LogTopic | undefined): Promise<void> {
    const topics = new Map(meta.topics)
    if (described === undefined) topics.delete(topic)
    else topics.set(topic, described)
    const next = { ...meta, topics }
    await writeLogMeta(root, next)
    meta = next
  }

  /** Folders first, then the meta file that makes them count: a crash between leaves folders nobody reads. */
  async function makePartitions(topic: string, id: string, from: number, to: number): Promise<void> {
    for (let partition = from; partition < to; partition++) {
      const folder = partitionFolder(root, topic, partition)
      await rm(folder, { recursive: true, force: true })
      await mkdir(folder)
      await writePartitionTopicId(folder, id)
      await (await open(segmentPath(folder, 0), constants.O_CREAT | constants.O_EXCL | constants.O_RDWR)).close()
      await syncFolder(folder)
    }
    await syncFolder(root)
  }

  function checkPartitions(partitions: number): void {
    if (!Number.isSafeInteger(partitions) || partitions < 1 || partitions > 10_000) {
      throw new TypeError('a topic has 1 to 10000 partitions')
    }
  }

  const log: SegmentLog = {
    clusterId: meta.clusterId,
    root,
    repaired,
    topics: () => meta.topics,
    createTopic: (topic, { partitions }) => {
      checkTopicName(topic)
      checkPartitions(partitions)
      return serially(async () => {
        if (meta.topics.has(topic)) throw new LogError('LOG_TOPIC_EXISTS', `${root} has a topic ${topic} already`)
        const described = { id: newLogId(), partitions, logStart: new Array<number>(partitions).fill(0) }
        await makePartitions(topic, described.id, 0, partitions)
        for (let partition = 0; partition < partitions; partition++) await openWriter(topic, partition)
        await saveTopic(topic, described)
        return described
      })
    },
    addPartitions: (topic, partitions) => {
      checkPartitions(partitions)
      return serially(async () => {
        const known = topicOf(topic)
        if (partitions <= known.partitions) return known
        await makePartitions(topic, known.id, known.partitions, partitions)
        for (let partition = known.partitions; partition < partitions; partition++) await openWriter(topic, partition)
        const added = new Array<number>(partitions - known.partitions).fill(0)
        const described = { ...known, partitions, logStart: [...known.logStart, ...added] }
        await saveTopic(topic, described)
        return described
      })
    },
    deleteTopic: (topic) =>
      serially(async () => {
        const { partitions } = topicOf(topic)
        await saveTopic(topic, undefined)
        for (let partition = 0; partition < partitions; partition++) {
          const name = `${topic}-${partition}`
          await writers.get(name)!.close()
          writers.delete(name)
          // Renamed first, so that no reader can find half a folder under the topic's name.
          const doomed = `${root}/.deleted-${newLogId()}`
          await rename(partitionFolder(root, topic, partition), doomed)
          await rm(doomed, { recursive: true, force: true })
        }
      }),
    async append(topic, partition, records) {
      return writerOf(topic, partition).append(records)
    },
    async write(topic, records) {
      const byPartition = new Map<number, LogRecord[]>()
      for (const record of records) {
        const list = byPartition.get(record.partition)
        if (list === undefined) byPartition.set(record.partition, [record])
        else list.push(record)
      }
      for (const partition of byPartition.keys()) writerOf(topic, partition)
      const appends = [...byPartition].map(async ([partition, list]) => {
        return { partition, baseOffset: await writerOf(topic, partition).append(list) }
      })
      await Promise.allSettled(appends)
      return Promise.all(appends)
    },
    async bounds(topic, partition) {
      const { end } = writerOf(topic, partition)
      return { start: topicOf(topic).logStart[partition]!, end: end() }
    },
    deleteRecordsBefore: (topic, partition, offset) =>
      serially(async () => {
        const writer = writerOf(topic, partition)
        const known = topicOf(topic)
        if (!Number.isSafeInteger(offset) || offset < 0 || offset > writer.end()) {
          throw new RangeError(`the log start of ${topic}-${partition} can be 0 to ${writer.end()}, not ${offset}`)
        }
        if (offset <= known.logStart[partition]!) return
        await saveTopic(topic, { ...known, logStart: known.logStart.with(partition, offset) })
        const folder = partitionFolder(root, topic, partition)
        const bases = await listSegments(folder)
        for (let i = 0; i + 1 < bases.length && bases[i + 1]! <= offset; i++)
          await unlink(segmentPath(folder, bases[i]!))
      }),
    async flush() {
      assertOpen()
      await Promise.all([...writers.values()].map((writer) => writer.flush()))
    },
    close() {
      closing ??= turn.then(async () => {
        const results = await Promise.allSettled([...writers.values()].map((writer) => writer.close()))
        await unlock()
        const failed = results.find((result) => result.status === 'rejected')
        if (failed !== undefined) throw failed.reason
      })
      return closing
    },
  }
  return log
}
