export { ColumnarError, columnarErrors, type ColumnarErrorCode } from './errors.ts'
export {
  createParquetEncoder,
  parquetEncoderId,
  PARQUET_ENCODER_VERSION,
  type ParquetEncoderOptions,
} from './parquet/parquet-encoder.ts'
export type { ParquetCompression } from './parquet/compression.ts'
export { createJsonlEncoder, JSONL_ENCODER_VERSION, type JsonlEncoderOptions } from './jsonl-encoder.ts'
