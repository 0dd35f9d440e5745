import type { DecodeCode } from '@sluice/columnar'

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
  REGISTRY_DENIED: {
    retry: 'later',
    meaning: 'the registry asks for other credentials; nothing is known about the id',
  },
  REGISTRY_REFUSED: {
    retry: 'never',
    meaning: 'the registry does not take the schema: its mode or its rules forbid it',
  },
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

/** Codes of the envelope before the body. Those of the body are `decodeCodes` of `@sluice/columnar`, shared with its decoders. */
export const envelopeCodes = {
  envelope_short: 'the value is shorter than the five bytes of the envelope',
  envelope_magic: 'the first byte of the envelope is not 0',
} as const

export type EnvelopeCode = keyof typeof envelopeCodes

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
