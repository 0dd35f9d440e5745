import { createJsonlEncoder, createParquetEncoder, JSONL_ENCODER_VERSION, parquetEncoderId } from '@sluice/columnar'
import type { FileEncoder, JsonlEncoderOptions, ParquetEncoderOptions, Schema } from '@sluice/columnar'

/** A file format by name, with options as data, so that a plan can record it. */
export type FileFormat =
  | { readonly format: 'parquet'; readonly options?: ParquetEncoderOptions }
  | { readonly format: 'jsonl'; readonly options?: JsonlEncoderOptions }

/** Makes encoders. `id` names everything that decides the bytes; equal ids promise equal bytes for equal rows. */
export interface FileEncoders {
  id(format: FileFormat): string
  create(format: FileFormat, schema: Schema): FileEncoder
}

/** The encoders of `@sluice/columnar`. */
export const columnarEncoders: FileEncoders = {
  id: (format) => (format.format === 'parquet' ? parquetEncoderId(format.options?.compression) : JSONL_ENCODER_VERSION),
  create: (format, schema) =>
    format.format === 'parquet'
      ? createParquetEncoder(schema, format.options)
      : createJsonlEncoder(schema, format.options),
}
