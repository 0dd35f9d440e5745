export { readContractSet, contractSetOf, digestOf, type ContractFiles, type ContractSet } from './contract-set.ts'
export type { VersionFile } from './contract-set.ts'
export {
  baselineOfLock,
  baselineOfRegistry,
  baselineOfSet,
  subjectOf,
  type Baseline,
  type BaselineContract,
  type BaselineVersion,
} from './baseline.ts'
export {
  checkContracts,
  defaultMode,
  gateRules,
  type GateOptions,
  type GateProblem,
  type GateReport,
  type GateRule,
  type NewVersion,
} from './gate.ts'
export {
  emptyLock,
  lockContracts,
  lockLosses,
  lockText,
  parseLock,
  unreleasedChanges,
  type ReleasedLock,
} from './released-lock.ts'
export { diffSchemas, type SchemaChange, type SchemaChangeKind } from './diff-schemas.ts'
export { filesAtRef } from './git-files.ts'
export { githubAnnotations, reportText } from './report.ts'
