export * from './types.ts'
export { columnarErrors, ColumnarError } from './errors.ts'
export type { ColumnarErrorCode, SchemaProblem } from './errors.ts'
export { decodeCodes } from './decode-codes.ts'
export type { DecodeCode } from './decode-codes.ts'
export { createBatchBuilder } from './builder/batch-builder.ts'
export { avroLimits } from './avro/model.ts'
export type { AvroLimits } from './avro/model.ts'
export type { AvroSource } from './avro/parse.ts'
export { avroToSchema } from './avro/columns.ts'
export { avroDefaults } from './avro/json-defaults.ts'
export { compileAvroDecoder, decodeLimits } from './avro/decoder.ts'
export type { AvroDecoderOptions, DecodeLimits } from './avro/decoder.ts'
export {
  createParquetEncoder,
  parquetEncoderId,
  PARQUET_ENCODER_VERSION,
  type ParquetEncoderOptions,
} from './parquet/parquet-encoder.ts'
export type { ParquetCompression } from './parquet/compression.ts'
export { createJsonlEncoder, JSONL_ENCODER_VERSION, type JsonlEncoderOptions } from './jsonl-encoder.ts'
export { compileJsonDecoder } from './json/decoder.ts'
export type { JsonDecoderOptions } from './json/options.ts'
export { takeRows } from './kernels/take-rows.ts'
export { sliceBatch } from './kernels/slice-batch.ts'
export { concatBatches } from './kernels/concat-batches.ts'
export { rowsOf, type RowObject } from './kernels/rows-of.ts'
export { batchFromRows } from './kernels/batch-from-rows.ts'
export { transferList } from './kernels/transfer-list.ts'
