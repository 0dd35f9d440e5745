/** What jobs over landed data can end with; `exitCode` tells a script that data, not machinery, is the trouble. */
export const jobErrors = {
  RULES_BROKEN: { exitCode: 7, advice: 'gold is as it was; the report names the rules, the table the rows' },
  CONFIRMATION_NEEDED: { exitCode: 2, advice: 'add --yes when that is what you want' },
  WAREHOUSE_EMPTY: { exitCode: 3, advice: 'run `ingest` first' },
  DAILY_FAILED: { exitCode: 7, advice: 'the report says which step and why' },
} as const

export type JobErrorCode = keyof typeof jobErrors

export class JobError extends Error {
  override readonly name = 'JobError'
  readonly code: JobErrorCode
  readonly exitCode: number

  constructor(code: JobErrorCode, message: string, options?: ErrorOptions) {
    super(`${message}; ${jobErrors[code].advice}`, options)
    this.code = code
    this.exitCode = jobErrors[code].exitCode
  }
}
