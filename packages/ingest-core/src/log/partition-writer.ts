import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import type { Codec } from '../codecs/codec.ts'
import { LogError } from '../errors/log-error.ts'
import { batchLengthAt, batchPrefixBytes } from './batch-header.ts'
import { encodeRecordBatch } from './encode-batch.ts'
import type { LogRecord } from './encode-batch.ts'
import { syncFolder } from './log-meta.ts'
import { listSegments, maxBatchBytes, readAt, scanBatches, segmentPath, viewOf } from './segment-files.ts'

export interface PartitionWriterOptions {
  readonly segmentBytes: number
  readonly batchBytes: number
  readonly codec: Codec
  readonly level: number | undefined
  readonly fsync: 'append' | 'roll'
  readonly damage: 'refuse' | 'cut'
}

export interface PartitionWriter {
  append(records: readonly LogRecord[]): Promise<number>
  /** Offset the next record will get. */
  end(): number
  flush(): Promise<void>
  close(): Promise<void>
}

interface PendingAppend {
  readonly records: readonly LogRecord[]
  readonly resolve: (baseOffset: number) => void
  readonly reject: (error: unknown) => void
}

export interface TailRepair {
  readonly baseOffset: number
  readonly position: number
  readonly bytes: number
}

/** Appends that wait together are written together, up to about this. */
const groupBytes = 8 * 1024 * 1024
/** Varints, header and rounding of one record, generously. */
const recordOverhead = 32

/** Opens the last segment of a partition folder, cuts off a torn tail, and appends behind it. */
export async function createPartitionWriter(
  folder: string,
  name: string,
  options: PartitionWriterOptions,
): Promise<{ writer: PartitionWriter; repair: TailRepair | undefined }> {
  const bases = await listSegments(folder)
  let base = bases.at(-1) ?? 0
  let handle = await open(segmentPath(folder, base), constants.O_RDWR | constants.O_CREAT)
  let nextOffset = base
  let position = 0
  let repair: TailRepair | undefined
  try {
    const { size } = await handle.stat()
    const end = await scanBatches(handle, { position: 0, size, verify: true }, (header) => {
      nextOffset = header.lastOffset + 1
    })
    position = end.position
    if (position < size) {
      if (end.stop === 'damaged' && options.damage === 'refuse')
        await refuseIfBatchesFollow(handle, position, size, nextOffset, folder, base)
      await handle.truncate(position)
      repair = { baseOffset: base, position, bytes: size - position }
    }
    await handle.sync()
  } catch (error) {
    await handle.close()
    throw error
  }
  let pending: PendingAppend[] = []
  let draining: Promise<void> | undefined
  let broken: LogError | undefined
  let closed = false
  let unsynced = false

  async function drain(): Promise<void> {
    while (pending.length > 0) {
      let count = 0
      for (let size = 0; count < pending.length && (count === 0 || size < groupBytes); count++) {
        size += sizeOf(pending[count]!.records)
      }
      const group = pending.slice(0, count)
      pending = pending.slice(count)
      await writeGroup(group)
    }
    draining = undefined
  }

  async function writeGroup(group: readonly PendingAppend[]): Promise<void> {
    const first = nextOffset
    try {
      if (broken !== undefined) throw broken
      for (const batch of batchesOf(group, first)) {
        if (position > 0 && position + batch.bytes.length > options.segmentBytes) await roll()
        await writeBatch(batch)
      }
      if (options.fsync === 'append') await sync()
    } catch (error) {
      for (const { reject } of group) reject(error)
      return
    }
    let offset = first
    for (const { records, resolve } of group) {
      resolve(offset)
      offset += records.length
    }
  }

  function* batchesOf(group: readonly PendingAppend[], first: number): Generator<{ bytes: Uint8Array; next: number }> {
    let offset = first
    let records: LogRecord[] = []
    let size = 0
    const encode = (): { bytes: Uint8Array; next: number } => {
      const { codec, level } = options
      const bytes = encodeRecordBatch({ baseOffset: offset, records, codec, ...(level === undefined ? {} : { level }) })
      offset += records.length
      records = []
      size = 0
      return { bytes, next: offset }
    }
    for (const append of group) {
      for (const record of append.records) {
        const bytes = recordBytes(record)
        if (records.length > 0 && size + bytes > options.batchBytes) yield encode()
        records.push(record)
        size += bytes
      }
    }
    if (records.length > 0) yield encode()
  }

  /** A batch is a whole write or it is cut off again; readers may have seen a whole one, so a whole one stays. */
  async function writeBatch(batch: { bytes: Uint8Array; next: number }): Promise<void> {
    const { bytes } = batch
    try {
      unsynced = true
      for (let done = 0; done < bytes.length;) {
        const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done)
        done += bytesWritten
      }
    } catch (cause) {
      await handle
        .truncate(position)
        .catch((truncateCause: unknown) => breakWith('a torn batch could not be cut off', truncateCause))
      throw new LogError(
        'LOG_WRITE_FAILED',
        `${name}: writing failed; records below offset ${nextOffset} are written, none above`,
        {
          cause,
        },
      )
    }
    position += bytes.length
    nextOffset = batch.next
  }

  async function sync(): Promise<void> {
    if (!unsynced) return
    try {
      await handle.datasync()
      unsynced = false
    } catch (cause) {
      // After a failed fsync the kernel may have dropped the pages: nothing written here can be trusted any more.
      throw breakWith('fsync failed', cause)
    }
  }

  function breakWith(what: string, cause: unknown): LogError {
    broken ??= new LogError('LOG_BROKEN', `${name}: ${what}; open the log again, which repairs the tail`, { cause })
    return broken
  }

  async function roll(): Promise<void> {
    await sync()
    const next = await open(segmentPath(folder, nextOffset), constants.O_RDWR | constants.O_CREAT | constants.O_EXCL)
    await handle.close()
    handle = next
    base = nextOffset
    position = 0
    await syncFolder(folder)
  }

  const writer: PartitionWriter = {
    append(records) {
      if (closed) return Promise.reject(new LogError('LOG_CLOSED', `${name}: the log is closed`))
      if (broken !== undefined) return Promise.reject(broken)
      if (records.length === 0) return Promise.resolve(nextOffset)
      for (const record of records) {
        if (!Number.isSafeInteger(record.timestamp)) {
          return Promise.reject(
            new TypeError(`${name}: a timestamp must be whole milliseconds, not ${record.timestamp}`),
          )
        }
        if (recordBytes(record) > maxBatchBytes / 2) {
          const message = `${name}: a record of ${recordBytes(record)} bytes is above the limit of ${maxBatchBytes / 2}`
          return Promise.reject(new LogError('LOG_RECORD_TOO_LARGE', message))
        }
      }
      return new Promise((resolve, reject) => {
        pending.push({ records, resolve, reject })
        // A turn of the event loop lets appends made together share a write and an fsync.
        draining ??= new Promise((resume) => setImmediate(resume)).then(drain)
      })
    },
    end: () => nextOffset,
    async flush() {
      await draining
      if (broken !== undefined) throw broken
      await sync()
    },
    async close() {
      if (closed) return
      closed = true
      await draining
      try {
        if (broken === undefined) await sync()
      } finally {
        await handle.close()
      }
    },
  }
  return { writer, repair }
}

/**
 * A tail is torn when nothing whole follows it. If the next batch is intact, bytes in the middle have gone bad, and
 * cutting them off would lose good records: that is for an operator to decide.
 */
async function refuseIfBatchesFollow(
  handle: FileHandle,
  position: number,
  size: number,
  nextOffset: number,
  folder: string,
  base: number,
): Promise<void> {
  const length = batchLength(await readAt(handle, position, batchPrefixBytes))
  if (length === undefined || position + length >= size) return
  let intactAfter = false
  await scanBatches(handle, { position: position + length, size, verify: true }, (header) => {
    intactAfter = header.baseOffset >= nextOffset
    return false
  })
  if (!intactAfter) return
  throw new LogError(
    'LOG_CORRUPT',
    `${segmentPath(folder, base)}: the batch at byte ${position} is damaged but others follow it; restore the file from a copy, or open with damage: 'cut' to lose what follows`,
  )
}

function batchLength(prefix: Uint8Array): number | undefined {
  try {
    return batchLengthAt(viewOf(prefix), 0)
  } catch (error) {
    if (error instanceof LogError) return undefined
    throw error
  }
}

function recordBytes(record: LogRecord): number {
  let bytes = recordOverhead + (record.key?.length ?? 0) + (record.value?.length ?? 0)
  for (const [name, value] of record.headers ?? []) bytes += name.length * 3 + (value?.length ?? 0) + 10
  return bytes
}

function sizeOf(records: readonly LogRecord[]): number {
  let size = 0
  for (const record of records) size += recordBytes(record)
  return size
}
