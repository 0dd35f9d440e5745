/** Errors of this package. `retry` tells a caller what helps: nothing, or trying the same call later. */
export const schemaErrors = {
  SCHEMA_INVALID: { retry: 'never', meaning: 'the text is not an Avro schema' },
  SCHEMA_TOO_LARGE: { retry: 'never', meaning: 'the schema exceeds a cap on bytes, depth, fields or symbols' },
  SCHEMA_INCOMPATIBLE: {
    retry: 'never',
    meaning: 'data of the writer schema can never be read with the reader schema',
  },
  SCHEMA_NAMES_CLASH: { retry: 'never', meaning: 'two names are equal after case folding or mapping to identifiers' },
  ROW_INVALID: { retry: 'never', meaning: 'a row does not fit the schema it is to be encoded with' },
  CONTRACT_INVALID: { retry: 'never', meaning: 'contract.json, a schema version or field-ids.json is wrong' },
  CONTRACT_UNKNOWN: { retry: 'never', meaning: 'no contract has this name' },
  REGISTRY_UNAVAILABLE: { retry: 'later', meaning: 'the registry could not be asked; nothing is known about the id' },
  REGISTRY_CORRUPT: { retry: 'never', meaning: 'the registry answered with something that is not a registry entry' },
} as const

export type SchemaErrorCode = keyof typeof schemaErrors

export interface SchemaErrorDetails {
  /** Where in the schema, row or contract: dotted path, empty for the whole. */
  readonly path?: string
  /** What was expected there; never contents of a row. */
  readonly expected?: string
  readonly cause?: unknown
}

/** A schema, contract, row or registry problem. Texts never contain row contents. */
export class SchemaError extends Error {
  override readonly name = 'SchemaError'
  readonly code: SchemaErrorCode
  readonly path: string
  readonly expected: string

  constructor(code: SchemaErrorCode, message: string, details: SchemaErrorDetails = {}) {
    super(`${code}: ${message}`, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.path = details.path ?? ''
    this.expected = details.expected ?? ''
  }
}

/** Reasons why bytes are not a row; the columnar decoder uses the same strings. */
export const decodeCodes = {
  truncated: 'the bytes end inside a value',
  trailing_bytes: 'bytes follow the last field',
  varint_overflow: 'a variable-length integer is longer than its type allows',
  length_negative: 'a length is negative',
  length_exceeds: 'a length is larger than the bytes that remain',
  block_size: 'the byte size of a block is not the size of its items',
  items_budget: 'more collection items than the budget allows for one record',
  depth_exceeded: 'values nest deeper than the budget allows',
  size_exceeded: 'the record is larger than the budget allows',
  boolean_invalid: 'a boolean byte is neither 0 nor 1',
  enum_index: 'an enum index is outside the symbols of the writer',
  enum_symbol: 'the reader does not know the symbol and has no default',
  union_index: 'a union index is outside the branches of the writer',
  union_branch: 'the reader cannot take the branch of the union that was written',
  utf8_invalid: 'a string is not valid UTF-8',
  uuid_invalid: 'a uuid is not of the form 8-4-4-4-12 hexadecimal digits',
  decimal_precision: 'a decimal has more digits than its type allows',
  null_value: 'the record has no value (tombstone)',
  envelope_short: 'the value is shorter than the five bytes of the envelope',
  envelope_magic: 'the first byte of the envelope is not 0',
} as const

export type DecodeCode = keyof typeof decodeCodes

/** Bytes that are not a row of the schema. The message names code, path and expectation, never the bytes. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError'
  readonly code: DecodeCode
  readonly path: string
  readonly expected: string

  constructor(code: DecodeCode, path: string, expected: string) {
    super(`${code}${path === '' ? '' : ` at ${path}`}: expected ${expected}`)
    this.code = code
    this.path = path
    this.expected = expected
  }
}
