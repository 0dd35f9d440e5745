/** How many calls may be on their way at the same time, learnt from how they end. */
export interface FlightLimit {
  /**
   * Runs a call when it may fly.
   * @throws what the call throws; the signal's reason when it is aborted before its turn
   */
  run<T>(call: () => Promise<T>, signal: AbortSignal): Promise<T>
  /** Calls that may fly now; Infinity until the first overload. */
  readonly limit: number
}

/**
 * Halves what may fly at each overload and lets one more fly after each round of successes, as TCP does: a store that asks for fewer requests gets
 * fewer, and soon as many again as it bears (RELIABILITY fault 45). Calls wait in their order.
 */
export function createFlightLimit(isOverload: (error: unknown) => boolean): FlightLimit {
  let limit = Infinity
  let flying = 0
  const waiting: (() => void)[] = []

  function admit(): void {
    while (waiting.length > 0 && flying < Math.floor(limit)) {
      flying += 1
      waiting.shift()!()
    }
  }

  function turn(signal: AbortSignal): Promise<void> {
    return new Promise((done, failed) => {
      const begin = () => {
        signal.removeEventListener('abort', leave)
        done()
      }
      const leave = () => {
        waiting.splice(waiting.indexOf(begin), 1)
        failed(signal.reason as Error)
      }
      signal.addEventListener('abort', leave, { once: true })
      waiting.push(begin)
    })
  }

  return {
    get limit() {
      return limit
    },
    async run(call, signal) {
      signal.throwIfAborted()
      if (flying < Math.floor(limit)) flying += 1
      else await turn(signal)
      try {
        const result = await call()
        if (limit !== Infinity) limit += 1 / limit
        return result
      } catch (error) {
        if (isOverload(error)) limit = Math.max(1, Math.min(limit, flying) / 2)
        throw error
      } finally {
        flying -= 1
        admit()
      }
    },
  }
}
