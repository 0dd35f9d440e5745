import { parseSchema, rememberSchemas, SchemaError, schemaFingerprint } from '@sluice/schemas'
import type {
  Contract,
  RegisteredSchema,
  RememberingRegistry,
  SchemaMemoryOptions,
  SchemaRegistry,
} from '@sluice/schemas'
import { systemClock } from '../pipeline/clock.ts'
import type { Clock } from '../pipeline/clock.ts'
import type { SchemaVerdict } from './request.ts'
import type { SchemaLedger } from './schema-ledger.ts'

export interface SchemaResolverOptions extends Omit<SchemaMemoryOptions, 'clock'> {
  /** One that remembers (`createHttpRegistry`) is asked as it is; the others get a memory with the options here. */
  readonly registry: SchemaRegistry | RememberingRegistry
  /** Holds ids to the schemas they had in earlier runs. */
  readonly ledger?: SchemaLedger
  readonly clock?: Clock
}

/**
 * What schema ids mean for a topic. What the registry said is remembered in one place, by the registry client or by the
 * memory put before it here: cache, one call per id, re-checks. What that means for a topic is decided here.
 */
export interface SchemaResolver {
  /** @throws SchemaError REGISTRY_UNAVAILABLE or REGISTRY_DENIED (nothing is known: wait), REGISTRY_CORRUPT */
  verdict(contract: Contract, id: number): Promise<SchemaVerdict>
  /** Calls made to the registry so far. */
  readonly lookups: number
}

export function createSchemaResolver(options: SchemaResolverOptions): SchemaResolver {
  const { registry, ledger, clock = systemClock, unknownTtlMs = 30_000 } = options
  const memory = 'refresh' in registry ? registry : rememberSchemas(registry, { ...options, clock })

  const allows = (entry: RegisteredSchema, contract: Contract): boolean =>
    entry.subjects.includes(contract.subject) && (entry.schemaType ?? 'AVRO') === 'AVRO'

  return {
    get lookups() {
      return memory.lookups
    },
    async verdict(contract, id) {
      let entry = await memory.getById(id)
      // A schema never changes, but it may have been registered under our subject since.
      if (entry !== undefined && !allows(entry, contract)) entry = await memory.refresh(id, unknownTtlMs)
      if (entry === undefined) return { kind: 'unknown' }
      if (!allows(entry, contract)) return { kind: 'not-allowed' }
      if (ledger !== undefined) await ledger.hold(id, fingerprintOf(entry))
      return { kind: 'writer', schema: entry.schema }
    },
  }
}

/** Of what a reader sees of the schema; a text that is no schema has its own, for the worker to refuse. */
function fingerprintOf({ schema }: RegisteredSchema): string {
  try {
    return schemaFingerprint(parseSchema(schema))
  } catch (error) {
    if (!(error instanceof SchemaError)) throw error
    return `${error.code}`
  }
}
