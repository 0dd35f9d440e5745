import type { Rule } from '../contract.ts'

/** A rule without a name, used as a condition. */
export type Condition = Omit<Rule, 'name'>

/** A band of whole numbers: values below `below`; the last band has none and takes the rest. */
export interface Band {
  readonly label: string
  readonly below?: number
}

/**
 * One step from the columns of a contract to those of a table. Steps are plain data: they go to worker threads and into
 * plans, and what they make of a row is a function of the row alone. Fields are those of the row at that step.
 */
export type DeriveStep =
  /** Null becomes `value` (decimals, dates and times as text or number of the row codec); the field is never null after. */
  | { readonly op: 'default'; readonly field: string; readonly value: string | number | boolean }
  /**
   * Which of `fields` are null, as an int: bit `i` for field `i`, at most 31. Before `default`, it keeps what was sent apart
   * from what was made up.
   */
  | { readonly op: 'null-mask'; readonly fields: readonly string[]; readonly as: string }
  /** A scalar from inside a record, e.g. `payload.amount`, as a column of its own. */
  | { readonly op: 'copy'; readonly from: string; readonly as: string }
  /** `decimal * by`, exactly, where `field` is null; a product too large for `field` is a reject `derive_overflow`. */
  | { readonly op: 'multiply'; readonly decimal: string; readonly by: string; readonly field: string }
  /** The label of the band that a number is in; null stays null. */
  | { readonly op: 'band'; readonly from: string; readonly as: string; readonly bands: readonly Band[] }
  /** Whether a condition holds, as a boolean. Null in the condition's field is false. */
  | { readonly op: 'flag'; readonly as: string; readonly when: Condition }
  /** Only rows for which the condition holds stay; the others count as filtered. */
  | { readonly op: 'keep'; readonly when: Condition }
  | { readonly op: 'drop'; readonly field: string }

/** How a derived contract comes from another one. */
export interface Derivation<Source> {
  /** What is on the topic. Its rules hold before the first step. */
  readonly from: Source
  /** Name and version and a fingerprint of the steps; recorded with what was decided by them. */
  readonly id: string
  readonly steps: readonly DeriveStep[]
}

/** What only derivations say about a row. */
export const deriveCodes = {
  derive_overflow: 'a computed decimal has more digits than its column',
} as const

export type DeriveCode = keyof typeof deriveCodes
