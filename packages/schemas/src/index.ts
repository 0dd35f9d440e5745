export type {
  AvroSchema,
  Contract,
  PartitionField,
  PartitionTransform,
  PiiClass,
  Rule,
  TombstonePolicy,
} from './contract.ts'
export * from './generated/index.ts'
export { contractByTopic, getContract } from './contracts/get-contract.ts'
export { loadContracts } from './contracts/load.ts'
export { arrowSchemaOf, lineageFields } from './contracts/columns.ts'
export { generateArtefacts, type Artefacts, type GenerateOptions } from './generate/artefacts.ts'
export { postgresDdl, postgresType, quoteIdentifier, quoteText, type PostgresDdlOptions } from './generate/postgres.ts'
export { parseSchema, type AvroNode, type SchemaLimits } from './avro/model.ts'
export { canonicalSchema, schemaFingerprint } from './avro/canonical.ts'
export {
  checkCompatibility,
  compatibilityModes,
  describeProblem,
  type CompatibilityMode,
  type CompatibilityOptions,
  type CompatibilityProblem,
  type CompatibilityReport,
  type EarlierVersion,
  type ReadDirection,
} from './compatibility/check-compatibility.ts'
export { compatibilityRules, type CompatibilityRule, type ReadProblem } from './compatibility/problem.ts'
export { createRowCodec, type RowCodec } from './codec/row-codec.ts'
export type { Row, RowValue } from './codec/row.ts'
export {
  ENVELOPE_MAGIC,
  ENVELOPE_SHORT,
  envelopeBytes,
  frame,
  parseEnvelope,
  readSchemaId,
  type Envelope,
} from './wire.ts'
export type {
  ManagedRegistry,
  RegisteredSchema,
  RegistryVerdict,
  RememberingRegistry,
  SchemaRegistry,
  SubjectVersion,
} from './registry/registry.ts'
export { createHttpRegistry, type HttpRegistry, type HttpRegistryOptions } from './registry/http-registry.ts'
export type { RegistryAuth, Revealable } from './registry/http-auth.ts'
export {
  rememberSchemas,
  type MemoryClock,
  type SchemaMemory,
  type SchemaMemoryOptions,
} from './registry/schema-memory.ts'
export { createFileRegistry, type FileRegistryOptions } from './registry/file-registry.ts'
export { compileRules, type RuleViolation } from './rules/column-rules.ts'
export { ruleSql, type SqlDialect } from './rules/sql.ts'
export { compileRowRules } from './rules/row-rules.ts'
export { describeRule, ruleCodes, type BrokenRule } from './rules/describe.ts'
export {
  DecodeError,
  envelopeCodes,
  schemaErrors,
  SchemaError,
  type EnvelopeCode,
  type SchemaErrorCode,
  type SchemaErrorDetails,
} from './errors.ts'
export { freezeDeep } from './freeze.ts'
export { rowType, withRules } from './validate.ts'
export { deriveContract, wireContract, type DeriveOptions } from './derive/derive-contract.ts'
export { compileDerivation, type Derive, type DerivedBatch } from './derive/compile-derivation.ts'
export {
  deriveCodes,
  type Band,
  type Condition,
  type DeriveCode,
  type DeriveStep,
  type Derivation,
} from './derive/steps.ts'
