/** One place in a source file of `packages/`; the text must be there exactly once. */
export interface Edit {
  readonly file: string
  readonly find: string
  readonly replace: string
}

/** The pipeline with one of its checks taken out of the source. */
export interface Mutant {
  /** The check that is gone. */
  readonly name: string
  readonly edits: readonly Edit[]
  /** Topics in whose ledgers it must show. */
  readonly feeds: readonly string[]
  /**
   * What the ledger expected of the records that give it away: dead-letter codes (`rule_` for those of any rule), or
   * `stored` and `late`.
   */
  readonly guards: readonly string[]
}
