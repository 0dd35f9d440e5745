import type { ByteWriter } from '../byte-writer.ts'
import { giveMemory, grownCapacity, noInts, roomierInts } from '../buffer-pool.ts'
import { writeDeltaPacked } from './delta-packed.ts'

/**
 * Multiplicative hash over the bytes, whose upper bits are the good ones. Values of 4 to 16 bytes are read as four words that overlap as much
 * as they must, so that lengths which differ from value to value mislead no branch. Two chains go side by side: one multiplication
 * does not wait for the other.
 */
export function hashBytes(view: DataView, start: number, end: number): number {
  const length = end - start
  if (length < 4) return hashShort(view, start, length)
  const inner = innerWord(length)
  const last = end - 4
  let h = Math.imul(length ^ view.getInt32(start, true), 0x85ebca6b)
  let g = Math.imul(view.getInt32(start + inner, true), 0xcc9e2d51)
  if (length > 16) {
    for (let p = start + 8, stop = end - 8; p < stop; p += 8) {
      h = Math.imul(h ^ (h >>> 15) ^ view.getInt32(p, true), 0x85ebca6b)
      g = Math.imul(g ^ (g >>> 15) ^ view.getInt32(p + 4, true), 0xcc9e2d51)
    }
  }
  h = Math.imul(h ^ (h >>> 15) ^ view.getInt32(last - inner, true), 0xc2b2ae35)
  g = Math.imul(g ^ (g >>> 15) ^ view.getInt32(last, true), 0x27d4eb2f)
  return Math.imul(h ^ (h >>> 15) ^ g ^ (g >>> 15), 0x9e3779b1)
}

/** Different for any two values of the same length below four. */
function hashShort(view: DataView, start: number, length: number): number {
  if (length === 0) return 0
  const middle = view.getUint8(start + (length >>> 1)) << 8
  const ends = (view.getUint8(start + length - 1) << 16) | view.getUint8(start)
  return Math.imul((length << 24) | ends | middle, 0x85ebca6b)
}

/** How far the second word is from the first, and the third from the last: min(4, length - 4), without a branch. */
function innerWord(length: number): number {
  return 4 + ((length - 8) & ((length - 8) >> 31))
}

/** Whether two values of the same length and the same `hashBytes` are equal. */
export function equalBytes(a: DataView, aStart: number, b: DataView, bStart: number, length: number): boolean {
  if (length < 4) return true
  const inner = innerWord(length)
  const last = length - 4
  const differences =
    (a.getInt32(aStart, true) ^ b.getInt32(bStart, true)) |
    (a.getInt32(aStart + inner, true) ^ b.getInt32(bStart + inner, true)) |
    (a.getInt32(aStart + last - inner, true) ^ b.getInt32(bStart + last - inner, true)) |
    (a.getInt32(aStart + last, true) ^ b.getInt32(bStart + last, true))
  if (differences !== 0) return false
  for (let i = 8; i < last - 4; i += 4) if (a.getInt32(aStart + i, true) !== b.getInt32(bStart + i, true)) return false
  return true
}

/** Copies `[start, end)`; a loop beats the call of `set` for short values. */
export function copyBytes(source: Uint8Array, start: number, end: number, target: Uint8Array, to: number): void {
  if (end - start > 48) target.set(source.subarray(start, end), to)
  else for (let i = start; i < end; i++) target[to++] = source[i]!
}

export function putInt32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value
  bytes[at + 1] = value >>> 8
  bytes[at + 2] = value >>> 16
  bytes[at + 3] = value >>> 24
}

let numbers: Int32Array = new Int32Array(0)

/** `[0, 1, 2, ...]` of at least `n` numbers; shared, never written by callers. */
export function ascending(n: number): Int32Array {
  if (numbers.length < n) numbers = Int32Array.from({ length: grownCapacity(1024, n) }, (_, i) => i)
  return numbers
}

/** Longest run whose PLAIN size is within `maxBytes`, by bisection over the running ends. */
export function fitVarying(ends: Int32Array, from: number, count: number, maxBytes: number): number {
  const start = from === 0 ? 0 : ends[from - 1]!
  let low = from + 1
  let high = count
  while (low < high) {
    const middle = (low + high + 1) >>> 1
    if (ends[middle - 1]! - start + 4 * (middle - from) <= maxBytes) low = middle
    else high = middle - 1
  }
  return low
}

export function writeDeltaLength(out: ByteWriter, slab: Uint8Array, ends: Int32Array, from: number, to: number): void {
  const lengths = roomierInts(noInts, 0, to - from)
  const start = from === 0 ? 0 : ends[from - 1]!
  let previous = start
  for (let i = from; i < to; i++) {
    lengths[i - from] = ends[i]! - previous
    previous = ends[i]!
  }
  writeDeltaPacked(out, lengths, 0, to - from, false)
  giveMemory(lengths.buffer)
  out.append(slab.subarray(start, previous))
}

export function writePlain(out: ByteWriter, slab: Uint8Array, ends: Int32Array, from: number, to: number): void {
  let start = from === 0 ? 0 : ends[from - 1]!
  const last = to === 0 ? 0 : ends[to - 1]!
  const bytes = out.reserve(last - start + 4 * (to - from))
  let at = out.length
  for (let i = from; i < to; i++) {
    const end = ends[i]!
    putInt32(bytes, at, end - start)
    copyBytes(slab, start, end, bytes, at + 4)
    at += 4 + end - start
    start = end
  }
  out.length = at
}
