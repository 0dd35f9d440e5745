/**
 * Memory that encoders are done with, for the next ones; one pool per thread, since each thread loads this module anew.
 *
 * V8 counts the memory of typed arrays towards its heap limit, so every few megabytes of new arrays start a collection of
 * the whole heap. A writer of files that opens one after the other needs the same sizes again and again.
 */
const smallest = 10
const largest = 24
/** Memory the pool may hold while nobody uses it, bytes. */
const keptBytes = 64 * 1024 * 1024

/** Free buffers by the power of two that is their size. */
const free: ArrayBuffer[][] = Array.from({ length: largest + 1 }, () => [])
let held = 0

/** Memory of at least `byteLength` bytes, not cleared: of the next power of two when it is one that the pool keeps. */
export function takeMemory(byteLength: number): ArrayBuffer {
  const power = byteLength <= 1 ? 0 : 32 - Math.clz32(byteLength - 1)
  if (power < smallest || power > largest) return new ArrayBuffer(byteLength)
  const known = free[power]!.pop()
  if (known === undefined) return new ArrayBuffer(2 ** power)
  held -= known.byteLength
  return known
}

/** Hands memory back. The caller must be the only one that still has it. */
export function giveMemory(memory: ArrayBuffer): void {
  const power = 31 - Math.clz32(memory.byteLength)
  if (power < smallest || power > largest || memory.byteLength !== 2 ** power) return
  if (held + memory.byteLength > keptBytes) return
  held += memory.byteLength
  free[power]!.push(memory)
}

/**
 * Gives memory back to the system now, not at the next collection; its arrays are empty afterwards. For memory that nobody
 * else has; the pool that Node's small buffers share is left alone.
 */
export function freeMemory({ buffer }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength > Buffer.poolSize) buffer.transfer(0)
}

/** Smallest capacity that is a doubling of `current` (at least 16) and holds `needed`. */
export function grownCapacity(current: number, needed: number): number {
  let capacity = Math.max(16, current)
  while (capacity < needed) capacity *= 2
  return capacity
}

/** Room for `needed` items, with the first `used` of `old`, which is handed back. What is behind them is not cleared. */
export function roomierBytes(old: Bytes, used: number, needed: number): Bytes {
  if (needed <= old.length) return old
  const capacity = grownCapacity(old.length, needed)
  return moved(old, used, new Uint8Array(takeMemory(capacity), 0, capacity))
}

/** The same for 16-bit items. */
export function roomierShorts(old: Shorts, used: number, needed: number): Shorts {
  if (needed <= old.length) return old
  const capacity = grownCapacity(old.length, needed)
  return moved(old, used, new Uint16Array(takeMemory(2 * capacity), 0, capacity))
}

/** The same for 32-bit items. */
export function roomierInts(old: Ints, used: number, needed: number): Ints {
  if (needed <= old.length) return old
  const capacity = grownCapacity(old.length, needed)
  return moved(old, used, new Int32Array(takeMemory(4 * capacity), 0, capacity))
}

function moved<T extends Bytes | Shorts | Ints>(old: T, used: number, grown: T): T {
  grown.set(old.subarray(0, used))
  giveMemory(old.buffer)
  return grown
}

/** `length` zeros. */
export function zeroInts(length: number): Ints {
  return new Int32Array(takeMemory(4 * length), 0, length).fill(0)
}

export type Bytes = Uint8Array<ArrayBuffer>
export type Shorts = Uint16Array<ArrayBuffer>
export type Ints = Int32Array<ArrayBuffer>

export const noBytes: Bytes = new Uint8Array(0)
export const noShorts: Shorts = new Uint16Array(0)
export const noInts: Ints = new Int32Array(0)
