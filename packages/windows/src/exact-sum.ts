/**
 * A sum of doubles that does not depend on their order: it keeps what each addition would have rounded away, and rounds
 * once at the end. The partials do not overlap, so there are few of them.
 * @see Shewchuk, Adaptive Precision Floating-Point Arithmetic (1997); the rounding is that of Python's math.fsum
 */
export interface ExactSum {
  add(value: number): void
  /** The double nearest to the true sum; infinite or NaN when values were, or when the sum overflows. */
  value(): number
}

export function createExactSum(): ExactSum {
  const partials: number[] = []
  let special = 0
  let isSpecial = false
  return {
    add(value) {
      if (!Number.isFinite(value)) {
        special += value
        isSpecial = true
        return
      }
      let x = value
      let kept = 0
      for (let i = 0; i < partials.length; i++) {
        let y = partials[i]!
        if (Math.abs(x) < Math.abs(y)) [x, y] = [y, x]
        const high = x + y
        const low = y - (high - x)
        if (low !== 0) partials[kept++] = low
        x = high
      }
      if (!Number.isFinite(x)) {
        special += x
        isSpecial = true
        x = 0
        kept = 0
      }
      partials.length = kept
      partials.push(x)
    },
    value: () => (isSpecial ? special : rounded(partials)),
  }
}

/** Adds partials from the largest down; a tie is decided by the sign of what is left. */
function rounded(partials: readonly number[]): number {
  let at = partials.length - 1
  if (at < 0) return 0
  let high = partials[at]!
  let low = 0
  while (at > 0 && low === 0) {
    const x = high
    const y = partials[--at]!
    high = x + y
    low = y - (high - x)
  }
  if (at > 0 && ((low < 0 && partials[at - 1]! < 0) || (low > 0 && partials[at - 1]! > 0))) {
    const twice = low * 2
    const x = high + twice
    if (twice === x - high) high = x
  }
  return high
}
