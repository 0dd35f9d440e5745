import { compressFrameSync, decompressFrameSync } from 'lz4-napi'
import { malformed, tooLarge } from './codec-error.ts'

/*
 * LZ4 frame format 1.6, as Kafka uses it from message format 2 on:
 *   magic 04 22 4D 18 | FLG: version 2 bits = 01, independent blocks, block checksum, content size, content checksum,
 *   reserved, dictionary id | BD: block size code 4..7 in bits 4-6 | [content size uint64] | header checksum |
 *   { block size uint32 LE, highest bit = stored; 0 ends | bytes | [checksum uint32] }* | [content checksum uint32]
 */
const magic = 0x184d2204
/** One byte of input makes at most 255 of output. */
const maxRatio = 255

/** One frame, independent blocks, no checksums (the batch has its CRC): what Kafka's Java client writes. */
export function compressLz4(bytes: Uint8Array): Uint8Array {
  return compressFrameSync(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))
}

/** The frame is walked first: sizes that could exceed the limit are counted exactly before anything is inflated. */
export function inflateLz4(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const bound = walkFrame(bytes, false)
  if (bound > maxBytes && walkFrame(bytes, true) > maxBytes) throw tooLarge('lz4', maxBytes)
  let inflated: Uint8Array
  try {
    inflated = decompressFrameSync(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))
  } catch (error) {
    throw malformed('lz4', 'a block or checksum is wrong', error)
  }
  if (inflated.length > maxBytes) throw tooLarge('lz4', maxBytes)
  return inflated
}

/** Inflated size of the frame: exactly, or an upper bound from block sizes alone. */
function walkFrame(bytes: Uint8Array, exact: boolean): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  if (bytes.length < 7 || view.getUint32(0, true) !== magic) throw malformed('lz4', 'no frame header')
  const flags = bytes[4]!
  if (flags >>> 6 !== 1) throw malformed('lz4', 'unknown frame version')
  if ((flags & 0x01) !== 0) throw malformed('lz4', 'a dictionary is needed')
  const sizeCode = (bytes[5]! >>> 4) & 0x07
  if (sizeCode < 4) throw malformed('lz4', 'unknown block size')
  const blockMax = 1 << (8 + 2 * sizeCode)
  const blockChecksum = (flags & 0x10) === 0 ? 0 : 4
  let at = (flags & 0x08) === 0 ? 7 : 15
  let total = 0
  for (;;) {
    if (at + 4 > bytes.length) throw malformed('lz4', 'the frame is cut off')
    const head = view.getUint32(at, true)
    at += 4
    if (head === 0) break
    const size = head & 0x7fffffff
    if (size > bytes.length - at) throw malformed('lz4', 'a block is longer than the batch')
    if (head >= 0x80000000) total += size
    else if (exact) total += inflatedBlock(bytes, at, at + size)
    else total += Math.min(blockMax, size * maxRatio)
    at += size + blockChecksum
  }
  at += (flags & 0x04) === 0 ? 0 : 4
  if (at !== bytes.length) throw malformed('lz4', 'bytes after the end of the frame')
  return total
}

/** Sum of literal and match lengths of one block, without copying a byte. */
function inflatedBlock(bytes: Uint8Array, start: number, end: number): number {
  let total = 0
  let at = start
  while (at < end) {
    const token = bytes[at++]!
    let literals = token >>> 4
    if (literals === 15) {
      let more = 255
      while (more === 255 && at < end) literals += more = bytes[at++]!
    }
    at += literals
    total += literals
    if (at >= end) break
    at += 2
    let match = token & 0x0f
    if (match === 15) {
      let more = 255
      while (more === 255 && at < end) match += more = bytes[at++]!
    }
    total += match + 4
  }
  return total
}
