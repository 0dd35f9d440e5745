import type { Contract, RegisteredSchema, SchemaRegistry } from '@sluice/schemas'
import { sleep, systemClock } from '../pipeline/clock.ts'
import type { Clock } from '../pipeline/clock.ts'
import { PipelineError } from '../pipeline/errors.ts'
import type { SchemaVerdict } from './request.ts'

export interface SchemaResolverOptions {
  readonly registry: SchemaRegistry
  readonly clock?: Clock
  /** Asked this often before an id counts as unknown: a registry that replicates may be behind (fault 41). */
  readonly checks?: number
  /** Pause between these, ms. */
  readonly recheckMs?: number
  /** For how long an id that is unknown, or not registered for a topic, is not asked about again, ms. */
  readonly unknownTtlMs?: number
  /** A call that takes longer is given up as unavailable, ms. */
  readonly timeoutMs?: number
  /** Calls in flight at most; random ids at a high rate must not flood the registry (input 4). */
  readonly concurrency?: number
}

/** What schema ids mean for a topic. Ids found are kept for ever, as an id never changes its schema. */
export interface SchemaResolver {
  /** @throws SchemaError REGISTRY_UNAVAILABLE (nothing is known: wait), REGISTRY_CORRUPT */
  verdict(contract: Contract, id: number): Promise<SchemaVerdict>
  /** Calls made to the registry so far. */
  readonly lookups: number
}

interface Entry {
  readonly schema: Extract<SchemaVerdict, { kind: 'writer' }>['schema']
  readonly subjects: readonly string[]
  readonly askedAt: number
}

const unknownKept = 10_000

export function createSchemaResolver(options: SchemaResolverOptions): SchemaResolver {
  const { registry, clock = systemClock, checks = 3, recheckMs = 200, unknownTtlMs = 30_000 } = options
  const { timeoutMs = 10_000, concurrency = 4 } = options
  const found = new Map<number, Entry>()
  /** Id to the time until which it counts as unknown; oldest first. */
  const unknown = new Map<number, number>()
  const inFlight = new Map<number, Promise<Entry | undefined>>()
  const queue: (() => void)[] = []
  let active = 0
  let lookups = 0

  async function ask(id: number): Promise<Entry | undefined> {
    for (let check = 1; ; check++) {
      const entry = await inTurn(() => lookUp(id))
      if (entry !== undefined) {
        const kept = { schema: entry.schema, subjects: entry.subjects, askedAt: clock.now() }
        found.set(id, kept)
        unknown.delete(id)
        return kept
      }
      if (check >= checks || unknown.has(id)) break
      await sleep(clock, recheckMs)
    }
    unknown.delete(id)
    unknown.set(id, clock.now() + unknownTtlMs)
    if (unknown.size > unknownKept) unknown.delete(unknown.keys().next().value!)
    return undefined
  }

  /** Bounds calls, not pauses: many unknown ids wait for their re-check together, not one after the other. */
  async function inTurn<T>(call: () => Promise<T>): Promise<T> {
    if (active >= concurrency) await new Promise<void>((resolve) => queue.push(resolve))
    else active += 1
    try {
      return await call()
    } finally {
      // A call that waits takes the place over; nobody can step in between.
      const next = queue.shift()
      if (next === undefined) active -= 1
      else next()
    }
  }

  /** A registry that hangs is an outage like any other. */
  async function lookUp(id: number): Promise<RegisteredSchema | undefined> {
    lookups += 1
    const stop = new AbortController()
    const cancel = clock.after(timeoutMs, () => stop.abort())
    const late = new Promise<never>((_, reject) => {
      stop.signal.addEventListener('abort', () =>
        reject(
          new PipelineError(
            'REGISTRY_UNAVAILABLE',
            `the registry did not answer for schema id ${id} in ${timeoutMs} ms`,
          ),
        ),
      )
    })
    try {
      return await Promise.race([late, registry.getById(id, stop.signal)])
    } finally {
      cancel()
    }
  }

  function entryOf(id: number): Promise<Entry | undefined> {
    const known = found.get(id)
    if (known !== undefined) return Promise.resolve(known)
    if ((unknown.get(id) ?? 0) > clock.now()) return Promise.resolve(undefined)
    let asking = inFlight.get(id)
    if (asking === undefined) {
      asking = ask(id).finally(() => inFlight.delete(id))
      inFlight.set(id, asking)
    }
    return asking
  }

  return {
    get lookups() {
      return lookups
    },
    async verdict(contract, id) {
      let entry = await entryOf(id)
      if (entry && !entry.subjects.includes(contract.subject) && clock.now() - entry.askedAt >= unknownTtlMs) {
        // A schema never changes, but it may have been registered under our subject since.
        found.delete(id)
        entry = await entryOf(id)
      }
      if (entry === undefined) return { kind: 'unknown' }
      if (!entry.subjects.includes(contract.subject)) return { kind: 'not-allowed' }
      return { kind: 'writer', schema: entry.schema }
    },
  }
}
