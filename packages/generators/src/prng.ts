import { createHash } from 'node:crypto'

/**
 * A seeded source of randomness. Every method consumes a fixed recipe of draws, so equal seeds give equal sequences on
 * every machine that runs the same V8 (`Math.log` and `Math.cos` are V8's own, not the C library's).
 */
export interface Random {
  /** Uniform integer in [0, 2^32). */
  uint32(): number
  /** Uniform number in [0, 1), 32 bits of resolution. */
  float(): number
  /** Uniform integer in [0, n), n at most 2^32. */
  int(n: number): number
  /** Uniform integer in [lo, hi], both included. */
  between(lo: number, hi: number): number
  /** Uniform number in [lo, hi). */
  range(lo: number, hi: number): number
  /** True with probability p. Always one draw. */
  chance(p: number): boolean
  pick<T>(items: readonly T[]): T
  /** Normal with the given mean and deviation (Box-Muller, two draws, no state kept). */
  normal(mean: number, deviation: number): number
  /** Exponential with the given mean. */
  exponential(mean: number): number
  /** Poisson with the given mean: exact by inversion up to 30, rounded normal above. */
  poisson(mean: number): number
  /** `digits` lower-case hex digits. */
  hex(digits: number): string
}

/**
 * sfc32 (Chris Doty-Humphrey, PractRand; public domain): 128 bits of state, passes PractRand to 16 TB, five 32-bit
 * additions per draw. Seeds come from SHA-256 of the parts joined by U+0000, so `(1, 'a')` and `(1, 'b')` are unrelated.
 */
export function createRandom(...seedParts: readonly (string | number)[]): Random {
  const digest = createHash('sha256').update(seedParts.join('\u0000')).digest()
  let a = digest.readInt32LE(0)
  let b = digest.readInt32LE(4)
  let c = digest.readInt32LE(8)
  let counter = 1

  function uint32(): number {
    const t = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (c << 21) | (c >>> 11)
    c = (c + t) | 0
    return t >>> 0
  }
  for (let i = 0; i < 15; i++) uint32()

  const float = () => uint32() * 2 ** -32
  const int = (n: number) => Math.floor(uint32() * 2 ** -32 * n)
  const normal = (mean: number, deviation: number) => {
    const radius = Math.sqrt(-2 * Math.log(1 - float()))
    return mean + deviation * radius * Math.cos(2 * Math.PI * float())
  }
  return {
    uint32,
    float,
    int,
    between: (lo, hi) => lo + int(hi - lo + 1),
    range: (lo, hi) => lo + float() * (hi - lo),
    chance: (p) => float() < p,
    pick: (items) => items[int(items.length)]!,
    normal,
    exponential: (mean) => -mean * Math.log(1 - float()),
    poisson(mean) {
      if (mean <= 0) return 0
      if (mean > 30) return Math.max(0, Math.round(normal(mean, Math.sqrt(mean))))
      const limit = Math.exp(-mean)
      let product = float()
      let n = 0
      while (product > limit) {
        n++
        product *= float()
      }
      return n
    },
    hex(digits) {
      let text = ''
      while (text.length < digits) text += uint32().toString(16).padStart(8, '0')
      return text.slice(0, digits)
    },
  }
}

/** Draws indexes with fixed weights: Walker's alias method, two draws whatever the number of weights. */
export function createWeightedPick(weights: readonly number[]): (random: Random) => number {
  const n = weights.length
  const total = weights.reduce((sum, w) => sum + w, 0)
  if (n === 0 || !(total > 0) || weights.some((w) => !(w >= 0))) {
    throw new TypeError('weights must be non-negative numbers with a positive sum')
  }
  const probability = new Float64Array(n)
  const alias = new Int32Array(n)
  const scaled = Float64Array.from(weights, (w) => (w * n) / total)
  const small: number[] = []
  const large: number[] = []
  for (let i = 0; i < n; i++) (scaled[i]! < 1 ? small : large).push(i)
  while (small.length > 0 && large.length > 0) {
    const s = small.pop()!
    const l = large.pop()!
    probability[s] = scaled[s]!
    alias[s] = l
    scaled[l] = scaled[l]! + scaled[s]! - 1
    ;(scaled[l]! < 1 ? small : large).push(l)
  }
  for (const i of [...small, ...large]) probability[i] = 1
  return (random) => {
    const i = random.int(n)
    return random.float() < probability[i]! ? i : alias[i]!
  }
}
