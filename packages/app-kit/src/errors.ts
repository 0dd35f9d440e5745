/** Codes that every lake app shares; `exitCode` tells a script what kind of trouble it was. */
export const appErrors = {
  SOURCE_MISSING: { exitCode: 3, advice: 'run `init`, then `produce`' },
  LEDGER_BEHIND: { exitCode: 3, advice: 'a `produce` was interrupted: run `clean`, then `produce`' },
  INGEST_INCOMPLETE: { exitCode: 4, advice: 'see `status` for the partition and its error' },
  VERIFY_FAILED: { exitCode: 5, advice: 'the report names the differences' },
  DOCTOR_FAILED: { exitCode: 6, advice: 'the report says what to do' },
  LAKE_EMPTY: { exitCode: 3, advice: 'run `ingest` first' },
  OBJECT_DAMAGED: { exitCode: 5, advice: 'run `verify` to see what else is' },
  FIX_MODULE_INVALID: { exitCode: 2, advice: 'export a function as default: (letter) => Uint8Array | undefined' },
  SINK_UNKNOWN: { exitCode: 2, advice: 'name one of them, or leave `--sink` out' },
} as const

export type AppErrorCode = keyof typeof appErrors

export class AppError extends Error {
  readonly code: AppErrorCode
  readonly exitCode: number

  constructor(code: AppErrorCode, message: string, options?: ErrorOptions) {
    super(`${message}; ${appErrors[code].advice}`, options)
    this.name = 'AppError'
    this.code = code
    this.exitCode = appErrors[code].exitCode
  }
}

/** A topic that does not exist yet is a step that was left out, not a failure. */
export function explained(error: unknown): unknown {
  const code = (error as { code?: unknown } | null)?.code
  if (code !== 'SOURCE_TOPIC_UNKNOWN' || !(error instanceof Error)) return error
  return new AppError('SOURCE_MISSING', error.message, { cause: error })
}
