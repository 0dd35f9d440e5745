import { crc32c } from '@node-rs/crc32'
import { readdir } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { LogError } from '../errors/log-error.ts'
import { batchHeaderBytes, readBatchHeader } from './batch-header.ts'
import type { BatchHeader } from './batch-header.ts'

/** Larger batches are taken for damage: Kafka's default limit is 1 MiB. */
export const maxBatchBytes = 128 * 1024 * 1024

/** `00000000000000000042.log`: the base offset in 20 digits, as a broker names it. */
export function segmentName(baseOffset: number): string {
  return `${String(baseOffset).padStart(20, '0')}.log`
}

/** Base offsets of the segments of a partition folder, ascending. */
export async function listSegments(folder: string): Promise<number[]> {
  const bases: number[] = []
  for (const name of await readdir(folder)) {
    if (/^\d{20}\.log$/.test(name)) bases.push(Number(name.slice(0, 20)))
  }
  return bases.sort((a, b) => a - b)
}

export function segmentPath(folder: string, baseOffset: number): string {
  return join(folder, segmentName(baseOffset))
}

/** Fills `length` bytes from `position`; shorter only at the end of the file. The array has a buffer of its own. */
export async function readAt(handle: FileHandle, position: number, length: number): Promise<Uint8Array> {
  return readInto(handle, position, new Uint8Array(length))
}

async function readInto(handle: FileHandle, position: number, bytes: Uint8Array): Promise<Uint8Array> {
  const { length } = bytes
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await handle.read(bytes, filled, length - filled, position + filled)
    if (bytesRead === 0) return bytes.subarray(0, filled)
    filled += bytesRead
  }
  return bytes
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** Whether the CRC of the whole batch that starts at `at` holds. */
export function crcHolds(bytes: Uint8Array, at: number, header: BatchHeader): boolean {
  return crc32c(bytes.subarray(at + 21, at + header.byteLength)) === header.crc
}

export interface ScanEnd {
  /** Position after the last whole batch. */
  readonly position: number
  /** `end`: the file ends there. `incomplete`: a batch is cut off. `damaged`: what follows is no batch or its CRC is wrong. */
  readonly stop: 'end' | 'incomplete' | 'damaged'
}

/** Read at once: of headers, which lie a batch apart, or of batches. */
const scanBytes = { headers: 4 * 1024, batches: 32 * 1024 } as const

/**
 * Walks batch headers of `[position, size)` with bounded reads: headers only, or whole batches with their CRC when `verify`.
 * `visit` gets each batch in order; it may return false to stop in front of it.
 */
export async function scanBatches(
  handle: FileHandle,
  range: { readonly position: number; readonly size: number; readonly verify: boolean },
  visit: (header: BatchHeader, position: number) => boolean | void,
): Promise<ScanEnd> {
  const { size, verify } = range
  let position = range.position
  let window = new Uint8Array(verify ? scanBytes.batches : scanBytes.headers)
  let bytes: Uint8Array = new Uint8Array(0)
  let bytesAt = position
  let last = -1
  while (position < size) {
    if (size - position < batchHeaderBytes) return { position, stop: 'incomplete' }
    if (position + batchHeaderBytes > bytesAt + bytes.length) {
      bytes = await readInto(handle, position, window.subarray(0, size - position))
      bytesAt = position
      if (bytes.length < batchHeaderBytes) return { position, stop: 'incomplete' }
    }
    const header = headerOrUndefined(bytes, position - bytesAt)
    if (header === undefined || header.byteLength > maxBatchBytes || header.baseOffset <= last) {
      return { position, stop: 'damaged' }
    }
    if (header.byteLength > size - position) return { position, stop: 'incomplete' }
    if (verify) {
      if (position + header.byteLength > bytesAt + bytes.length) {
        if (window.length < header.byteLength) window = new Uint8Array(header.byteLength)
        bytes = await readInto(handle, position, window.subarray(0, size - position))
        bytesAt = position
      }
      if (bytes.length < header.byteLength) return { position, stop: 'incomplete' }
      if (!crcHolds(bytes, position - bytesAt, header)) return { position, stop: 'damaged' }
    }
    if (visit(header, position) === false) return { position, stop: 'end' }
    last = header.lastOffset
    position += header.byteLength
  }
  return { position, stop: 'end' }
}

function headerOrUndefined(bytes: Uint8Array, at: number): BatchHeader | undefined {
  try {
    return readBatchHeader(viewOf(bytes), at)
  } catch (error) {
    if (error instanceof LogError) return undefined
    throw error
  }
}
