import type { ByteWriter } from '../byte-writer.ts'

const BLOCK = 128
const MINIBLOCKS = 4
const MINIBLOCK = BLOCK / MINIBLOCKS

const deltaLow = new Int32Array(BLOCK)
const deltaHigh = new Int32Array(BLOCK)
const widths = new Int32Array(MINIBLOCKS)

/**
 * Writes integers as DELTA_BINARY_PACKED: blocks of 128 values in 4 miniblocks of 32, each packed with its own width.
 * `words` holds the values as little-endian 32-bit words: one per value when `wide` is false (INT32), else two (INT64).
 *
 * ```
 * header = varint block size, varint miniblocks, varint count, zigzag first value
 * block  = zigzag min delta, 4 width bytes, miniblocks of (delta - min delta)
 * ```
 * Deltas wrap modulo 2^32 or 2^64, as the format prescribes, so every input is representable. Miniblocks without
 * values are not written and have width 0.
 * @see https://parquet.apache.org/docs/file-format/data-pages/encodings/#delta-encoding-delta_binary_packed--5
 */
export function writeDeltaPacked(out: ByteWriter, words: Int32Array, from: number, to: number, wide: boolean): void {
  out.varint(BLOCK)
  out.varint(MINIBLOCKS)
  out.varint(to - from)
  if (to === from) {
    out.byte(0)
    return
  }
  if (wide) zigzag(out, words[2 * from]!, words[2 * from + 1]!)
  else zigzag(out, words[from]!, words[from]! >> 31)
  for (let start = from + 1; start < to; start += BLOCK) {
    const count = Math.min(BLOCK, to - start)
    if (wide) block64(words, start, count)
    else block32(words, start, count)
    writeBlock(out, count)
  }
}

/** Size of what `writeDeltaPacked` would write, bytes, give or take the few of its header. */
export function deltaPackedSize(words: Int32Array, from: number, to: number, wide: boolean): number {
  let size = 15
  for (let start = from + 1; start < to; start += BLOCK) {
    const count = Math.min(BLOCK, to - start)
    if (wide) block64(words, start, count)
    else block32(words, start, count)
    size += 5 + MINIBLOCKS
    for (let m = 0; m < MINIBLOCKS; m++) size += widths[m]! * (MINIBLOCK / 8)
  }
  return size
}

let minLow = 0
let minHigh = 0

/** Fills the scratch with (delta - min delta) of one block and sets its widths. */
function block32(words: Int32Array, start: number, count: number): void {
  let min = (words[start]! - words[start - 1]!) | 0
  for (let i = 0; i < count; i++) {
    const delta = (words[start + i]! - words[start + i - 1]!) | 0
    deltaLow[i] = delta
    if (delta < min) min = delta
  }
  minLow = min
  minHigh = min >> 31
  for (let m = 0; m < MINIBLOCKS; m++) {
    const end = Math.min(count, (m + 1) * MINIBLOCK)
    let bits = 0
    for (let i = m * MINIBLOCK; i < end; i++) {
      const value = (deltaLow[i]! - min) | 0
      deltaLow[i] = value
      deltaHigh[i] = 0
      bits |= value
    }
    widths[m] = 32 - Math.clz32(bits)
  }
}

function block64(words: Int32Array, start: number, count: number): void {
  let at = 2 * start
  let previousLow = words[at - 2]!
  let previousHigh = words[at - 1]!
  let low = 0
  let high = 0
  for (let i = 0; i < count; i++) {
    const valueLow = words[at++]!
    const valueHigh = words[at++]!
    const dl = (valueLow - previousLow) | 0
    const dh = (valueHigh - previousHigh - (valueLow >>> 0 < previousLow >>> 0 ? 1 : 0)) | 0
    deltaLow[i] = dl
    deltaHigh[i] = dh
    if (i === 0 || dh < high || (dh === high && dl >>> 0 < low >>> 0)) {
      low = dl
      high = dh
    }
    previousLow = valueLow
    previousHigh = valueHigh
  }
  minLow = low
  minHigh = high
  for (let m = 0; m < MINIBLOCKS; m++) {
    const end = Math.min(count, (m + 1) * MINIBLOCK)
    let bitsLow = 0
    let bitsHigh = 0
    for (let i = m * MINIBLOCK; i < end; i++) {
      const dl = deltaLow[i]!
      const vl = (dl - low) | 0
      const vh = (deltaHigh[i]! - high - (dl >>> 0 < low >>> 0 ? 1 : 0)) | 0
      deltaLow[i] = vl
      deltaHigh[i] = vh
      bitsLow |= vl
      bitsHigh |= vh
    }
    widths[m] = bitsHigh !== 0 ? 64 - Math.clz32(bitsHigh) : 32 - Math.clz32(bitsLow)
  }
}

function writeBlock(out: ByteWriter, count: number): void {
  zigzag(out, minLow, minHigh)
  const bytes = out.reserve(MINIBLOCKS + BLOCK * 8)
  let at = out.length
  for (let m = 0; m < MINIBLOCKS; m++) bytes[at++] = m * MINIBLOCK < count ? widths[m]! : 0
  for (let m = 0; m * MINIBLOCK < count; m++) {
    const width = widths[m]!
    // A miniblock is always written whole; deltas past the last value are zero.
    const valid = Math.min(MINIBLOCK, count - m * MINIBLOCK)
    at = width <= 32 ? pack32(bytes, at, m * MINIBLOCK, valid, width) : pack64(bytes, at, m * MINIBLOCK, valid, width)
  }
  out.length = at
}

/** Packs one miniblock of values below 2^32 LSB first; `bits` holds fewer than 8 pending bits before each value. */
function pack32(bytes: Uint8Array, at: number, from: number, valid: number, width: number): number {
  const end = at + width * (MINIBLOCK / 8)
  let bits = 0
  let pending = 0
  for (let i = from; i < from + valid; i++) {
    const value = deltaLow[i]!
    bits |= value << pending
    let have = pending + width
    if (have >= 32) {
      bytes[at] = bits
      bytes[at + 1] = bits >>> 8
      bytes[at + 2] = bits >>> 16
      bytes[at + 3] = bits >>> 24
      at += 4
      have -= 32
      // A shift by 32 is a shift by 0 in JavaScript; nothing is left over in that case.
      bits = pending === 0 ? 0 : value >>> (32 - pending)
    }
    while (have >= 8) {
      bytes[at++] = bits
      bits >>>= 8
      have -= 8
    }
    pending = have
  }
  if (pending > 0) bytes[at++] = bits
  while (at < end) bytes[at++] = 0
  return end
}

/** Packs one miniblock of values of 33 to 64 bits: the low word, then the rest of the high word. */
function pack64(bytes: Uint8Array, at: number, from: number, valid: number, width: number): number {
  const end = at + width * (MINIBLOCK / 8)
  let bits = 0
  let pending = 0
  for (let i = from; i < from + valid; i++) {
    for (let half = 0; half < 2; half++) {
      const value = half === 0 ? deltaLow[i]! : deltaHigh[i]!
      let rest = half === 0 ? 32 : width - 32
      let shift = 0
      while (rest > 0) {
        const take = Math.min(8 - pending, rest)
        bits |= ((value >>> shift) & ((1 << take) - 1)) << pending
        pending += take
        shift += take
        rest -= take
        if (pending === 8) {
          bytes[at++] = bits
          bits = 0
          pending = 0
        }
      }
    }
  }
  if (pending > 0) bytes[at++] = bits
  while (at < end) bytes[at++] = 0
  return end
}

/** Zigzag varint of the 64-bit integer `high:low`. */
function zigzag(out: ByteWriter, low: number, high: number): void {
  const sign = high >> 31
  let zl = (low << 1) ^ sign
  let zh = ((high << 1) | (low >>> 31)) ^ sign
  const bytes = out.reserve(10)
  while (zh !== 0 || zl >>> 0 >= 0x80) {
    bytes[out.length++] = (zl & 0x7f) | 0x80
    zl = (zl >>> 7) | (zh << 25)
    zh >>>= 7
  }
  bytes[out.length++] = zl & 0x7f
}
