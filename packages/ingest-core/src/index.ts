export { codecs, compress, inflate } from './codecs/codec.ts'
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
export { findRecords } from './log/find-records.ts'
export type { FoundRecord } from './log/find-records.ts'
export { splitRecordBatches } from './log/record-batch.ts'
export type { RefusedBatch, SplitOptions, SplitResult } from './log/record-batch.ts'
export { openSegmentLog } from './log/segment-log.ts'
export type { LogRepair, SegmentLog, SegmentLogOptions } from './log/segment-log.ts'
export type { LogTopic } from './log/log-meta.ts'
export { createPartitionTable } from './sources/partition-table.ts'
export type { PartitionTable } from './sources/partition-table.ts'
export { waitFor } from './sources/wait.ts'
export { createSegmentLogSource } from './sources/segment-log-source.ts'
export type { SegmentLogSourceOptions } from './sources/segment-log-source.ts'
export { createJsonlSource } from './sources/jsonl-source.ts'
export type { JsonlInput, JsonlSourceOptions } from './sources/jsonl-source.ts'
export { createMemorySource } from './sources/memory-source.ts'
export type { MemorySource, MemorySourceOptions } from './sources/memory-source.ts'
export { checkObjectKey, clampRange, maxKeyBytes } from './stores/object-key.ts'
export { checkDigest, createStoreSession, sha256Hex } from './stores/store-session.ts'
export type { StoreSession } from './stores/store-session.ts'
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
export { LayoutError, layoutErrors } from './layout/errors.ts'
export type { LayoutErrorCode } from './layout/errors.ts'
export { layouts } from './layout/layout.ts'
export type { LayoutPatterns } from './layout/layout.ts'
export { decodeValue, encodeSegment, encodeValue } from './layout/segment.ts'
export { auditChain, auditCodes } from './sink/audit.ts'
export type { AuditCode, AuditedPartition, AuditFinding, AuditOptions, AuditReport } from './sink/audit.ts'
export { sweepLeftovers } from './sink/janitor.ts'
export type { SweepOptions, SweepReport } from './sink/janitor.ts'
export { SinkError, sinkErrors } from './sink/errors.ts'
export type { SinkErrorCode } from './sink/errors.ts'
export { columnarEncoders } from './sink/file-encoders.ts'
export type { FileEncoders, FileFormat } from './sink/file-encoders.ts'
export { createInlineFileSetHost } from './sink/file-set-host.ts'
export type { FileSetHost } from './sink/file-set-host.ts'
export type { FileSetOptions } from './sink/file-set.ts'
export { createFileSink, storedColumns } from './sink/file-sink.ts'
export { fileSinkDefaults } from './sink/file-sink-options.ts'
export type { FileSinkOptions, FileTable } from './sink/file-sink-options.ts'
export type {
  DeadList,
  FileKind,
  FinishedFile,
  FinishedFlush,
  FlushSpec,
  SealedFlush,
  Verdict,
} from './sink/flush-spec.ts'
export { sinkHookPoints } from './sink/hooks.ts'
export type { SinkHookPoint, SinkHooks } from './sink/hooks.ts'
export { acceptTopic } from './sink/markers.ts'
export { createFanOutSink } from './sink/fan-out-sink.ts'
export type { FanOutMember, FanOutSinkOptions } from './sink/fan-out-sink.ts'
export { createMemoryLake, createMemorySink } from './sink/memory-sink.ts'
export type { MemoryLake, MemoryPartition } from './sink/memory-sink.ts'
export type { AbortedTransaction, Fetched, PartitionId, RecordSlab, StartPolicy } from './contracts/records.ts'
export type { AssignmentChange, LogBounds, ResumePolicy, Source } from './contracts/source.ts'
export type {
  CommitReceipt,
  Counts,
  Cut,
  CutReason,
  Progress,
  Reject,
  RejectStage,
  Sink,
  SinkBatch,
  SinkUsage,
  Tombstone,
} from './contracts/sink.ts'
export type {
  LeftoverUpload,
  LeftoverUploads,
  ObjectHead,
  ObjectStore,
  PutOutcome,
  StoreSupports,
} from './contracts/object-store.ts'
export { createBackOff } from './pipeline/back-off.ts'
export type { BackOff, BackOffOptions } from './pipeline/back-off.ts'
export { sleep, systemClock } from './pipeline/clock.ts'
export type { Clock } from './pipeline/clock.ts'
export { partitionKey } from './pipeline/partition-key.ts'
export { createPipeline } from './pipeline/pipeline.ts'
export type { Pipeline, RunOptions } from './pipeline/pipeline.ts'
export { pipelineDefaults } from './pipeline/options.ts'
export type {
  CommitInfo,
  LoopWait,
  PartitionState,
  PartitionStatus,
  PipelineLogger,
  PipelineOptions,
  PipelineStatus,
  Rotation,
  RunSummary,
} from './pipeline/options.ts'
export { PipelineError, pipelineErrors } from './pipeline/errors.ts'
export type { PipelineErrorCode } from './pipeline/errors.ts'
export { letHeapGrow } from './workers/heap-growth.ts'
export { createSharedMemory } from './workers/shared-memory.ts'
export type { SharedMemory } from './workers/shared-memory.ts'
export { createIngestWorkers } from './workers/ingest-workers.ts'
export type { IngestWorkers, IngestWorkersOptions } from './workers/ingest-workers.ts'
export { createDecodeService } from './decode/decode-service.ts'
export type { DecodeServiceOptions } from './decode/decode-service.ts'
export type { DecodedBatch, DecodeService } from './decode/decoded.ts'
export { createSchemaResolver } from './decode/schema-resolver.ts'
export { createSchemaLedger } from './decode/schema-ledger.ts'
export type { SchemaLedger, SchemaLedgerOptions } from './decode/schema-ledger.ts'
export type { SchemaResolver, SchemaResolverOptions } from './decode/schema-resolver.ts'
export { recordCodes, type RecordCode } from './decode/reject.ts'
export { createDeadLetters } from './dead-letters/dead-letters.ts'
export type {
  DeadLetters,
  DeadLettersOptions,
  LakeAudit,
  ReplayOptions,
  ReplayReport,
} from './dead-letters/dead-letters.ts'
export { DeadLetterError, deadLetterErrors } from './dead-letters/errors.ts'
export type { DeadLetterErrorCode } from './dead-letters/errors.ts'
export { createLakeLetterFeed } from './dead-letters/letter-feed.ts'
export type { DeadLetterFeed, DecidedLetters, LakeLetterFeedOptions } from './dead-letters/letter-feed.ts'
export { letterKey, selectLetters } from './dead-letters/letter.ts'
export { fetchedFromRecords } from './dead-letters/letters-slab.ts'
export type { SlabRecord } from './dead-letters/letters-slab.ts'
export type { DeadLetter, LetterSelection, LetterState, LetterStatus } from './dead-letters/letter.ts'
export { listCommittedFiles } from './lake/committed-files.ts'
export type { CommittedFile, CommittedFilesOptions } from './lake/committed-files.ts'
