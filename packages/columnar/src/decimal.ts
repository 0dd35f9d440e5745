const textPattern = /^([+-]?)(\d+)(?:\.(\d+))?$/

/** 10^0 to 10^38. */
const powers: readonly bigint[] = Array.from({ length: 39 }, (_, n) => 10n ** BigInt(n))

/**
 * Unscaled integer of a decimal text: `12.5` at scale 2 is `1250n`. `undefined` when the text is no plain decimal, has
 * fraction digits beyond `scale` other than zeros, or more digits than `precision`.
 */
export function unscaledOf(text: string, precision: number, scale: number): bigint | undefined {
  const match = textPattern.exec(text)
  if (match === null) return undefined
  let fraction = match[3] ?? ''
  if (fraction.length > scale) {
    if (/[1-9]/.test(fraction.slice(scale))) return undefined
    fraction = fraction.slice(0, scale)
  }
  const digits = (match[2]! + fraction.padEnd(scale, '0')).replace(/^0+(?=\d)/, '')
  if (digits.length > precision) return undefined
  const unscaled = BigInt(digits)
  if (unscaled >= powers[precision]!) return undefined
  return match[1] === '-' ? -unscaled : unscaled
}

/** Text of an unscaled integer with exactly `scale` fraction digits: `-5n` at scale 2 is `-0.05`. */
export function decimalText(unscaled: bigint, scale: number): string {
  const negative = unscaled < 0n
  const digits = (negative ? -unscaled : unscaled).toString().padStart(scale + 1, '0')
  const whole = digits.slice(0, digits.length - scale)
  const text = scale === 0 ? whole : `${whole}.${digits.slice(digits.length - scale)}`
  return negative ? `-${text}` : text
}

/** Integer at 16-byte slot `i` of little-endian two's complement values. */
export function readDecimal(values: Uint8Array, i: number): bigint {
  const view = new DataView(values.buffer, values.byteOffset + 16 * i, 16)
  return (view.getBigInt64(8, true) << 64n) | view.getBigUint64(0, true)
}

/** Writes an integer as four 32-bit words, lowest first. */
export function writeDecimalWords(words: Int32Array, at: number, unscaled: bigint): void {
  let rest = unscaled
  for (let i = 0; i < 4; i++) {
    words[at + i] = Number(BigInt.asIntN(32, rest))
    rest >>= 32n
  }
}

/** Words, lowest first, of the largest number of `precision` digits: 10^precision - 1. */
export function mostWords(precision: number): Uint32Array {
  const words = new Uint32Array(4)
  let rest = powers[precision]! - 1n
  for (let i = 0; i < 4; i++) {
    words[i] = Number(rest & 0xffff_ffffn)
    rest >>= 32n
  }
  return words
}

/** Whether the absolute value of the four words at `at` is at most that of `mostWords`. */
export function withinPrecision(words: Int32Array, at: number, most: Uint32Array): boolean {
  const sign = words[at + 3]! >> 31
  // For v < 0, v ^ -1 = |v| - 1, which has to be below `most`; v >= 0 may also be equal to it.
  for (let i = 3; i >= 0; i--) {
    const word = (words[at + i]! ^ sign) >>> 0
    if (word !== most[i]!) return word < most[i]!
  }
  return sign === 0
}

/** Most bytes whose every two's complement value has at most `precision` digits. */
export function alwaysFitsBytes(precision: number): number {
  let bytes = 0
  while (bytes < 16 && 1n << BigInt(8 * (bytes + 1) - 1) < powers[precision]!) bytes++
  return bytes
}
