/** Stable codes of this package; the README lists each of them. */
export const generatorErrors = {
  FEED_UNKNOWN: { advice: 'use a name from listFeeds()' },
  FAULT_UNKNOWN: { advice: 'use a name from faultNames' },
  FAULT_RATE_INVALID: { advice: 'rates are shares in [0, 1] whose sum is at most 1' },
  RATE_INVALID: { advice: 'rates are events per second, >= 0' },
  OPTION_INVALID: { advice: 'correct the named option' },
  OUTPUT_RECEIPT_INVALID: { advice: 'an output must answer one base offset per partition written' },
  LEDGER_CORRUPT: { advice: 'delete the ledger and produce again' },
} as const

export type GeneratorErrorCode = keyof typeof generatorErrors

/** The one error class of this package. Messages never hold row contents. */
export class GeneratorError extends Error {
  readonly code: GeneratorErrorCode
  constructor(code: GeneratorErrorCode, message: string, options?: ErrorOptions) {
    super(`${message} (${code}: ${generatorErrors[code].advice})`, options)
    this.name = 'GeneratorError'
    this.code = code
  }
}
