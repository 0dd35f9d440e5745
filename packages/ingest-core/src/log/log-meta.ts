import { randomBytes } from 'node:crypto'
import { open, readdir, readFile, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { LogError } from '../errors/log-error.ts'

export interface LogTopic {
  /** Chosen at creation; a topic made again under the name gets another. */
  readonly id: string
  readonly partitions: number
  /** First readable offset per partition; segments may still hold older records. */
  readonly logStart: readonly number[]
}

/** What a folder of segment files says about itself. */
export interface LogMeta {
  readonly clusterId: string
  readonly topics: ReadonlyMap<string, LogTopic>
  /** Offsets have no holes between segments: true for logs written here, false for a broker's (compaction). */
  readonly contiguous: boolean
}

const metaFile = 'meta.json'
const partitionFile = 'partition.metadata'

/** 16 random bytes the way Kafka writes ids; never starting with `-`, as there. */
export function newLogId(): string {
  for (;;) {
    const id = randomBytes(16).toString('base64url')
    if (!id.startsWith('-')) return id
  }
}

/** Kafka's own rule for topic names. */
export function checkTopicName(topic: string): void {
  if (!/^[A-Za-z0-9._-]{1,249}$/.test(topic) || topic === '.' || topic === '..') {
    throw new TypeError('a topic name has 1 to 249 characters of A-Z a-z 0-9 . _ - and is not . or ..')
  }
}

export function partitionFolder(root: string, topic: string, partition: number): string {
  return join(root, `${topic}-${partition}`)
}

/**
 * Reads `meta.json`, or, in the data folder of a stopped Kafka broker, `meta.properties` and what lies beside it.
 * @throws LogError LOG_NOT_FOUND when there is neither, LOG_CORRUPT when it cannot be understood
 */
export async function readLogMeta(root: string): Promise<LogMeta> {
  const text = await readIfThere(join(root, metaFile))
  if (text !== undefined) return parseMeta(root, text)
  const properties = await readIfThere(join(root, 'meta.properties'))
  if (properties === undefined) {
    throw new LogError(
      'LOG_NOT_FOUND',
      `no segment log in ${root}: neither ${metaFile} nor a broker's meta.properties is there`,
    )
  }
  return readBrokerMeta(root, properties)
}

function parseMeta(root: string, text: string): LogMeta {
  try {
    const { version, clusterId, topics } = JSON.parse(text)
    if (version !== 1 || typeof clusterId !== 'string') throw new TypeError(`version ${version} is not known`)
    const entries = Object.entries(topics as Record<string, LogTopic>)
    for (const [topic, { id, partitions, logStart }] of entries) {
      checkTopicName(topic)
      if (typeof id !== 'string' || !Number.isSafeInteger(partitions) || logStart.length !== partitions) {
        throw new TypeError(`topic ${topic} is not described fully`)
      }
    }
    return { clusterId, topics: new Map(entries), contiguous: true }
  } catch (cause) {
    throw new LogError('LOG_CORRUPT', `${join(root, metaFile)} cannot be understood`, { cause })
  }
}

async function readBrokerMeta(root: string, properties: string): Promise<LogMeta> {
  const clusterId = /^cluster\.id=(.+)$/m.exec(properties)?.[1]?.trim()
  if (clusterId === undefined) throw new LogError('LOG_CORRUPT', `${join(root, 'meta.properties')} names no cluster.id`)
  const starts = new Map<string, number>()
  for (const line of ((await readIfThere(join(root, 'log-start-offset-checkpoint'))) ?? '').split('\n').slice(2)) {
    const [topic, partition, offset] = line.split(' ')
    if (offset !== undefined) starts.set(`${topic}-${partition}`, Number(offset))
  }
  const topics = new Map<string, LogTopic>()
  for (const entry of (await readdir(root, { withFileTypes: true })).toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const parts = entry.isDirectory() ? /^(.+)-(\d+)$/.exec(entry.name) : null
    if (parts === null) continue
    const topic = parts[1]!
    const id = await readPartitionTopicId(join(root, entry.name))
    if (id === undefined) continue
    const known = topics.get(topic)
    const partitions = Math.max(known?.partitions ?? 0, Number(parts[2]) + 1)
    const logStart = Array.from({ length: partitions }, (_, partition) => starts.get(`${topic}-${partition}`) ?? 0)
    topics.set(topic, { id, partitions, logStart })
  }
  return { clusterId, topics, contiguous: false }
}

/** Writes `meta.json` so that a reader sees the old or the new text, whole, also after a power cut. */
export async function writeLogMeta(root: string, meta: LogMeta): Promise<void> {
  const body = { version: 1, clusterId: meta.clusterId, topics: Object.fromEntries(meta.topics) }
  await replaceFile(join(root, metaFile), `${JSON.stringify(body, null, 2)}\n`)
}

/** The file a broker keeps in each partition folder; it ties the folder to one life of the topic. */
export async function writePartitionTopicId(folder: string, topicId: string): Promise<void> {
  await replaceFile(join(folder, partitionFile), `version: 0\ntopic_id: ${topicId}`)
}

export async function readPartitionTopicId(folder: string): Promise<string | undefined> {
  const text = await readIfThere(join(folder, partitionFile))
  return text === undefined ? undefined : /^topic_id:\s*(\S+)/m.exec(text)?.[1]
}

export async function replaceFile(path: string, text: string): Promise<void> {
  const next = `${path}.${process.pid}.next`
  const handle = await open(next, 'w')
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(next, path)
  await syncFolder(dirname(path))
}

export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

export function isMissing(error: unknown): boolean {
  return errnoOf(error) === 'ENOENT'
}

/** `ENOENT` and its like, when the error is one of the operating system's. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
