export const deadLetterErrors = {
  LETTER_UNKNOWN: { retry: 'never', meaning: 'no committed dead letter has this key' },
  LETTER_MALFORMED: { retry: 'never', meaning: 'a committed dead-letter file cannot be read' },
  LEDGER_MALFORMED: { retry: 'never', meaning: 'a file of the replay ledger cannot be read, or the ledger has a hole' },
  LEDGER_BUSY: { retry: 'later', meaning: 'another process keeps deciding; try again when it is done' },
  REPLAY_MISMATCH: {
    retry: 'never',
    meaning: 'what a plan says does not fit what is stored: two versions, or a changed file',
  },
  FIX_FAILED: { retry: 'never', meaning: 'the fix function threw or returned something that is not bytes' },
} as const

export type DeadLetterErrorCode = keyof typeof deadLetterErrors

/** A problem of the dead-letter operations. Texts name keys and files, never contents of records. */
export class DeadLetterError extends Error {
  readonly code: DeadLetterErrorCode

  constructor(code: DeadLetterErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.name = 'DeadLetterError'
    this.code = code
  }
}
