/** Every error code of this package, with what it means. Codes are stable; texts may improve. */
export const columnarErrors = {
  PARQUET_SCHEMA: 'The schema cannot be written as Parquet.',
  PARQUET_OPTION: 'An option of the Parquet encoder is out of its range.',
  JSONL_OPTION: 'An option of the JSONL encoder is out of its range.',
  BATCH_SCHEMA: 'A batch does not have the columns of the schema the encoder was made for.',
  BATCH_VALUE: 'A column holds a value that its type does not allow, such as an enum index without a symbol.',
  ENCODER_FINISHED: 'The encoder has already handed over its file.',
  AVRO_INVALID: 'The schema is not a valid Avro schema.',
  AVRO_TOO_LARGE: 'The schema exceeds a cap on bytes, depth, fields, enum symbols or columns.',
  AVRO_NAMES_CLASH: 'Two fields of a record differ only by case.',
  AVRO_UNSUPPORTED: 'The schema is valid Avro but has no column form, such as a recursive record.',
  AVRO_INCOMPATIBLE: 'No data of the writer schema can be read with the reader schema; `problems` lists every path.',
  DECODER_OPTION: 'An option of a decoder is out of its range.',
  RECORD_RANGE: 'A record range lies outside of its byte array.',
  BUILDER_SCHEMA: 'The builder has other columns than the decoder.',
  BUILDER_FULL: 'A column would exceed what 32-bit offsets can count; finish the batch earlier.',
  ROW_RANGE: 'A row number is outside of the batch.',
  KERNEL_TYPE: 'A column given to a kernel has a type or length it does not take.',
  ROW_VALUE: 'A row given as an object does not fit the schema.',
} as const

export type ColumnarErrorCode = keyof typeof columnarErrors

/** One reason why a schema is none, or cannot read a writer schema. Made of schema names and types only. */
export interface SchemaProblem {
  /** Path in the schema (of two, the reader's), e.g. `items[].price`; empty for the root. */
  readonly path: string
  readonly message: string
}

/** The one error class of this package. Messages name columns and row numbers, never contents of rows. */
export class ColumnarError extends Error {
  override readonly name = 'ColumnarError'
  readonly code: ColumnarErrorCode
  /** For AVRO_INCOMPATIBLE, AVRO_INVALID and AVRO_NAMES_CLASH: what is wrong where. Empty for other codes. */
  readonly problems: readonly SchemaProblem[]

  constructor(
    code: ColumnarErrorCode,
    message: string,
    options?: ErrorOptions & { problems?: readonly SchemaProblem[] },
  ) {
    super(message, options)
    this.code = code
    this.problems = options?.problems ?? []
  }
}
