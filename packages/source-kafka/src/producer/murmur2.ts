/** Partition of a key as Kafka's Java client chooses it: murmur2 (seed 0x9747b28c), made positive, modulo the count. */
export function partitionOfKey(key: Uint8Array, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions
}

const m = 0x5bd1e995

export function murmur2(data: Uint8Array): number {
  const { length } = data
  let h = 0x9747b28c ^ length
  let at = 0
  for (; at + 4 <= length; at += 4) {
    let k = data[at]! | (data[at + 1]! << 8) | (data[at + 2]! << 16) | (data[at + 3]! << 24)
    k = Math.imul(k, m)
    k ^= k >>> 24
    k = Math.imul(k, m)
    h = Math.imul(h, m) ^ k
  }
  const left = length - at
  if (left > 2) h ^= data[at + 2]! << 16
  if (left > 1) h ^= data[at + 1]! << 8
  if (left > 0) h = Math.imul(h ^ data[at]!, m)
  h ^= h >>> 13
  h = Math.imul(h, m)
  h ^= h >>> 15
  return h
}
