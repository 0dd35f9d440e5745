import { powerOfTen } from '../avro/decimal.ts'

/** Plain decimal text of a number, without exponent: `1e-7` is `0.0000001`. The digits are those that JSON shows. */
export function plainNumber(value: number): string {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(value))
  if (match === null) throw new TypeError('a bound must be a finite number')
  const [, sign, whole, fraction = '', exponent = '0'] = match
  const shift = Number(exponent)
  const digits = `${whole}${fraction}`
  const point = whole!.length + shift
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`
  if (point >= digits.length) return `${sign}${digits}${'0'.repeat(point - digits.length)}`
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`
}

/** A bound in units of a decimal's last digit: the integers next to it, equal when the scale holds it exactly. */
export function decimalBound(value: number, scale: number): { readonly floor: bigint; readonly ceil: bigint } {
  const text = plainNumber(value)
  const negative = text.startsWith('-')
  const [whole = '0', fraction = ''] = (negative ? text.slice(1) : text).split('.')
  const digits = BigInt(whole + fraction)
  let low: bigint
  let exact = true
  if (fraction.length <= scale) {
    low = digits * powerOfTen(scale - fraction.length)
  } else {
    const divisor = powerOfTen(fraction.length - scale)
    low = digits / divisor
    exact = digits % divisor === 0n
  }
  if (exact) return negative ? { floor: -low, ceil: -low } : { floor: low, ceil: low }
  return negative ? { floor: -low - 1n, ceil: -low } : { floor: low, ceil: low + 1n }
}
