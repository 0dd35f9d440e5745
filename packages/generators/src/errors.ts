/** Stable codes of this package; the README lists each of them. `exitCode` is 2 for mistakes of the caller, as in all commands. */
export const generatorErrors = {
  FEED_UNKNOWN: { exitCode: 2, advice: 'use a name from listFeeds()' },
  FAULT_UNKNOWN: { exitCode: 2, advice: 'use a name from faultNames' },
  FAULT_RATE_INVALID: { exitCode: 2, advice: 'rates are shares in [0, 1] whose sum is at most 1' },
  RATE_INVALID: { exitCode: 2, advice: 'rates are events per second, >= 0' },
  OPTION_INVALID: { exitCode: 2, advice: 'correct the named option' },
  OUTPUT_RECEIPT_INVALID: { exitCode: 1, advice: 'an output must answer one base offset per partition written' },
  LEDGER_CORRUPT: { exitCode: 3, advice: 'delete the ledger and produce again' },
} as const

export type GeneratorErrorCode = keyof typeof generatorErrors

/** The one error class of this package. Messages never hold row contents. */
export class GeneratorError extends Error {
  readonly code: GeneratorErrorCode
  readonly exitCode: number
  constructor(code: GeneratorErrorCode, message: string, options?: ErrorOptions) {
    super(`${message} (${code}: ${generatorErrors[code].advice})`, options)
    this.name = 'GeneratorError'
    this.code = code
    this.exitCode = generatorErrors[code].exitCode
  }
}
