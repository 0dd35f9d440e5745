/** Spellings between which producers of JSON choose; the contract allows all of them. */
export interface JsonStyle {
  /** Timestamps as ISO 8601 text in UTC, or as an integer in the schema's unit. */
  readonly times: 'iso' | 'epoch'
  /** Decimals as JSON numbers with all fraction digits, or the same digits in a string. */
  readonly decimals: 'number' | 'string'
}

export const defaultJsonStyle: JsonStyle = Object.freeze({ times: 'iso', decimals: 'string' })
