import { compressSync, uncompressSync } from 'snappy'
import { malformed, tooLarge } from './codec-error.ts'

/*
 * Two forms are on the wire. Raw: varint inflated length, then the elements. Xerial (snappy-java, what Java clients send):
 *   82 'SNAPPY' 00 | version int32 = 1 | oldest compatible version int32 = 1 | { length int32, raw snappy }*
 */
const xerialMagic = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]
const xerialHeaderBytes = 16
const xerialBlockBytes = 32 * 1024
/** An element of 3 bytes makes at most 64: a declared length above this ratio is a lie. */
const maxRatio = 22

export function compressSnappy(bytes: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [Uint8Array.of(...xerialMagic, 0, 0, 0, 1, 0, 0, 0, 1)]
  for (let at = 0; at < bytes.length; at += xerialBlockBytes) {
    const block = compressSync(bytes.subarray(at, at + xerialBlockBytes))
    const length = Buffer.allocUnsafe(4)
    length.writeUInt32BE(block.length)
    parts.push(length, block)
  }
  return Buffer.concat(parts)
}

/** Raw or xerial; declared lengths are summed and checked before anything is inflated. */
export function inflateSnappy(bytes: Uint8Array, maxBytes: number): Uint8Array {
  if (!isXerial(bytes)) {
    declaredLength(bytes, maxBytes)
    return uncompress(bytes)
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const blocks: Uint8Array[] = []
  let total = 0
  for (let at = xerialHeaderBytes; at < bytes.length;) {
    if (at + 4 > bytes.length) throw malformed('snappy', 'a block length is cut off')
    const length = view.getUint32(at)
    at += 4
    if (length > bytes.length - at) throw malformed('snappy', 'a block is longer than the batch')
    const block = bytes.subarray(at, at + length)
    total += declaredLength(block, maxBytes)
    if (total > maxBytes) throw tooLarge('snappy', maxBytes)
    blocks.push(block)
    at += length
  }
  if (blocks.length === 1) return uncompress(blocks[0]!)
  return Buffer.concat(blocks.map(uncompress), total)
}

function isXerial(bytes: Uint8Array): boolean {
  return bytes.length >= xerialHeaderBytes && xerialMagic.every((byte, index) => bytes[index] === byte)
}

function declaredLength(raw: Uint8Array, maxBytes: number): number {
  let length = 0
  for (let index = 0; index < 5; index++) {
    const byte = raw[index]
    if (byte === undefined) break
    length += (byte & 0x7f) * 2 ** (7 * index)
    if (byte < 0x80) {
      if (length > maxBytes) throw tooLarge('snappy', maxBytes)
      if (length > raw.length * maxRatio) throw malformed('snappy', 'the declared length cannot be reached')
      return length
    }
  }
  throw malformed('snappy', 'no declared length')
}

function uncompress(raw: Uint8Array): Uint8Array {
  try {
    // Copied out: buffers of native memory cost far more to make and to collect than these bytes.
    return uncompressSync(raw, { copyOutputData: true }) as Buffer
  } catch (error) {
    throw malformed('snappy', 'elements contradict each other', error)
  }
}
