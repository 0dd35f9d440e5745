import { compressFrameSync } from 'lz4-napi'
import { malformed, tooLarge } from './codec-error.ts'

/*
 * LZ4 frame format 1.6, as Kafka uses it from message format 2 on:
 *   magic 04 22 4D 18 | FLG: version 2 bits = 01, independent blocks, block checksum, content size, content checksum,
 *   reserved, dictionary id | BD: block size code 4..7 in bits 4-6 | [content size uint64] | header checksum |
 *   { block size uint32 LE, highest bit = stored; 0 ends | bytes | [checksum uint32] }* | [content checksum uint32]
 */
const magic = 0x184d2204
/** Below this many bytes a loop is faster than a call. */
const shortRun = 32

/** One frame, independent blocks, no checksums (the batch has its CRC): what Kafka's Java client writes. */
export function compressLz4(bytes: Uint8Array): Uint8Array {
  return compressFrameSync(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))
}

interface Block {
  readonly start: number
  readonly end: number
  readonly stored: boolean
}

/**
 * The frame is walked first and its inflated size counted exactly, then memory of that size is asked for. Blocks may
 * depend on earlier ones. The frame's own checksums are passed over: the record batch has a CRC over all of it.
 */
export function inflateLz4(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const blocks = blocksOf(bytes)
  let total = 0
  for (const { start, end, stored } of blocks) {
    total += stored ? end - start : inflatedSize(bytes, start, end)
    if (total > maxBytes) throw tooLarge('lz4', maxBytes)
  }
  const out = new Uint8Array(total)
  let at = 0
  for (const { start, end, stored } of blocks) {
    if (stored) out.set(bytes.subarray(start, end), at)
    at = stored ? at + end - start : inflateBlock(bytes, start, end, out, at)
  }
  return out
}

function blocksOf(bytes: Uint8Array): Block[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  if (bytes.length < 7 || view.getUint32(0, true) !== magic) throw malformed('lz4', 'no frame header')
  const flags = bytes[4]!
  if (flags >>> 6 !== 1) throw malformed('lz4', 'unknown frame version')
  if ((flags & 0x01) !== 0) throw malformed('lz4', 'a dictionary is needed')
  const blockChecksum = (flags & 0x10) === 0 ? 0 : 4
  const blocks: Block[] = []
  let at = (flags & 0x08) === 0 ? 7 : 15
  for (;;) {
    if (at + 4 > bytes.length) throw malformed('lz4', 'the frame is cut off')
    const head = view.getUint32(at, true)
    at += 4
    if (head === 0) break
    const size = head & 0x7fffffff
    if (size > bytes.length - at) throw malformed('lz4', 'a block is longer than the batch')
    blocks.push({ start: at, end: at + size, stored: head >= 0x80000000 })
    at += size + blockChecksum
  }
  at += (flags & 0x04) === 0 ? 0 : 4
  if (at !== bytes.length) throw malformed('lz4', 'bytes after the end of the frame')
  return blocks
}

/** Sum of literal and match lengths of one block, without copying a byte; refuses what runs over its end. */
function inflatedSize(bytes: Uint8Array, start: number, end: number): number {
  let total = 0
  let at = start
  for (;;) {
    if (at >= end) throw malformed('lz4', 'a block ends within a sequence')
    const token = bytes[at++]!
    let literals = token >>> 4
    if (literals === 15) {
      let more = 255
      while (more === 255 && at < end) literals += more = bytes[at++]!
    }
    at += literals
    total += literals
    if (at === end) return total
    at += 2
    let match = token & 0x0f
    if (match === 15) {
      let more = 255
      while (more === 255 && at < end) match += more = bytes[at++]!
    }
    total += match + 4
  }
}

/** One block behind `at` bytes already inflated, which matches may reach into; answers where it ends. */
function inflateBlock(bytes: Uint8Array, start: number, end: number, out: Uint8Array, at: number): number {
  let from = start
  for (;;) {
    const token = bytes[from++]!
    let literals = token >>> 4
    if (literals === 15) {
      let more = 255
      while (more === 255) literals += more = bytes[from++]!
    }
    if (literals < shortRun) {
      for (const stop = from + literals; from < stop;) out[at++] = bytes[from++]!
    } else {
      out.set(bytes.subarray(from, from + literals), at)
      from += literals
      at += literals
    }
    if (from >= end) return at
    const distance = bytes[from]! | (bytes[from + 1]! << 8)
    from += 2
    if (distance === 0 || distance > at) throw malformed('lz4', 'a match reaches before the beginning')
    let match = token & 0x0f
    if (match === 15) {
      let more = 255
      while (more === 255) match += more = bytes[from++]!
    }
    match += 4
    let copied = at - distance
    if (match >= shortRun && distance >= match) {
      out.copyWithin(at, copied, copied + match)
      at += match
    } else {
      for (const stop = at + match; at < stop;) out[at++] = out[copied++]!
    }
  }
}
