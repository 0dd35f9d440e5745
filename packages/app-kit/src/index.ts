export { clockCheck, diskCheck, judgeRetention, lakeChecks } from './checks.ts'
export { addDoctorCommand } from './doctor-command.ts'
export { addDeadLetterCommands } from './dlq-commands.ts'
export { addLakeCommands, produceFlagPaths, withIngestFlags, withProduceFlags } from './lake-commands.ts'
export {
  commonConfig,
  ingestConfig,
  ingestConfigWith,
  produceConfig,
  type CommonConfig,
  type IngestConfig,
} from './config.ts'
export {
  createCommandSet,
  type Action,
  type AddCommand,
  type CommandContext,
  type CommandSetOptions,
  type Flags,
} from './context.ts'
export { AppError, appErrors, type AppErrorCode } from './errors.ts'
export { createFileCache, createLocalFiles, openLakeFiles, type LakeFiles } from './file-cache.ts'
export { ingest, type IngestOptions } from './ingest.ts'
export {
  tableContractsOf,
  topicsOf,
  type FurtherLetters,
  type FurtherSinks,
  type LakeApp,
  type LetterRelay,
  type OpenRegistry,
  type SourcePurpose,
} from './lake-app.ts'
export { openLake, openLakeViews, type Lake, type LakeFile } from './lake.ts'
export { readBounds, readLakeState, type LakeState, type PartitionState } from './lake-state.ts'
export { observedIngest } from './observed-ingest.ts'
export { produceFeeds, type ProduceRun } from './produce.ts'
export { describeLake, holds, type TopicTotals } from './show-data.ts'
export { queryLake } from './sql.ts'
export { describePartitions } from './status.ts'
export { describeVerification, verifyLake, type Verification } from './verify.ts'
export { describeLetter, describeReplay, loadFix, summariseLetters, type Fix, type ListedLetter } from './dlq.ts'
export { chooseOpen, withDeadLetters, withLetterPlaces, type ChosenLetters, type LetterPlace } from './letter-places.ts'
