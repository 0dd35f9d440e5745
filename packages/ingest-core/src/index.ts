export { codecs } from './codecs/codec.ts'
export type { Codec } from './codecs/codec.ts'
export { LogError, logErrors } from './errors/log-error.ts'
export type { LogErrorCode } from './errors/log-error.ts'
export { SourceError, sourceErrors } from './errors/source-error.ts'
export type { MissingRange, SourceErrorCode } from './errors/source-error.ts'
export { StoreError, storeErrors } from './errors/store-error.ts'
export type { StoreErrorCode } from './errors/store-error.ts'
export type { ErrorRow } from './errors/shape.ts'
export { encodeRecordBatch } from './log/encode-batch.ts'
export type { LogRecord, RecordBatchInput } from './log/encode-batch.ts'
export { encodeHeaders, parseHeaders } from './log/record-headers.ts'
export type { HeaderInput, RecordHeader } from './log/record-headers.ts'
export { splitRecordBatches } from './log/record-batch.ts'
export type { AbortedTransaction, RefusedBatch, SplitOptions, SplitResult } from './log/record-batch.ts'
export { openSegmentLog } from './log/segment-log.ts'
export type { LogRepair, SegmentLog, SegmentLogOptions } from './log/segment-log.ts'
export type { LogTopic } from './log/log-meta.ts'
export { createSegmentLogSource } from './sources/segment-log-source.ts'
export type { SegmentLogSourceOptions } from './sources/segment-log-source.ts'
export { checkObjectKey } from './stores/object-key.ts'
export { createLocalStore } from './stores/local-store.ts'
export type { LocalStoreOptions } from './stores/local-store.ts'
export { createMemoryBucket, createMemoryStore } from './stores/memory-store.ts'
export type {
  MemoryBucket,
  MemoryStore,
  MemoryStoreOptions,
  StoreFault,
  StoreOperation,
} from './stores/memory-store.ts'
