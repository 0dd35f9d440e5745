import { createWriteStream } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Fetched, PartitionId } from '../contracts/records.ts'
import type { AssignmentChange, Source } from '../contracts/source.ts'
import { SourceError } from '../errors/source-error.ts'
import { checkTopicName, isMissing } from '../log/log-meta.ts'
import { filesOfFolder, openFileRegister } from './file-register.ts'
import { createLineFile, FileShrunk } from './line-file.ts'
import type { LineFile } from './line-file.ts'
import { createPartitionTable } from './partition-table.ts'
import { waitFor } from './wait.ts'

/** Where lines come from. A stream (stdin) is copied to `spool` first, so that its lines can be read again. */
export type JsonlInput =
  | { readonly folder: string; readonly suffix?: string }
  | { readonly files: readonly string[] }
  | { readonly stream: AsyncIterable<Uint8Array | string>; readonly spool: string }

export interface JsonlSourceOptions {
  /** All files belong to this topic. */
  readonly topic: string
  readonly from: JsonlInput
  /** Default: `.sluice-jsonl.json` beside the first file. Needed elsewhere when that folder is read-only. */
  readonly registerFile?: string
  /** Files may grow and new ones may come. A last line without line feed then waits for it. Default false. */
  readonly follow?: boolean
  /** Longer lines arrive cut to one byte more, which the decoder refuses as `record_too_large`. Default 8 MiB, its limit. */
  readonly maxLineBytes?: number
  /** How long a poll waits when nothing is there, ms. Default 100. */
  readonly waitMs?: number
  /** How often to look for new files, ms. Default 1000. */
  readonly refreshMs?: number
}

interface Reading {
  readonly file: LineFile
  readonly path: string
  positioned: boolean
}

/**
 * Reads files of lines. A file is a partition, the line number (from 0) the offset, the line without its end the value;
 * key and timestamp are unknown. Blank lines are holes; a byte order mark and CRLF are taken off.
 *
 * Identity: a small register beside the files gives each its partition number for ever, in name order at first sight, and
 * remembers a digest of its first line. Neither inode nor place matters, so a folder can be copied with its register; a file
 * whose first line is suddenly another is refused (SOURCE_REPLACED), never read as if it were the old one.
 */
export async function createJsonlSource(options: JsonlSourceOptions): Promise<Source> {
  const { topic, from, follow = false, maxLineBytes = 8 * 1024 * 1024, waitMs = 100, refreshMs = 1000 } = options
  checkTopicName(topic)
  if (!Number.isSafeInteger(maxLineBytes) || maxLineBytes < 1)
    throw new TypeError('maxLineBytes must be a whole number above 0')
  const name = 'jsonl'
  const stopCopy = new AbortController()
  let copyFailure: unknown
  let copying: Promise<void> = Promise.resolve()
  if ('stream' in from) {
    copying = pipeline(from.stream, createWriteStream(from.spool, { flags: 'wx' }), { signal: stopCopy.signal })
    if (!follow) await copying
    else {
      copying = copying.catch((error: unknown) => {
        if (!stopCopy.signal.aborted) copyFailure = error
      })
    }
  }

  async function files(): Promise<readonly string[]> {
    if ('folder' in from) return filesOfFolder(from.folder, from.suffix ?? '.jsonl')
    return ('files' in from ? from.files : [from.spool]).map((path) => resolve(path))
  }

  const besides = 'folder' in from ? from.folder : dirname('files' in from ? (from.files[0] ?? '.') : from.spool)
  const registerFile = options.registerFile ?? join(besides, '.sluice-jsonl.json')
  const register = await openFileRegister({ source: name, registerFile, files })
  const table = createPartitionTable<Reading>(name, (reading) => reading.file.close())

  async function refresh(): Promise<AssignmentChange> {
    if (copyFailure !== undefined) {
      throw new SourceError('SOURCE_UNAVAILABLE', 'the input stream failed', { source: name, cause: copyFailure })
    }
    const present = await register.refresh()
    const partitions = [...present.keys()]
      .sort((a, b) => a - b)
      .map((partition) => ({
        clusterId: register.id,
        topicId: topic,
        topic,
        partition,
      }))
    return table.replace(partitions, ({ partition }) => {
      const path = present.get(partition)!
      return { path, file: createLineFile({ path, complete: !follow, maxLineBytes }), positioned: false }
    })
  }

  /** Turns what can happen to a file into our errors; checks that it is still the same file. */
  async function withFile<T>(partition: PartitionId, run: (reading: Reading) => Promise<T>): Promise<T> {
    return table.exclusively(partition, async () => {
      const reading = table.get(partition)
      try {
        return await run(reading)
      } catch (error) {
        if (error instanceof SourceError) throw error
        const replaced = error instanceof FileShrunk || isMissing(error)
        throw new SourceError(
          replaced ? 'SOURCE_REPLACED' : 'SOURCE_UNAVAILABLE',
          `${reading.path}: ${replaced ? 'is gone or has become shorter' : 'cannot be read'}`,
          { source: name, partition, cause: error },
        )
      }
    })
  }

  async function boundsOf(partition: PartitionId, { file }: Reading): Promise<{ start: number; end: number }> {
    await register.identify(partition.partition, await file.fingerprint())
    return { start: 0, end: await file.count() }
  }

  async function pollOnce(maxBytes: number, signal: AbortSignal): Promise<Fetched[]> {
    const ready = table.turn((reading) => reading.positioned)
    const fetched: Fetched[] = []
    let left = maxBytes
    for (let i = 0; i < ready.length && left > 0 && !signal.aborted; i++) {
      const { partition, state } = ready[i]!
      const share = Math.max(Math.floor(left / (ready.length - i)), 1)
      try {
        await withFile(partition, async ({ file }) => {
          if (table.isPaused(partition)) return
          const read = await file.read(share)
          if (read === undefined) return
          left -= read.byteLength
          fetched.push({ partition, kind: 'slab', ...read })
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
      yield await refresh()
      while (await waitFor(follow ? refreshMs : undefined, AbortSignal.any([signal, table.closed]))) {
        const change = await refresh()
        if (change.assigned.length > 0 || change.revoked.length > 0) yield change
      }
    },
    bounds: (partition) => withFile(partition, (reading) => boundsOf(partition, reading)),
    seek: (partition, next) =>
      withFile(partition, async (reading) => {
        const { end } = await boundsOf(partition, reading)
        if (next < 0 || next > end) {
          const missing = next < 0 ? { start: next, end: 0 } : { start: end, end: next }
          const message = `${reading.path}: lines ${missing.start} to ${missing.end - 1} are not there`
          throw new SourceError('OFFSET_OUT_OF_RANGE', message, { source: name, partition, missing })
        }
        await reading.file.locate(next)
        reading.positioned = true
      }),
    async poll(maxBytes, signal) {
      table.assertOpen()
      const fetched = await pollOnce(maxBytes, signal)
      if (fetched.length > 0 || signal.aborted) return fetched
      if (!(await waitFor(waitMs, AbortSignal.any([signal, table.closed])))) return []
      return pollOnce(maxBytes, signal)
    },
    pause: (partition, paused) => table.pause(partition, paused),
    /** Files keep no consumer positions: progress lives in the sink. */
    async reportProgress() {},
    async close() {
      stopCopy.abort()
      await copying
      await table.close()
    },
  }
}
