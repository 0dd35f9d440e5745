/** Every error code of this package, with what it means. Codes are stable; texts may improve. */
export const columnarErrors = {
  PARQUET_SCHEMA: 'The schema cannot be written as Parquet.',
  PARQUET_OPTION: 'An option of the Parquet encoder is out of its range.',
  JSONL_OPTION: 'An option of the JSONL encoder is out of its range.',
  BATCH_SCHEMA: 'A batch does not have the columns of the schema the encoder was made for.',
  BATCH_VALUE: 'A column holds a value that its type does not allow, such as an enum index without a symbol.',
  ENCODER_FINISHED: 'The encoder has already handed over its file.',
} as const

export type ColumnarErrorCode = keyof typeof columnarErrors

/** The one error class of this package. Messages name columns and row numbers, never contents of rows. */
export class ColumnarError extends Error {
  override readonly name = 'ColumnarError'
  readonly code: ColumnarErrorCode

  constructor(code: ColumnarErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
