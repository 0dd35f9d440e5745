/** Waits `ms` (for ever when undefined); false when `signal` ended the wait. */
export function waitFor(ms: number | undefined, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false)
  return new Promise((resolve) => {
    const stop = (): void => {
      clearTimeout(timer)
      resolve(false)
    }
    const timer =
      ms === undefined
        ? undefined
        : setTimeout(() => {
            signal.removeEventListener('abort', stop)
            resolve(true)
          }, ms)
    signal.addEventListener('abort', stop, { once: true })
  })
}
