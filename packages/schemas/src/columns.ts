/**
 * What a running pipeline needs of contracts: columns, rules and derivations over them, the envelope, errors. Validators,
 * row codec and the contracts of this package are left out, and with them most of the memory and start-up time of the
 * whole: a thread that decodes imports this.
 */
export { arrowSchemaOf, lineageFields } from './contracts/columns.ts'
export { compileDerivation, type Derive, type DerivedBatch } from './derive/compile-derivation.ts'
export { wireContract } from './derive/derive-contract.ts'
export { schemaErrors, SchemaError, type SchemaErrorCode } from './errors.ts'
export { compileRules, type RuleViolation } from './rules/column-rules.ts'
export { ENVELOPE_MAGIC, ENVELOPE_SHORT, envelopeBytes, readSchemaId } from './wire.ts'
