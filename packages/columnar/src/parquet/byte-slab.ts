import type { ByteWriter } from '../byte-writer.ts'
import { giveMemory, grownCapacity, noInts, roomierInts } from '../buffer-pool.ts'
import { writeDeltaPacked } from './delta-packed.ts'

/**
 * Multiplicative hash over the bytes, four at a time; the last step overlaps instead of going byte by byte. Two chains go side
 * by side over values of eight bytes and more, so that one multiplication does not wait for the other.
 */
export function hashBytes(view: DataView, start: number, end: number): number {
  const length = end - start
  let h = Math.imul(length ^ 0x5bd1e995, 0x9e3779b1)
  if (length >= 8) {
    let g = 0x2545f491
    const last = end - 8
    for (let p = start; p < last; p += 8) {
      h = Math.imul(h ^ view.getInt32(p, true), 0x85ebca6b)
      g = Math.imul(g ^ view.getInt32(p + 4, true), 0xcc9e2d51)
      h ^= h >>> 15
      g ^= g >>> 15
    }
    h = Math.imul(h ^ view.getInt32(last, true), 0x85ebca6b)
    g = Math.imul(g ^ view.getInt32(last + 4, true), 0xcc9e2d51)
    h ^= Math.imul(g ^ (g >>> 15), 0x27d4eb2f)
  } else if (length >= 4) {
    h = Math.imul(h ^ view.getInt32(start, true), 0x85ebca6b)
    h ^= h >>> 15
    h = Math.imul(h ^ view.getInt32(end - 4, true), 0x85ebca6b)
  } else {
    for (let p = start; p < end; p++) h = Math.imul(h ^ view.getUint8(p), 0x85ebca6b)
  }
  h = Math.imul(h ^ (h >>> 15), 0xc2b2ae35)
  return h ^ (h >>> 16)
}

export function equalBytes(a: DataView, aStart: number, b: DataView, bStart: number, length: number): boolean {
  if (length >= 4) {
    const last = length - 4
    for (let i = 0; i < last; i += 4) if (a.getInt32(aStart + i, true) !== b.getInt32(bStart + i, true)) return false
    return a.getInt32(aStart + last, true) === b.getInt32(bStart + last, true)
  }
  for (let i = 0; i < length; i++) if (a.getUint8(aStart + i) !== b.getUint8(bStart + i)) return false
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
