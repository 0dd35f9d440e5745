/** Why a record was refused: every `DecodeReject.code` with its meaning. Codes are stable; texts may improve. */
export const decodeCodes = {
  null_value: 'the record has no value (tombstone)',
  size_exceeded: 'the record is larger than `maxBytes`',
  truncated: 'the bytes end inside a value',
  trailing_bytes: 'bytes follow the last field',
  varint_overflow: 'a variable-length integer is longer than its type allows',
  length_negative: 'a length is negative',
  length_exceeds: 'a length is larger than the bytes that remain',
  block_size: 'the byte size of a block is not the size of its items',
  items_budget:
    'the record has more items in lists and maps than `maxItems`, or more items of no bytes than `maxEmptyItems`',
  depth_exceeded: 'values nest deeper than `maxDepth`',
  boolean_invalid: 'a boolean byte is neither 0 nor 1',
  enum_index: 'an enum index is outside the symbols of the writer',
  enum_symbol: 'the reader does not know the symbol and has no default',
  union_index: 'a union index is outside the branches of the writer',
  union_branch: 'the reader cannot take the branch of the union that was written',
  utf8_invalid: 'a string is not valid UTF-8 or, in JSON, escapes a lone surrogate',
  uuid_invalid: 'a uuid is not of the form 8-4-4-4-12 hexadecimal digits',
  decimal_precision: 'a decimal has more digits than its type allows',
  json_syntax: 'the bytes are not JSON',
  json_bom: 'the text starts with a byte order mark',
  json_duplicate: 'an object has the same key twice',
  field_unknown: 'an object has a field that the schema does not (strict mode)',
  field_missing: 'a field without default that is not nullable is absent',
  type_mismatch: 'a JSON value has the wrong type',
  number_range: 'a number is outside of its type',
  number_inexact: 'an integer has a fraction, or a decimal more fraction digits than its scale',
  time_invalid: 'a date, time or timestamp has the wrong form or is outside of its range',
  base64_invalid: 'bytes are not base64, or a fixed value has the wrong length',
} as const

export type DecodeCode = keyof typeof decodeCodes
