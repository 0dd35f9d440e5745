/**
 * One counter for everything a pipeline holds in memory: fetched bytes, decoded batches, rows buffered by the sink.
 * It never blocks by itself; the poll loop asks `available` before it reads and `waitForChange` when there is none.
 */
export interface ByteBudget {
  readonly limit: number
  readonly used: number
  /** Highest `used` so far. */
  readonly peak: number
  readonly available: number
  /** Opens an account with `bytes` on it. */
  open(bytes: number): BudgetAccount
  /** Resolves at the next release of any account, or when `signal` aborts. */
  waitForChange(signal: AbortSignal): Promise<void>
}

/** Bytes held by one owner. */
export interface BudgetAccount {
  readonly bytes: number
  set(bytes: number): void
  /** Safe to call twice. */
  close(): void
}

export function createByteBudget(limit: number): ByteBudget {
  let used = 0
  let peak = 0
  const waiters = new Set<() => void>()

  const change = (by: number): void => {
    used += by
    if (used > peak) peak = used
    if (by < 0) for (const wake of [...waiters]) wake()
  }

  return {
    limit,
    get used() {
      return used
    },
    get peak() {
      return peak
    },
    get available() {
      return limit - used
    },
    open(bytes) {
      let held = bytes
      let closed = false
      change(bytes)
      return {
        get bytes() {
          return held
        },
        set(next) {
          if (closed) return
          const by = next - held
          held = next
          change(by)
        },
        close() {
          if (closed) return
          closed = true
          const by = -held
          held = 0
          change(by)
        },
      }
    },
    waitForChange(signal) {
      return new Promise((resolve) => {
        if (signal.aborted) return resolve()
        const wake = (): void => {
          waiters.delete(wake)
          signal.removeEventListener('abort', wake)
          resolve()
        }
        waiters.add(wake)
        signal.addEventListener('abort', wake, { once: true })
      })
    },
  }
}
