/** Codes of path layouts. All are found when a sink is made, before anything is written. */
export const layoutErrors = {
  LAYOUT_INVALID: { outcome: 'none', retry: 'never' },
  LAYOUT_CONFLICT: { outcome: 'none', retry: 'never' },
} as const

export type LayoutErrorCode = keyof typeof layoutErrors

/** A path pattern that cannot be used, or two topics that would share a place. */
export class LayoutError extends Error {
  readonly code: LayoutErrorCode

  constructor(code: LayoutErrorCode, message: string) {
    super(message)
    this.name = 'LayoutError'
    this.code = code
  }
}
