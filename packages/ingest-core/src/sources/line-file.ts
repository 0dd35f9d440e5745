import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import type { RecordSlab } from '../contracts/records.ts'
import { readAt } from '../log/segment-files.ts'
import { createSlabBuilder, nothing } from './slab-builder.ts'

/** Lines `[start, end)` of a file; blank ones are holes. */
export interface LineRead {
  readonly slab: RecordSlab
  readonly start: number
  readonly end: number
  readonly byteLength: number
}

/** A file of lines read by line number. Calls must not overlap. */
export interface LineFile {
  /** Number of lines there are now: finished ones, and the last one when files are complete. */
  count(): Promise<number>
  locate(line: number): Promise<void>
  /** About `maxBytes`, at least one line; undefined at the end. */
  read(maxBytes: number): Promise<LineRead | undefined>
  next(): number | undefined
  /** Digest of the first line (of its first 64 KiB when longer); undefined while it is not finished. */
  fingerprint(): Promise<string | undefined>
  close(): Promise<void>
}

/** The file has become shorter: it is not the one that was being read. */
export class FileShrunk extends Error {}

export interface LineFileOptions {
  readonly path: string
  /** Whether a last line without a line feed counts. */
  readonly complete: boolean
  /** Of a longer line only this many bytes and one more are kept, so that what follows can refuse it as too large. */
  readonly maxLineBytes: number
}

const lineFeed = 0x0a
const carriageReturn = 0x0d
const chunkBytes = 256 * 1024
const fingerprintBytes = 64 * 1024
const indexLines = 4096

export function createLineFile(options: LineFileOptions): LineFile {
  const { path, complete, maxLineBytes } = options
  /** Byte position of every 4096th line. */
  const index: number[] = [0]
  let handle: FileHandle | undefined
  /** Finished lines known so far, and where the next begins. */
  let known = { lines: 0, position: 0 }
  let current: { line: number; position: number } | undefined

  async function opened(): Promise<{ handle: FileHandle; size: number }> {
    handle ??= await open(path, 'r')
    const { size } = await handle.stat()
    if (size < known.position || size < (current?.position ?? 0)) throw new FileShrunk(`${path} has become shorter`)
    return { handle, size }
  }

  /** Moves `known` over lines that are finished. */
  async function extend(untilLine: number): Promise<{ size: number }> {
    const { handle, size } = await opened()
    let at = known.position
    while (at < size && known.lines < untilLine) {
      const chunk = await readAt(handle, at, Math.min(chunkBytes, size - at))
      if (chunk.length === 0) break
      for (let feed = chunk.indexOf(lineFeed); feed >= 0; feed = chunk.indexOf(lineFeed, feed + 1)) {
        known = { lines: known.lines + 1, position: at + feed + 1 }
        if (known.lines % indexLines === 0) index[known.lines / indexLines] = known.position
        if (known.lines === untilLine) break
      }
      at += chunk.length
    }
    return { size }
  }

  async function count(): Promise<number> {
    const { size } = await extend(Infinity)
    return known.lines + (complete && size > known.position && !(await isByteOrderMark(known.position, size)) ? 1 : 0)
  }

  /** A file that holds nothing but a byte order mark has no line. */
  async function isByteOrderMark(position: number, size: number): Promise<boolean> {
    return position === 0 && size === 3 && markBytes(await readAt(handle!, 0, 3), 0) === 3
  }

  async function locate(line: number): Promise<void> {
    if (current?.line === line) return
    await extend(line)
    // Behind a last line without a line feed: its end is the end of the file.
    if (line > known.lines) {
      current = { line, position: (await opened()).size }
      return
    }
    const entry = Math.min(Math.floor(line / indexLines), index.length - 1)
    let at = { lines: entry * indexLines, position: index[entry]! }
    const { handle, size } = await opened()
    while (at.lines < line) {
      const chunk = await readAt(handle, at.position, Math.min(chunkBytes, size - at.position))
      let feed = chunk.indexOf(lineFeed)
      if (feed < 0) {
        // A line longer than the chunk: step over to where it ends.
        const end = await endOfLine(handle, at.position, size)
        at = { lines: at.lines + 1, position: end }
        continue
      }
      const base = at.position
      for (; feed >= 0 && at.lines < line; feed = chunk.indexOf(lineFeed, feed + 1)) {
        at = { lines: at.lines + 1, position: base + feed + 1 }
      }
    }
    current = { line, position: at.position }
  }

  /** Position after the line feed of the line at `position`; the size when there is none. */
  async function endOfLine(handle: FileHandle, position: number, size: number): Promise<number> {
    for (let at = position; at < size; at += chunkBytes) {
      const feed = (await readAt(handle, at, Math.min(chunkBytes, size - at))).indexOf(lineFeed)
      if (feed >= 0) return at + feed + 1
    }
    return size
  }

  async function read(maxBytes: number): Promise<LineRead | undefined> {
    if (current === undefined) throw new Error('read before locate')
    const { line, position } = current
    const { handle, size } = await opened()
    if (position >= size || (await isByteOrderMark(position, size))) return undefined
    const bytes = await readAt(handle, position, Math.min(Math.max(maxBytes, 4096), size - position))
    const atEnd = position + bytes.length >= size
    const whole = bytes.lastIndexOf(lineFeed) + 1
    if (whole > 0) {
      const usable = atEnd && complete ? bytes.length : whole
      const builder = createSlabBuilder()
      let next = line
      for (let at = 0; at < usable;) {
        const feed = bytes.indexOf(lineFeed, at)
        const end = feed < 0 ? usable : feed
        addLine(builder, bytes, at, end, next++, position + at === 0)
        at = end + 1
      }
      return advance(builder.finish(bytes), next, position + usable)
    }
    return readLong(handle, line, position, size)
  }

  /** A line longer than the read, or an unfinished one. */
  async function readLong(
    handle: FileHandle,
    line: number,
    position: number,
    size: number,
  ): Promise<LineRead | undefined> {
    const end = await endOfLine(handle, position, size)
    const builder = createSlabBuilder()
    const last = await readAt(handle, end - 1, 1)
    const finished = last[0] === lineFeed
    if (!finished && !complete) return undefined
    const length = end - position - (finished ? 1 : 0)
    const bytes = await readAt(handle, position, Math.min(length, maxLineBytes + 4))
    addLine(builder, bytes, 0, bytes.length, line, position === 0)
    return advance(builder.finish(bytes), line + 1, end)
  }

  function advance(slab: RecordSlab, next: number, position: number): LineRead {
    const { line, position: before } = current!
    current = { line: next, position }
    return { slab, start: line, end: next, byteLength: position - before }
  }

  function addLine(
    builder: ReturnType<typeof createSlabBuilder>,
    bytes: Uint8Array,
    start: number,
    end: number,
    line: number,
    first: boolean,
  ): void {
    if (first) start += markBytes(bytes, start)
    if (end > start && bytes[end - 1] === carriageReturn) end--
    if (isBlank(bytes, start, end)) return
    builder.add(line, -1, nothing, [start, Math.min(end, start + maxLineBytes + 1)], nothing)
  }

  async function fingerprint(): Promise<string | undefined> {
    const { handle, size } = await opened()
    const bytes = await readAt(handle, 0, Math.min(size, fingerprintBytes))
    const feed = bytes.indexOf(lineFeed)
    if (feed < 0 && bytes.length < fingerprintBytes) return undefined
    return createHash('sha256')
      .update(feed < 0 ? bytes : bytes.subarray(0, feed))
      .digest('hex')
  }

  async function close(): Promise<void> {
    const closing = handle
    handle = undefined
    await closing?.close()
  }

  return { count, locate, read, next: () => current?.line, fingerprint, close }
}

function markBytes(bytes: Uint8Array, at: number): number {
  return bytes[at] === 0xef && bytes[at + 1] === 0xbb && bytes[at + 2] === 0xbf ? 3 : 0
}

function isBlank(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!
    if (byte !== 0x20 && byte !== 0x09 && byte !== carriageReturn) return false
  }
  return true
}
