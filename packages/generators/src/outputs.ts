import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Writable } from 'node:stream'
import { once } from 'node:events'

/** A record as it goes to a log: Kafka's parts, nothing else. */
export interface OutRecord {
  readonly partition: number
  readonly key: Uint8Array | null
  /** Null is a tombstone. */
  readonly value: Uint8Array | null
  /** Milliseconds since epoch. */
  readonly timestamp: number
  readonly headers?: readonly RecordHeader[]
}

export type RecordHeader = readonly [name: string, value: Uint8Array]

/** Offset given to the first record of `partition` in a write; the others of that partition follow without holes. */
export interface WriteReceipt {
  readonly partition: number
  readonly baseOffset: number
}

/**
 * Where records go. A segment log, a Kafka producer or a file joins by these two methods. `write` resolves when the
 * records are accepted, keeps the order within a partition, and answers one receipt per partition present.
 */
export interface Output {
  write(topic: string, records: readonly OutRecord[]): Promise<readonly WriteReceipt[]>
  /** Safe to call twice. */
  close(): Promise<void>
}

/** First offsets of a topic's partitions; what is not named begins at 0. */
export type FirstOffsets = Readonly<Record<string, readonly number[]>>

/** Numbers records per topic and partition. */
function createOffsets(first: FirstOffsets = {}) {
  const next = new Map<string, number>()
  return (topic: string, records: readonly OutRecord[]): WriteReceipt[] => {
    const receipts = new Map<number, WriteReceipt>()
    for (const { partition } of records) {
      const name = `${topic}\u0000${partition}`
      const offset = next.get(name) ?? first[topic]?.[partition] ?? 0
      next.set(name, offset + 1)
      if (!receipts.has(partition)) receipts.set(partition, { partition, baseOffset: offset })
    }
    return [...receipts.values()]
  }
}

export interface MemoryOutput extends Output {
  /** Records of a partition, index = offset. */
  records(topic: string, partition: number): readonly OutRecord[]
  readonly topics: readonly string[]
}

/** Keeps everything in memory; for tests and small runs. */
export function createMemoryOutput(): MemoryOutput {
  const offsets = createOffsets()
  const topics = new Map<string, Map<number, OutRecord[]>>()
  return {
    async write(topic, records) {
      let partitions = topics.get(topic)
      if (partitions === undefined) topics.set(topic, (partitions = new Map()))
      for (const record of records) {
        const list = partitions.get(record.partition)
        if (list === undefined) partitions.set(record.partition, [record])
        else list.push(record)
      }
      return offsets(topic, records)
    },
    async close() {},
    records: (topic, partition) => topics.get(topic)?.get(partition) ?? [],
    get topics() {
      return [...topics.keys()]
    },
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function textOrBase64(bytes: Uint8Array | null): string | { base64: string } | null {
  if (bytes === null) return null
  if (bytes.length === 0 || bytes[0]! >= 0x20) {
    try {
      return utf8.decode(bytes)
    } catch (error) {
      if (!(error instanceof TypeError)) throw error // TypeError is how TextDecoder says "not UTF-8"
    }
  }
  return { base64: Buffer.from(bytes).toString('base64') }
}

/**
 * One JSON line per record: `{"topic","partition","offset","timestamp","key","value"}`. Key and value are text when
 * the bytes are UTF-8 text, otherwise `{"base64": "…"}`, so that faulty bytes survive exactly. Headers, where there are
 * any, are `"headers": {name: value}` in the same form.
 */
function formatLine(topic: string, record: OutRecord, offset: number): string {
  const { partition, timestamp } = record
  const key = textOrBase64(record.key)
  const line = { topic, partition, offset, timestamp, key, value: textOrBase64(record.value) }
  if (record.headers === undefined) return JSON.stringify(line) + '\n'
  const headers = Object.fromEntries(record.headers.map(([name, value]) => [name, textOrBase64(value)]))
  return JSON.stringify({ ...line, headers }) + '\n'
}

function formatLines(topic: string, records: readonly OutRecord[], receipts: readonly WriteReceipt[]): string {
  const next = new Map(receipts.map((r) => [r.partition, r.baseOffset]))
  let text = ''
  for (const record of records) {
    const offset = next.get(record.partition)!
    next.set(record.partition, offset + 1)
    text += formatLine(topic, record, offset)
  }
  return text
}

/** Writes lines to a stream (stdout by default), waiting for `drain` when it is full. Does not end the stream. */
export function createStreamOutput(
  stream: Writable = process.stdout,
  options: { readonly firstOffsets?: FirstOffsets } = {},
): Output {
  const offsets = createOffsets(options.firstOffsets)
  return {
    async write(topic, records) {
      const receipts = offsets(topic, records)
      if (!stream.write(formatLines(topic, records, receipts))) await once(stream, 'drain')
      return receipts
    },
    async close() {},
  }
}

/**
 * Writes lines to `<folder>/<topic>/<date>/<topic>-<date>-<hour>.jsonl`, date and hour (UTC) of the record's timestamp.
 * Appends to files that exist. At most `maxOpenFiles` (default 32) are open; the least recently used one is closed.
 */
export function createJsonlOutput(
  folder: string,
  options: { readonly maxOpenFiles?: number; readonly firstOffsets?: FirstOffsets } = {},
): Output {
  const { maxOpenFiles = 32 } = options
  const offsets = createOffsets(options.firstOffsets)
  const files = new Map<string, FileHandle>()

  async function append(path: string, text: string): Promise<void> {
    let file = files.get(path)
    if (file === undefined) {
      await mkdir(dirname(path), { recursive: true })
      file = await open(path, 'a')
    } else {
      files.delete(path)
    }
    files.set(path, file)
    await file.appendFile(text)
    if (files.size > maxOpenFiles) {
      const [oldest, handle] = files.entries().next().value!
      files.delete(oldest)
      await handle.close()
    }
  }

  return {
    async write(topic, records) {
      const receipts = offsets(topic, records)
      const next = new Map(receipts.map((r) => [r.partition, r.baseOffset]))
      const texts = new Map<string, string>()
      for (const record of records) {
        const offset = next.get(record.partition)!
        next.set(record.partition, offset + 1)
        const time = new Date(record.timestamp).toISOString()
        const [date, hour] = [time.slice(0, 10), time.slice(11, 13)]
        const path = `${folder}/${topic}/${date}/${topic}-${date}-${hour}.jsonl`
        texts.set(path, (texts.get(path) ?? '') + formatLine(topic, record, offset))
      }
      for (const [path, text] of texts) await append(path, text)
      return receipts
    },
    async close() {
      const handles = [...files.values()]
      files.clear()
      for (const handle of handles) await handle.close()
    },
  }
}
