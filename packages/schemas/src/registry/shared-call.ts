/** One call that several callers wait for. */
export interface SharedCall<T> {
  /** Waits for the result. A caller that aborts leaves alone; the call itself is aborted when none is left. */
  join(signal?: AbortSignal): Promise<T>
}

/** Starts `work` at once; `ended` is called once: when it has a result, or when nobody waits for one any more. */
export function shareCall<T>(work: (signal: AbortSignal) => Promise<T>, ended: () => void): SharedCall<T> {
  const stop = new AbortController()
  let waiting = 0
  let over = false
  const end = (): void => {
    if (!over) ended()
    over = true
  }
  const result = work(stop.signal).finally(end)
  // Whoever waits hears of a failure; when nobody does any more, it is of no interest.
  result.catch(() => undefined)

  return {
    join(signal) {
      waiting += 1
      return new Promise<T>((resolve, reject) => {
        let here = true
        const leave = (): void => {
          if (here) waiting -= 1
          here = false
          signal?.removeEventListener('abort', abort)
        }
        const abort = (): void => {
          leave()
          reject(signal!.reason as Error)
          if (waiting > 0 || over) return
          // Ended before it is stopped, so that nobody joins a call that is given up.
          end()
          stop.abort(signal!.reason)
        }
        signal?.addEventListener('abort', abort, { once: true })
        if (signal?.aborted) abort()
        result.then(resolve, reject).finally(leave)
      })
    },
  }
}
