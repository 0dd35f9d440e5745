import { crc32c } from '@node-rs/crc32'

export interface ProducerStamp {
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly baseSequence: number
}

/** Writes who produced the batch into its header, and the CRC that goes with it; changes `batch`. */
export function stampBatch(batch: Uint8Array, stamp: ProducerStamp): void {
  const view = new DataView(batch.buffer, batch.byteOffset, batch.length)
  view.setBigInt64(0, 0n)
  view.setBigInt64(43, stamp.producerId)
  view.setInt16(51, stamp.producerEpoch)
  view.setInt32(53, stamp.baseSequence)
  view.setUint32(17, crc32c(batch.subarray(21)))
}

/** Offsets a batch takes up, which is what sequence numbers count. */
export function offsetsIn(batch: Uint8Array): number {
  return new DataView(batch.buffer, batch.byteOffset, batch.length).getInt32(23) + 1
}
