/*
 * A walk over record batches by their first 57 bytes only: base offset 0, length 8, leader epoch 12, magic 16,
 * last offset delta 23. CRC, codec and records are judged later, in a worker.
 */
const prefixBytes = 12
const headerBytes = 61

export interface WholeBatches {
  /** Bytes up to the end of the last whole batch. */
  readonly length: number
  /** Offset after the last whole batch, or null when there is none. */
  readonly nextOffset: number | null
  /** Leader epoch of the last whole batch, -1 when there is none. */
  readonly leaderEpoch: number
  /** Size of the first batch when it is cut off, otherwise 0. */
  readonly wanted: number
}

/** Says how much of a fetched range are whole batches; none and nothing `wanted` means that it begins with no batch at all. */
export function wholeBatches(bytes: Uint8Array): WholeBatches {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  let at = 0
  let nextOffset: number | null = null
  let leaderEpoch = -1
  let wanted = 0
  while (at + prefixBytes <= bytes.length) {
    const size = view.getInt32(at + 8) + prefixBytes
    // No batch: what comes before it is handed out, and the next fetch begins here.
    if (size < headerBytes) break
    if (at + size > bytes.length) {
      if (at === 0) wanted = size
      break
    }
    leaderEpoch = view.getInt32(at + 12)
    nextOffset = offsetAt(view, at) + view.getInt32(at + 23) + 1
    at += size
  }
  return { length: at, nextOffset, leaderEpoch, wanted }
}

function offsetAt(view: DataView, at: number): number {
  return view.getInt32(at) * 0x100000000 + view.getUint32(at + 4)
}
