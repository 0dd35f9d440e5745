/** Packs one byte per slot (0 or 1) into a bitmap, LSB first. */
export function packBits(bytes: Uint8Array, length: number): Uint8Array {
  const bitmap = new Uint8Array((length + 7) >> 3)
  const whole = length >> 3
  for (let i = 0, at = 0; i < whole; i++, at += 8) {
    bitmap[i] =
      bytes[at]! |
      (bytes[at + 1]! << 1) |
      (bytes[at + 2]! << 2) |
      (bytes[at + 3]! << 3) |
      (bytes[at + 4]! << 4) |
      (bytes[at + 5]! << 5) |
      (bytes[at + 6]! << 6) |
      (bytes[at + 7]! << 7)
  }
  for (let at = whole << 3; at < length; at++) bitmap[at >> 3]! |= bytes[at]! << (at & 7)
  return bitmap
}

/** Bit `i` of a bitmap; without a bitmap every slot is present. */
export function isSet(bitmap: Uint8Array | undefined, i: number): boolean {
  return bitmap === undefined || ((bitmap[i >> 3]! >> (i & 7)) & 1) === 1
}

/** Number of 1 bytes among the first `length`, each 0 or 1. */
export function countOnes(bytes: Uint8Array, length: number): number {
  let ones = 0
  for (let i = 0; i < length; i++) ones += bytes[i]!
  return ones
}
