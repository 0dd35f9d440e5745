import { rememberSchemas } from '@sluice/schemas'
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

export interface SchemaResolverOptions extends Omit<SchemaMemoryOptions, 'clock'> {
  /** One that remembers (`createHttpRegistry`) is asked as it is; the others get a memory with the options here. */
  readonly registry: SchemaRegistry | RememberingRegistry
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
  const { registry, clock = systemClock, unknownTtlMs = 30_000 } = options
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
      return allows(entry, contract) ? { kind: 'writer', schema: entry.schema } : { kind: 'not-allowed' }
    },
  }
}
