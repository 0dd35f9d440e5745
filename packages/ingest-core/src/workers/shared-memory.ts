/**
 * Memory that the main thread fills and a worker reads: lent for one chunk, then used for the next. It is shared, so the input
 * outlives a worker that dies of it, and nothing is allocated or moved per chunk. A source that reads into it saves a copy.
 */
export interface SharedMemory {
  /** `length` bytes that every thread can read; what they hold is left from before. */
  take(length: number): Uint8Array<SharedArrayBuffer>
  /** A copy of `bytes`, or `bytes` themselves when they are shared already. */
  share(bytes: Uint8Array): Uint8Array<SharedArrayBuffer>
  /** Takes memory back, or any part of it for the whole, once no thread reads it any more. */
  giveBack(taken: Uint8Array<SharedArrayBuffer>): void
}

/** Sizes are multiples of this, bytes, so that chunks of about one size share memory. */
const step = 16 * 1024
/** What is free serves for a chunk that needs no less than this part of it: many small chunks must not hold large memory. */
const leastUse = 1 / 4
/** Memory kept while nobody uses it, bytes. */
const keptBytes = 16 * 1024 * 1024
/** Most replies of a quiet broker are empty, one per partition. */
const nothing = new Uint8Array(new SharedArrayBuffer(0))

export function createSharedMemory(): SharedMemory {
  const free: SharedArrayBuffer[] = []
  let held = 0

  function take(length: number): Uint8Array<SharedArrayBuffer> {
    if (length === 0) return nothing
    const most = Math.max(step, length) / leastUse
    const at = free.findIndex((each) => each.byteLength >= length && each.byteLength <= most)
    const [known] = at < 0 ? [] : free.splice(at, 1)
    if (known !== undefined) held -= known.byteLength
    return new Uint8Array(known ?? new SharedArrayBuffer(Math.ceil(length / step) * step), 0, length)
  }

  return {
    take,
    share(bytes) {
      if (isShared(bytes)) return bytes
      const copy = take(bytes.length)
      copy.set(bytes)
      return copy
    },
    giveBack({ buffer }) {
      if (buffer.byteLength === 0 || held + buffer.byteLength > keptBytes) return
      held += buffer.byteLength
      free.push(buffer)
    },
  }
}

/** Whether other threads can read these very bytes. */
function isShared(bytes: Uint8Array): bytes is Uint8Array<SharedArrayBuffer> {
  return bytes.buffer instanceof SharedArrayBuffer
}
