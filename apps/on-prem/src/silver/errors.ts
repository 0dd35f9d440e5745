export const silverErrors = {
  SNAPSHOT_BROKEN: { retry: 'never', meaning: 'a manifest or file of a snapshot table is not what its name says' },
  SNAPSHOT_CONTENDED: { retry: 'later', meaning: 'other jobs kept making snapshots of the table; run this one again' },
} as const

export type SilverErrorCode = keyof typeof silverErrors

/** An error of a silver table, never of a row. */
export class SilverError extends Error {
  override readonly name = 'SilverError'
  readonly code: SilverErrorCode

  constructor(code: SilverErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
