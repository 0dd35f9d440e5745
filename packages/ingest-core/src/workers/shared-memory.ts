/**
 * Memory that the main thread fills and a worker reads: lent for one job, then used for the next. It is shared, so the input
 * outlives a worker that dies of it, and nothing is allocated or moved per job.
 */
export interface SharedMemory {
  /** A copy of `bytes` that every thread can read. */
  copy(bytes: Uint8Array): Uint8Array<SharedArrayBuffer>
  /** Takes a copy back, once no thread reads it any more. */
  giveBack(copy: Uint8Array<SharedArrayBuffer>): void
}

/** Sizes are multiples of this, bytes, so that chunks of about one size share memory. */
const step = 256 * 1024
/** Memory kept while nobody uses it, bytes. */
const keptBytes = 16 * 1024 * 1024

export function createSharedMemory(): SharedMemory {
  const free: SharedArrayBuffer[] = []
  let held = 0

  return {
    copy(bytes) {
      const at = free.findIndex((each) => each.byteLength >= bytes.length)
      const [known] = at < 0 ? [] : free.splice(at, 1)
      if (known !== undefined) held -= known.byteLength
      const memory = known ?? new SharedArrayBuffer(Math.max(1, Math.ceil(bytes.length / step)) * step)
      const copy = new Uint8Array(memory, 0, bytes.length)
      copy.set(bytes)
      return copy
    },
    giveBack({ buffer }) {
      if (held + buffer.byteLength > keptBytes) return
      held += buffer.byteLength
      free.push(buffer)
    },
  }
}
