/**
 * The first `byteLength` bytes of an array in memory of their own, exactly sized. The memory is not zeroed first, as
 * `slice` would, because every byte is written.
 */
export function exactCopy(
  array: Uint8Array | Int32Array | Float32Array | Float64Array,
  byteLength: number,
): ArrayBuffer {
  if (byteLength === 0) return new ArrayBuffer(0)
  const copy = Buffer.allocUnsafeSlow(byteLength)
  copy.set(new Uint8Array(array.buffer, array.byteOffset, byteLength))
  return copy.buffer
}
