export interface BackOffOptions {
  readonly firstMs: number
  readonly maxMs: number
  /** In [0, 1): share of the delay that is random, so that many partitions do not retry in step. */
  readonly jitter: number
  /** Uniform in [0, 1). */
  readonly random: () => number
}

/** Exponential delays with jitter. `reset` after a success. */
export interface BackOff {
  /** Next delay, ms. */
  next(): number
  reset(): void
  readonly attempts: number
}

export function createBackOff(options: BackOffOptions): BackOff {
  let attempts = 0
  return {
    next() {
      const full = Math.min(options.maxMs, options.firstMs * 2 ** Math.min(attempts, 30))
      attempts += 1
      return Math.ceil(full * (1 - options.jitter * options.random()))
    },
    reset() {
      attempts = 0
    },
    get attempts() {
      return attempts
    },
  }
}
