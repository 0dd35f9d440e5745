export { domains, findFeed, listFeeds } from './catalogue.ts'
export { createCanonicalRow, hashRow, type CanonicalRow } from './canonical-row.ts'
export { defineFeed, type Domain, type EmitRow, type Feed, type Row, type World, type WorldOptions } from './domain.ts'
export { GeneratorError, generatorErrors, type GeneratorErrorCode } from './errors.ts'
export {
  defaultFaultRates,
  faultCatalogue,
  faultNames,
  noFaults,
  notInBad,
  type FaultName,
  type FaultRates,
} from './fault-names.ts'
export { faultSharesOf, faultsOf } from './feed-format.ts'
export type { Expectation, SimulatedRecord } from './simulated-record.ts'
export type { SimulationPosition } from './simulation-position.ts'
export {
  createFileLedger,
  createMemoryLedger,
  ledgerSummaryPath,
  readLedger,
  readLedgerSummary,
  type Ledger,
  type LedgerEntry,
  type LedgerSummary,
  type MemoryLedger,
  type TopicTotals,
} from './ledger.ts'
export {
  diffLedger,
  differenceKinds,
  type Difference,
  type DifferenceKind,
  type LedgerDiff,
  type LedgerDiffOptions,
  type Outcome,
  type Reached,
} from './ledger-diff.ts'
export { murmur2, partitionForKey } from './murmur2.ts'
export {
  createJsonlOutput,
  createMemoryOutput,
  createStreamOutput,
  type FirstOffsets,
  type MemoryOutput,
  type OutRecord,
  type Output,
  type RecordHeader,
  type WriteReceipt,
} from './outputs.ts'
export { createRandom, createWeightedPick, type Random } from './prng.ts'
export { produce, type ProduceOptions, type ProduceProgress, type RegisterSchema } from './produce.ts'
export { createRateController, realClock, type RateController, type RealClock } from './rate-controller.ts'
export { burstRate, constantRate, diurnalRate, rampRate, soakRate, type RateProfile } from './rate-profile.ts'
export { brokenRules } from './rule-check.ts'
export { createSimulation, offlineSchemaId, simulate, type Simulation, type SimulationOptions } from './simulation.ts'
export { createLatenessTruth, type LatenessTruth } from './truth.ts'
