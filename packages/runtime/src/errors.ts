/** Codes of `@sluice/runtime`; the text may improve, the codes stay. */
export const runtimeErrors = {
  CONFIG_INVALID: { exitCode: 2, advice: 'correct the named key' },
  CONFIG_UNREADABLE: { exitCode: 2, advice: 'check the path and the syntax of the configuration file' },
  METRICS_UNAVAILABLE: { exitCode: 1, advice: 'choose a free port for the metrics endpoint' },
} as const

export type RuntimeErrorCode = keyof typeof runtimeErrors

export class RuntimeError extends Error {
  readonly code: RuntimeErrorCode
  readonly exitCode: number

  constructor(code: RuntimeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'RuntimeError'
    this.code = code
    this.exitCode = runtimeErrors[code].exitCode
  }
}
