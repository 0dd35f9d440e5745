/** Row values in the row codec's spelling: longs are bigint, decimals plain text. */

/** Decimal text with two digits after the point, from whole cents. Negative amounts keep their sign. */
export function cents(amount: number): string {
  const magnitude = Math.abs(amount)
  const whole = Math.floor(magnitude / 100)
  const rest = magnitude - whole * 100
  return `${amount < 0 ? '-' : ''}${whole}.${rest < 10 ? '0' : ''}${rest}`
}

/** Decimal text with `scale` digits after the point, from a whole number of units of the last digit (>= 0). */
export function decimal(unscaled: number, scale: number): string {
  const digits = String(unscaled).padStart(scale + 1, '0')
  return `${digits.slice(0, digits.length - scale)}.${digits.slice(digits.length - scale)}`
}

/** Microseconds since epoch from milliseconds and a fraction of the millisecond in microseconds. */
export function micros(ms: number, fraction = 0): bigint {
  return BigInt(ms * 1000 + fraction)
}
