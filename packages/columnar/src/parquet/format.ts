/**
 * Numbers of the Parquet format that this encoder writes.
 * @see https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
 */

/** Physical types. */
export const Physical = { BOOLEAN: 0, INT32: 1, INT64: 2, FLOAT: 4, DOUBLE: 5, BYTE_ARRAY: 6, FIXED: 7 } as const
export type Physical = (typeof Physical)[keyof typeof Physical]

export const Repetition = { REQUIRED: 0, OPTIONAL: 1, REPEATED: 2 } as const
export type Repetition = (typeof Repetition)[keyof typeof Repetition]

/** The older annotations, still read where `LogicalType` is not. */
export const Converted = {
  UTF8: 0,
  MAP: 1,
  LIST: 3,
  DECIMAL: 5,
  DATE: 6,
  TIME_MILLIS: 7,
  TIME_MICROS: 8,
  TIMESTAMP_MILLIS: 9,
  TIMESTAMP_MICROS: 10,
} as const
export type Converted = (typeof Converted)[keyof typeof Converted]

/** Field ids of the `LogicalType` union. */
export const Logical = {
  STRING: 1,
  MAP: 2,
  LIST: 3,
  DECIMAL: 5,
  DATE: 6,
  TIME: 7,
  TIMESTAMP: 8,
  UNKNOWN: 11,
  UUID: 14,
} as const

export const Encoding = {
  PLAIN: 0,
  RLE: 3,
  DELTA_BINARY_PACKED: 5,
  DELTA_LENGTH_BYTE_ARRAY: 6,
  RLE_DICTIONARY: 8,
} as const
export type Encoding = (typeof Encoding)[keyof typeof Encoding]

export const Codec = { none: 0, snappy: 1, zstd: 6 } as const

export const PageType = { DATA: 0, DICTIONARY: 2 } as const
