import { schemaFingerprint } from '../avro/canonical.ts'
import { parseSchema } from '../avro/model.ts'
import type { AvroSchema } from '../contract.ts'
import type { ManagedRegistry } from '../registry/registry.ts'
import { digestOf, type ContractFiles, type ContractSet } from './contract-set.ts'
import type { ReleasedLock } from './released-lock.ts'

/** A version that readers have, known by its schema or only by the digest of its file. */
export interface BaselineVersion {
  readonly version: number
  readonly schema?: AvroSchema
  /** True for the file that says the same. */
  matches(text: string): boolean
}

export interface BaselineContract {
  readonly format: 'avro' | 'json'
  readonly topic?: string
  readonly key?: readonly string[]
  /** Ascending. */
  readonly versions: readonly BaselineVersion[]
  readonly fieldIds: Readonly<Record<string, number>>
}

/** What is out there, against which a set of contracts is held. */
export interface Baseline {
  /** For people: `tag v1.2.0`, `registry https://...`. */
  readonly name: string
  readonly contracts: ReadonlyMap<string, BaselineContract>
  /**
   * Whether versions go by their numbers, as files do. A registry counts by itself: there a version is the file with the
   * same schema, whatever the numbers.
   */
  readonly numbered: boolean
  /** Whether it holds all contracts of the house, so that one it lacks is new and one it has must be there. */
  readonly complete: boolean
}

export function baselineOfSet(name: string, set: ContractSet): Baseline {
  const contracts = new Map(
    [...set].map(([contract, { format, topic, key, versions, fieldIds }]) => [
      contract,
      {
        format,
        ...(topic === undefined ? {} : { topic }),
        ...(key === undefined ? {} : { key }),
        versions: versions.map(({ version, schema, digest }) => ({
          version,
          schema,
          matches: (text: string) => digestOf(text) === digest,
        })),
        fieldIds,
      },
    ]),
  )
  return { name, contracts, numbered: true, complete: true }
}

export function baselineOfLock(name: string, lock: ReleasedLock): Baseline {
  const contracts = new Map(
    Object.entries(lock.contracts).map(([contract, { format, topic, key, versions, fieldIds }]) => [
      contract,
      {
        format,
        ...(topic === undefined ? {} : { topic }),
        ...(key === undefined ? {} : { key }),
        versions: Object.entries(versions)
          .map(([version, digest]) => ({
            version: Number(version),
            matches: (text: string) => digestOf(text) === digest,
          }))
          .sort((a, b) => a.version - b.version),
        fieldIds,
      },
    ]),
  )
  return { name, contracts, numbered: true, complete: true }
}

/** Subject of a contract: `<topic>-value`, or its name where it states no topic. */
export function subjectOf({ topic, name }: ContractFiles): string {
  return `${topic ?? name}-value`
}

/**
 * What a registry has under the subjects of these contracts.
 * @throws {SchemaError} REGISTRY_UNAVAILABLE, REGISTRY_DENIED, REGISTRY_CORRUPT
 */
export async function baselineOfRegistry(
  name: string,
  registry: ManagedRegistry,
  set: ContractSet,
  signal?: AbortSignal,
): Promise<Baseline> {
  const contracts = new Map<string, BaselineContract>()
  for (const contract of set.values()) {
    const versions = await registry.versions(subjectOf(contract), signal)
    if (versions.length === 0) continue
    contracts.set(contract.name, {
      format: contract.format,
      versions: versions.map(({ version, schema }) => {
        const fingerprint = schemaFingerprint(parseSchema(schema))
        return { version, schema, matches: (text) => schemaFingerprint(parseSchema(text)) === fingerprint }
      }),
      fieldIds: {},
    })
  }
  return { name, contracts, numbered: false, complete: false }
}
