export interface CircuitBreakerOptions {
  /** Share of rejects in (0, 1] above which the topic pauses. */
  readonly maxShare: number
  /** Records looked back on; nothing opens before this many were seen. */
  readonly window: number
}

/** Pauses a topic whose records are suddenly mostly bad, instead of draining it into dead letters (fault 83). */
export interface CircuitBreaker {
  readonly open: boolean
  /** Share of rejects in the window, 0..1. */
  readonly share: number
  /** Counts a decoded batch before it is written. @returns true when the batch must not be written. */
  add(consumed: number, rejected: number): boolean
  /** An operator's decision to go on; forgets what was seen. */
  reset(): void
}

export function createCircuitBreaker(options: CircuitBreakerOptions): CircuitBreaker {
  let batches: { consumed: number; rejected: number }[] = []
  let consumed = 0
  let rejected = 0
  let open = false
  return {
    get open() {
      return open
    },
    get share() {
      return consumed === 0 ? 0 : rejected / consumed
    },
    add(more, bad) {
      if (open) return true
      if (more === 0) return false
      batches.push({ consumed: more, rejected: bad })
      consumed += more
      rejected += bad
      while (batches.length > 1 && consumed - batches[0]!.consumed >= options.window) {
        const oldest = batches.shift()!
        consumed -= oldest.consumed
        rejected -= oldest.rejected
      }
      open = consumed >= options.window && rejected / consumed > options.maxShare
      return open
    },
    reset() {
      batches = []
      consumed = 0
      rejected = 0
      open = false
    },
  }
}
