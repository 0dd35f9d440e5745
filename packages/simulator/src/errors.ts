/** Stable codes of this package; the README lists each of them. `exitCode` tells a script what kind of trouble it was. */
export const simulatorErrors = {
  TARGET_INVALID: { exitCode: 2, advice: 'see `sluice-generate run --help` for the forms' },
  TARGET_UNAVAILABLE: { exitCode: 3, advice: 'install the packages named beside this one' },
  REGISTRY_INVALID: {
    exitCode: 2,
    advice: 'give a folder, or an http or https URL with its credentials in the file or the environment',
  },
  RATE_UNREADABLE: { exitCode: 2, advice: 'see `sluice-generate run --help` for the forms' },
  FAULTS_UNREADABLE: { exitCode: 2, advice: 'write name=share, such as default,late=0.02 or bad=1%' },
  OPTIONS_CONFLICT: { exitCode: 2, advice: 'leave one of them out' },
  PARTITIONS_DIFFER: { exitCode: 3, advice: 'give --partitions as the topic has them, or use another topic or target' },
  LEDGER_EXISTS: { exitCode: 3, advice: 'go on with --continue, or name another file' },
  LEDGER_MISSING: { exitCode: 3, advice: 'run without --continue first' },
  LEDGER_BEHIND: {
    exitCode: 3,
    advice: 'use an empty target, or go on with --continue and the ledger that belongs to it',
  },
} as const

export type SimulatorErrorCode = keyof typeof simulatorErrors

/** The one error class of this package. */
export class SimulatorError extends Error {
  readonly code: SimulatorErrorCode
  readonly exitCode: number

  constructor(code: SimulatorErrorCode, message: string, options?: ErrorOptions) {
    super(`${message}; ${simulatorErrors[code].advice}`, options)
    this.name = 'SimulatorError'
    this.code = code
    this.exitCode = simulatorErrors[code].exitCode
  }
}
