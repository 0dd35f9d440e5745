import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { LogError } from '../errors/log-error.ts'
import { batchHeaderBytes, batchLengthAt, readBatchHeader } from './batch-header.ts'
import { isMissing, readPartitionTopicId } from './log-meta.ts'
import { crcHolds, listSegments, maxBatchBytes, readAt, scanBatches, segmentPath, viewOf } from './segment-files.ts'

/** Whole record batches, back to back, covering offsets `[start, end)`. The array has a buffer of its own. */
export interface BatchRead {
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
}

/** Reads one partition folder while somebody may write to it. Calls must not overlap. */
export interface SegmentReader {
  /** First stored offset (the log start of the meta file may lie above) and the end of the last whole batch, read now. */
  bounds(): Promise<{ start: number; end: number }>
  /** Positions at the batch that holds `next`, or at the first one behind it. `next` must lie within the bounds. */
  locate(next: number): Promise<void>
  /** About `maxBytes`, at least one batch; undefined at the end of the log. */
  read(maxBytes: number): Promise<BatchRead | undefined>
  /** Where the next read begins. */
  next(): number | undefined
  /** Forget open files: the next call looks at the disk again. */
  reset(): Promise<void>
  close(): Promise<void>
}

/** A gap between two segments of a log that has no holes. */
export class SegmentGap extends Error {
  readonly start: number
  readonly end: number
  constructor(start: number, end: number) {
    super(`offsets ${start} to ${end - 1} are not stored any more`)
    this.start = start
    this.end = end
  }
}

/** The folder belongs to another life of the topic. */
export class FolderReplaced extends Error {}

export interface SegmentReaderOptions {
  readonly folder: string
  readonly topicId: string
  readonly contiguous: boolean
}

/** Space that a file system had set aside when the power went: an unfinished tail, not damage. */
async function isZero(handle: FileHandle, position: number): Promise<boolean> {
  return (await readAt(handle, position, batchHeaderBytes)).every((byte) => byte === 0)
}

/** Distance of index entries, bytes. */
const indexStep = 256 * 1024

interface Segment {
  readonly base: number
  readonly handle: FileHandle
}

interface Position {
  readonly base: number
  readonly position: number
  readonly next: number
}

export function createSegmentReader(options: SegmentReaderOptions): SegmentReader {
  const { folder, topicId, contiguous } = options
  /** Position and first offset of some batches per segment; learnt by walking. */
  const indexes = new Map<number, { readonly offsets: number[]; readonly positions: number[] }>()
  const handles = new Map<number, FileHandle>()
  let tail: Position | undefined
  let current: Position | undefined

  async function segment(base: number): Promise<Segment> {
    const known = handles.get(base)
    if (known !== undefined) return { base, handle: known }
    const handle = await open(segmentPath(folder, base), 'r')
    // Asked after opening: a new folder gets its id before its first segment, so an old id proves an old file.
    const id = await readPartitionTopicId(folder)
    if (id !== topicId) {
      await handle.close()
      throw new FolderReplaced(`${folder} belongs to topic id ${id ?? 'unknown'}, not ${topicId}`)
    }
    handles.set(base, handle)
    return { base, handle }
  }

  /** Only the segment being read and the last one stay open. */
  async function closeOthers(...kept: (number | undefined)[]): Promise<void> {
    for (const [base, handle] of handles) {
      if (kept.includes(base)) continue
      handles.delete(base)
      await handle.close()
    }
  }

  /**
   * Moves the known end over batches that are whole; an unfinished one at the end is not there yet. The last one's CRC
   * must hold as well: after a power cut a file can have its length without its bytes, and only the writer may repair that.
   * @throws LogError LOG_CORRUPT
   */
  async function extendTail(bases: readonly number[]): Promise<Position> {
    const base = bases.at(-1)
    if (base === undefined) throw new LogError('LOG_CORRUPT', `${folder} has no segment`)
    if (tail === undefined || tail.base !== base) tail = { base, position: 0, next: base }
    const { handle } = await segment(base)
    const { size } = await handle.stat()
    if (size < tail.position) tail = { base, position: 0, next: base }
    if (size === tail.position) return tail
    let last: { position: number; length: number; next: number } | undefined
    const before = tail
    const end = await scanBatches(handle, { position: tail.position, size, verify: false }, (header, position) => {
      note(base, header.baseOffset, position)
      if (last !== undefined) tail = { base, position, next: last.next }
      last = { position, length: header.byteLength, next: header.lastOffset + 1 }
    })
    if (last === undefined) {
      if (end.stop === 'damaged' && !(await isZero(handle, end.position))) throw damagedTail(base, end.position)
      return before
    }
    const bytes = await readAt(handle, last.position, last.length)
    const header = bytes.length === last.length ? readBatchHeader(viewOf(bytes), 0) : undefined
    if (header === undefined || !crcHolds(bytes, 0, header)) throw damagedTail(base, last.position)
    tail = { base, position: end.position, next: last.next }
    if (end.stop === 'damaged' && !(await isZero(handle, end.position))) throw damagedTail(base, end.position)
    return tail
  }

  function damagedTail(base: number, position: number): LogError {
    const where = `${segmentPath(folder, base)}: the batch at byte ${position}`
    return new LogError(
      'LOG_CORRUPT',
      `${where} is damaged; opening the log for writing repairs it if it is a torn tail`,
    )
  }

  function note(base: number, offset: number, position: number): void {
    let index = indexes.get(base)
    if (index === undefined) indexes.set(base, (index = { offsets: [], positions: [] }))
    const lastPosition = index.positions.at(-1)
    if (lastPosition !== undefined && position < lastPosition + indexStep) return
    index.offsets.push(offset)
    index.positions.push(position)
  }

  function nearest(base: number, offset: number): { position: number; next: number } {
    const index = indexes.get(base)
    let found = { position: 0, next: base }
    if (index === undefined) return found
    for (let low = 0, high = index.offsets.length; low < high;) {
      const middle = (low + high) >>> 1
      if (index.offsets[middle]! <= offset) {
        found = { position: index.positions[middle]!, next: index.offsets[middle]! }
        low = middle + 1
      } else high = middle
    }
    return found
  }

  async function bounds(): Promise<{ start: number; end: number }> {
    for (let attempt = 0; ; attempt++) {
      const bases = await listSegments(folder)
      try {
        const { next } = await extendTail(bases)
        return { start: bases[0]!, end: next }
      } catch (error) {
        // Deleted by retention between listing and opening: list again.
        if (!isMissing(error) || attempt === 3) throw error
      }
    }
  }

  async function sizeOf(base: number, handle: FileHandle): Promise<number> {
    return base === tail?.base ? tail.position : (await handle.stat()).size
  }

  async function locate(next: number): Promise<void> {
    if (current?.next === next) return
    const bases = await listSegments(folder)
    const base = bases.findLast((each) => each <= next) ?? bases[0]
    if (base === undefined) throw new LogError('LOG_CORRUPT', `${folder} has no segment`)
    await extendTail(bases)
    const { handle } = await segment(base)
    const from = nearest(base, next)
    let found: number | undefined
    const end = await scanBatches(
      handle,
      { position: from.position, size: await sizeOf(base, handle), verify: false },
      (header, position) => {
        note(base, header.baseOffset, position)
        if (header.lastOffset < next) return true
        found = position
        return false
      },
    )
    current = { base, position: found ?? end.position, next }
  }

  async function read(maxBytes: number): Promise<BatchRead | undefined> {
    if (current === undefined) throw new Error('read before locate')
    for (;;) {
      const { base, position, next }: Position = current
      const { handle } = await segment(base)
      if (tail === undefined || tail.base === base) {
        if (tail === undefined || position >= tail.position) await extendTail(await listSegments(folder))
      }
      const size = await sizeOf(base, handle)
      if (position < size) {
        const result = await readWhole(handle, base, position, size, maxBytes)
        current = { base, position: position + result.bytes.length, next: Math.max(result.end, next) }
        await closeOthers(base, tail?.base)
        return { bytes: result.bytes, start: next, end: current.next }
      }
      if (tail?.base === base) return undefined
      const following: number | undefined = (await listSegments(folder)).find((each) => each > base)
      if (following === undefined) return undefined
      if (contiguous && following > next) throw new SegmentGap(next, following)
      current = { base: following, position: 0, next }
    }
  }

  async function readWhole(handle: FileHandle, base: number, position: number, size: number, maxBytes: number) {
    let bytes = await readAt(handle, position, Math.min(Math.max(maxBytes, 4096), size - position))
    let length = batchLengthAt(viewOf(bytes), 0)
    if (length === undefined || length > maxBatchBytes || length > size - position) {
      throw new LogError(
        'LOG_CORRUPT',
        `${segmentPath(folder, base)}: no whole batch at byte ${position}, and it is not the tail`,
      )
    }
    if (length > bytes.length) bytes = await readAt(handle, position, length)
    const view = viewOf(bytes)
    let whole = 0
    let end = 0
    while (whole < bytes.length) {
      length = batchLengthAt(view, whole)
      if (length === undefined || length > bytes.length - whole || (whole > 0 && whole + length > maxBytes)) break
      const header = readBatchHeader(view, whole)!
      note(base, header.baseOffset, position + whole)
      end = header.lastOffset + 1
      whole += length
    }
    return { bytes: bytes.subarray(0, whole), end }
  }

  async function reset(): Promise<void> {
    const next = current?.next
    current = undefined
    tail = undefined
    indexes.clear()
    await closeOthers()
    if (next !== undefined) await locate(next)
  }

  return { bounds, locate, read, next: () => current?.next, reset, close: () => closeOthers() }
}
