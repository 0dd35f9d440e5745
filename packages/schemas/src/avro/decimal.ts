/**
 * Exact decimals. A row holds the plain text (`-12.50`, always `scale` digits after the point); bytes hold the unscaled
 * integer, big-endian two's complement, as Avro has it. No value passes through a double.
 */

const textPattern = /^(-?)(\d+)(?:\.(\d+))?$/

/**
 * Unscaled integer of a decimal text: `12.5` at scale 2 is `1250n`.
 * `undefined` when the text is not a plain decimal, has more fraction digits than `scale` (zeros at the end aside) or
 * more digits than `precision`.
 */
export function unscaledOf(text: string, precision: number, scale: number): bigint | undefined {
  const match = textPattern.exec(text)
  if (match === null) return undefined
  let fraction = match[3] ?? ''
  if (fraction.length > scale) {
    if (/[1-9]/.test(fraction.slice(scale))) return undefined
    fraction = fraction.slice(0, scale)
  }
  const magnitude = BigInt(match[2]! + fraction.padEnd(scale, '0'))
  const unscaled = match[1] === '-' ? -magnitude : magnitude
  return precision === Infinity || fitsPrecision(unscaled, precision) ? unscaled : undefined
}

/** Text of an unscaled integer: `-5n` at scale 2 is `-0.05`. */
export function decimalText(unscaled: bigint, scale: number): string {
  const negative = unscaled < 0n
  const digits = (negative ? -unscaled : unscaled).toString().padStart(scale + 1, '0')
  const whole = digits.slice(0, digits.length - scale)
  const text = scale === 0 ? whole : `${whole}.${digits.slice(digits.length - scale)}`
  return negative ? `-${text}` : text
}

const powers: bigint[] = [1n]

/** 10^n. */
export function powerOfTen(n: number): bigint {
  while (powers.length <= n && powers.length < 1024) powers.push(powers[powers.length - 1]! * 10n)
  return powers[n] ?? 10n ** BigInt(n)
}

export function fitsPrecision(unscaled: bigint, precision: number): boolean {
  const limit = powerOfTen(precision)
  return unscaled < limit && unscaled > -limit
}

/** Integer of big-endian two's complement bytes; no bytes at all are 0. */
export function unscaledOfBytes(bytes: Uint8Array): bigint {
  if (bytes.length === 0) return 0n
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')
  return BigInt.asIntN(8 * bytes.length, BigInt(`0x${hex}`))
}

/**
 * Integer of big-endian two's complement bytes if it has at most `precision` digits. Bytes that only repeat the sign are
 * passed over, and more of the others than `precision` needs are never turned into a number: the cost is linear.
 */
export function unscaledWithin(bytes: Uint8Array, precision: number): bigint | undefined {
  const sign = bytes.length > 0 && bytes[0]! >= 0x80 ? 0xff : 0
  let start = 0
  while (start < bytes.length - 1 && bytes[start] === sign && ((bytes[start + 1]! ^ sign) & 0x80) === 0) start++
  // A digit needs less than 0.4153 bytes; two more for the sign and for rounding up.
  if (bytes.length - start > 2 + precision * 0.4153) return undefined
  const unscaled = unscaledOfBytes(bytes.subarray(start))
  return fitsPrecision(unscaled, precision) ? unscaled : undefined
}

/** Shortest big-endian two's complement bytes of an integer, or exactly `size` bytes; `undefined` if they cannot hold it. */
export function bytesOfUnscaled(unscaled: bigint, size?: number): Uint8Array | undefined {
  let length = size ?? 1
  if (size === undefined) while (BigInt.asIntN(8 * length, unscaled) !== unscaled) length++
  if (BigInt.asIntN(8 * length, unscaled) !== unscaled) return undefined
  const bytes = new Uint8Array(length)
  let rest = BigInt.asUintN(8 * length, unscaled)
  for (let i = length - 1; i >= 0; i--) {
    bytes[i] = Number(rest & 0xffn)
    rest >>= 8n
  }
  return bytes
}
