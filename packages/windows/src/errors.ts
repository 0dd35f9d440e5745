/** Codes of `@sluice/windows`; the text may improve, the codes stay. */
export const windowErrors = {
  WINDOW_OPTIONS_INVALID: { advice: 'correct the named option' },
  WINDOW_COLUMN_UNSUITABLE: { advice: 'name a column that exists and has a type that fits its use' },
  WINDOWS_FULL: { advice: 'group by fewer values, use smaller windows or less lateness, or raise maxCells' },
  WINDOWS_CLOSED: { advice: 'make another set of windows' },
} as const

export type WindowErrorCode = keyof typeof windowErrors

export class WindowError extends Error {
  readonly code: WindowErrorCode

  constructor(code: WindowErrorCode, message: string) {
    super(message)
    this.name = 'WindowError'
    this.code = code
  }
}
