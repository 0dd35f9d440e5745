import type { EventEmitter } from 'node:events'

export interface ShutdownOptions {
  /** How long a drain may take after the first signal before the process exits anyway, ms. */
  readonly graceMs: number
  readonly onSignal?: (signal: string) => void
  readonly signals?: readonly NodeJS.Signals[]
  /** Replaceable in tests. */
  readonly process?: Pick<EventEmitter, 'on' | 'off'>
  readonly exit?: (code: number) => void
}

export interface Shutdown extends Disposable {
  /** Aborts at the first signal: stop taking in, finish what is open, leave. */
  readonly signal: AbortSignal
}

const EXIT_FORCED = 130

/** First SIGINT or SIGTERM asks for a drain; a second one, or the end of the grace period, exits at once (fault 74). */
export function onShutdown(options: ShutdownOptions): Shutdown {
  const controller = new AbortController()
  const target = options.process ?? process
  const exit = options.exit ?? ((code: number) => process.exit(code))
  let timer: NodeJS.Timeout | undefined
  const handle = (signal: string) => {
    if (controller.signal.aborted) return exit(EXIT_FORCED)
    options.onSignal?.(signal)
    timer = setTimeout(() => exit(EXIT_FORCED), options.graceMs)
    timer.unref()
    controller.abort(new Error(`stopped by ${signal}`))
  }
  const signals = options.signals ?? (['SIGINT', 'SIGTERM'] as const)
  for (const name of signals) target.on(name, handle)
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      clearTimeout(timer)
      for (const name of signals) target.off(name, handle)
    },
  }
}
