/** Zig-zag varints of Kafka records: 32 bits for lengths and deltas, 64 bits for timestamps. */

export function varintBytes(value: number): number {
  const bits = ((value << 1) ^ (value >> 31)) >>> 0
  if (bits < 0x80) return 1
  if (bits < 0x4000) return 2
  if (bits < 0x200000) return 3
  return bits < 0x10000000 ? 4 : 5
}

/** Writes and returns the next position. */
export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let bits = ((value << 1) ^ (value >> 31)) >>> 0
  while (bits >= 0x80) {
    bytes[at++] = (bits & 0x7f) | 0x80
    bits >>>= 7
  }
  bytes[at++] = bits
  return at
}

const int32 = 0x80000000

export function varlongBytes(value: number): number {
  if (value >= -int32 && value < int32) return varintBytes(value)
  let bits = BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n))
  let length = 1
  while (bits >= 0x80n) {
    bits >>= 7n
    length++
  }
  return length
}

/** `value` is a whole number in the range of int64. Writes and returns the next position. */
export function writeVarlong(bytes: Uint8Array, at: number, value: number): number {
  if (value >= -int32 && value < int32) return writeVarint(bytes, at, value)
  let bits = BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n))
  while (bits >= 0x80n) {
    bytes[at++] = Number(bits & 0x7fn) | 0x80
    bits >>= 7n
  }
  bytes[at++] = Number(bits)
  return at
}

/** Position after the last varint read; -1 when it was cut off or longer than its type allows. */
export const cursor = { at: 0 }

/** Reads a varint at `at`, not past `end`; leaves the position in `cursor`. */
export function readVarint(bytes: Uint8Array, at: number, end: number): number {
  let bits = 0
  for (let shift = 0; shift < 35 && at < end; shift += 7) {
    const byte = bytes[at++]!
    if (shift === 28 && byte > 0x0f) break
    bits |= (byte & 0x7f) << shift
    if (byte < 0x80) {
      cursor.at = at
      return (bits >>> 1) ^ -(bits & 1)
    }
  }
  cursor.at = -1
  return 0
}

/** Reads a varlong; beyond 2^53 the nearest double. */
export function readVarlong(bytes: Uint8Array, at: number, end: number): number {
  let bits = 0n
  let small = 0
  for (let index = 0; index < 10 && at < end; index++) {
    const byte = bytes[at++]!
    if (index === 9 && byte > 1) break
    if (index < 4) small += (byte & 0x7f) * 2 ** (7 * index)
    else bits |= BigInt(byte & 0x7f) << BigInt(7 * index)
    if (byte < 0x80) {
      cursor.at = at
      if (index < 4) return (small >>> 1) ^ -(small & 1)
      bits |= BigInt(small)
      return Number(BigInt.asIntN(64, (bits >> 1n) ^ -(bits & 1n)))
    }
  }
  cursor.at = -1
  return 0
}
