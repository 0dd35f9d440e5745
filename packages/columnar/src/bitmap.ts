/** Packs one byte per slot (0 or 1) into a bitmap, LSB first. `bytes` starts at offset 0 of its buffer. */
export function packBits(bytes: Uint8Array, length: number): Uint8Array {
  const bitmap = new Uint8Array((length + 7) >> 3)
  const words = new Uint32Array(bytes.buffer, 0, bytes.length >> 2)
  const whole = Math.min(length >> 3, words.length >> 1)
  for (let i = 0; i < whole; i++) {
    // The product moves the lowest bit of byte k of a word to bit 28 + k; no two terms share a bit.
    bitmap[i] =
      (Math.imul(words[2 * i]!, 0x1020_4080) >>> 28) | ((Math.imul(words[2 * i + 1]!, 0x1020_4080) >>> 28) << 4)
  }
  for (let at = whole << 3; at < length; at++) bitmap[at >> 3]! |= bytes[at]! << (at & 7)
  return bitmap
}

/** Bit `i` of a bitmap; without a bitmap every slot is present. */
export function isSet(bitmap: Uint8Array | undefined, i: number): boolean {
  return bitmap === undefined || ((bitmap[i >> 3]! >> (i & 7)) & 1) === 1
}

/** Number of 1 bytes among the first `length`, each 0 or 1. `bytes` starts at offset 0 of its buffer. */
export function countOnes(bytes: Uint8Array, length: number): number {
  const words = new Uint32Array(bytes.buffer, 0, bytes.length >> 2)
  const whole = Math.min(length >> 2, words.length)
  let ones = 0
  for (let i = 0; i < whole; i++) ones += Math.imul(words[i]!, 0x0101_0101) >>> 24
  for (let at = whole << 2; at < length; at++) ones += bytes[at]!
  return ones
}
