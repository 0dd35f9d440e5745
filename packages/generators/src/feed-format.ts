import type { Contract } from '@sluice/schemas'
import { createAvroFormat } from './avro-format.ts'
import type { Feed } from './domain.ts'
import { GeneratorError } from './errors.ts'
import type { FaultName, FaultRates } from './fault-names.ts'
import { applicableFaults, sharesOf } from './fault-plan.ts'
import { createJsonFormat } from './json-format.ts'
import type { ValueFormat } from './value-format.ts'

export type ContractVersion = Contract['versions'][number]

/** Ids in the envelope: of a version of the feed's contract, of another topic's schema, and of one that the contract cannot read. */
export interface EnvelopeIds {
  schemaId(version: number): number
  readonly foreignSchemaId: number
  readonly incompatibleSchemaId: number
}

/** @throws {GeneratorError} OPTION_INVALID */
export function writerVersionOf(feed: Feed, version: number | undefined): ContractVersion {
  const { versions } = feed.contract
  const writer = version === undefined ? versions.at(-1) : versions.find((each) => each.version === version)
  if (writer !== undefined) return writer
  const known = versions.map((each) => each.version).join(', ')
  throw new GeneratorError('OPTION_INVALID', `${feed.name} has no schema version ${version}; versions: ${known}`)
}

export function formatOf(feed: Feed, { version, schema }: ContractVersion, ids: EnvelopeIds): ValueFormat {
  if (feed.contract.format === 'json') return createJsonFormat({ schema, style: feed.json })
  const { foreignSchemaId, incompatibleSchemaId } = ids
  return createAvroFormat({
    writer: schema,
    reader: feed.contract.schema,
    schemaId: ids.schemaId(version),
    foreignSchemaId,
    incompatibleSchemaId,
  })
}

/** Faults that records of a feed can have when they are written with `version` (default: the latest). */
export function faultsOf(feed: Feed, version?: number): readonly FaultName[] {
  const writer = writerVersionOf(feed, version)
  const { damages } = formatOf(feed, writer, { schemaId: () => 0, foreignSchemaId: 0, incompatibleSchemaId: 0 })
  return applicableFaults(feed.contract, damages, writer !== feed.contract.versions.at(-1))
}

/**
 * The share of each fault among the records of a feed, with `bad` spread out.
 * @throws {GeneratorError} OPTION_INVALID, FAULT_UNKNOWN, FAULT_RATE_INVALID
 */
export function faultSharesOf(feed: Feed, rates: FaultRates, version?: number): ReadonlyMap<FaultName, number> {
  return sharesOf(rates, faultsOf(feed, version))
}
