import { schemaFingerprint } from '../avro/canonical.ts'
import { parseSchema } from '../avro/model.ts'
import { SchemaError } from '../errors.ts'
import { orAborted } from './or-aborted.ts'
import type { RegisteredSchema, RememberingRegistry, SchemaRegistry } from './registry.ts'
import { shareCall, type SharedCall } from './shared-call.ts'

/** Time, so that tests bring their own. */
export interface MemoryClock {
  /** Milliseconds since epoch. */
  now(): number
  /** Calls `fn` once after `ms`; the returned function cancels. */
  after(ms: number, fn: () => void): () => void
}

export interface SchemaMemoryOptions {
  /** Asked this often before an id counts as unknown: a registry that replicates may be behind (fault 41). Default 3. */
  readonly checks?: number
  /** Pause between these, ms. Default 200. */
  readonly recheckMs?: number
  /** For how long an unknown id is not asked about again, ms. Default 30,000. */
  readonly unknownTtlMs?: number
  /** A call that takes longer is given up as unavailable, ms. Default 10,000. */
  readonly timeoutMs?: number
  /** Calls in flight at most; random ids at a high rate must not flood the registry (input 4). Default 4. */
  readonly concurrency?: number
  readonly clock?: MemoryClock
}

/** A registry's answers about ids, remembered. */
export type SchemaMemory = Pick<RememberingRegistry, 'getById' | 'refresh' | 'lookups'>

const systemClock: MemoryClock = {
  now: () => Date.now(),
  after(ms, fn) {
    const timer = setTimeout(fn, ms)
    return () => clearTimeout(timer)
  },
}

/** Ids that no registry gave out are kept at most this many; the oldest go first. */
const unknownKept = 10_000

/**
 * Remembers what a registry says about ids, so that many records cost one call. Schemas found are kept for ever, as an id
 * never changes its schema; an unknown id is re-checked a few times and then left alone for a while; an outage is never
 * remembered. One call in flight per id, however many ask: it is given up only when all of them have.
 */
export function rememberSchemas(
  registry: Pick<SchemaRegistry, 'getById'>,
  options: SchemaMemoryOptions = {},
): SchemaMemory {
  const { checks = 3, recheckMs = 200, unknownTtlMs = 30_000, timeoutMs = 10_000, concurrency = 4 } = options
  const { clock = systemClock } = options
  const found = new Map<number, { readonly entry: RegisteredSchema; readonly askedAt: number }>()
  /** Id to the time until which it counts as unknown; oldest first. */
  const unknown = new Map<number, number>()
  const inFlight = new Map<number, SharedCall<RegisteredSchema | undefined>>()
  const queue: (() => void)[] = []
  let active = 0
  let lookups = 0

  async function ask(id: number, signal: AbortSignal): Promise<RegisteredSchema | undefined> {
    for (let check = 1; ; check++) {
      const entry = await inTurn(() => lookUp(id, signal))
      if (entry !== undefined) return keep(id, entry)
      if (check >= checks || unknown.has(id)) break
      await pause(recheckMs, signal)
    }
    unknown.delete(id)
    unknown.set(id, clock.now() + unknownTtlMs)
    if (unknown.size > unknownKept) unknown.delete(unknown.keys().next().value!)
    return undefined
  }

  function keep(id: number, entry: RegisteredSchema): RegisteredSchema {
    const before = found.get(id)?.entry
    if (before !== undefined && identityOf(before) !== identityOf(entry)) {
      throw new SchemaError(
        'REGISTRY_CORRUPT',
        `schema id ${id} has another schema than it had before; was the registry restored or replaced?`,
      )
    }
    found.set(id, { entry, askedAt: clock.now() })
    unknown.delete(id)
    return entry
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
  async function lookUp(id: number, signal: AbortSignal): Promise<RegisteredSchema | undefined> {
    signal.throwIfAborted()
    lookups += 1
    const late = new AbortController()
    const cancel = clock.after(timeoutMs, () => late.abort())
    const stop = AbortSignal.any([signal, late.signal])
    try {
      return await orAborted(registry.getById(id, stop), stop)
    } catch (error) {
      if (!late.signal.aborted) throw error
      const text = `the registry did not answer for schema id ${id} in ${timeoutMs} ms`
      throw new SchemaError('REGISTRY_UNAVAILABLE', text, { cause: error })
    } finally {
      cancel()
    }
  }

  function pause(ms: number, signal: AbortSignal): Promise<void> {
    let cancel: () => void = () => undefined
    const waited = new Promise<void>((resolve) => (cancel = clock.after(ms, resolve)))
    return orAborted(waited, signal).finally(() => cancel())
  }

  function share(id: number, signal: AbortSignal | undefined): Promise<RegisteredSchema | undefined> {
    let call = inFlight.get(id)
    if (call === undefined) {
      call = shareCall(
        (stop) => ask(id, stop),
        () => inFlight.delete(id),
      )
      inFlight.set(id, call)
    }
    return call.join(signal)
  }

  return {
    get lookups() {
      return lookups
    },
    async getById(id, signal) {
      signal?.throwIfAborted()
      const known = found.get(id)
      if (known !== undefined) return known.entry
      if ((unknown.get(id) ?? 0) > clock.now()) return undefined
      return share(id, signal)
    },
    async refresh(id, maxAgeMs, signal) {
      signal?.throwIfAborted()
      const known = found.get(id)
      if (known !== undefined && clock.now() - known.askedAt < maxAgeMs) return known.entry
      return share(id, signal)
    },
  }
}

/** What must stay the same for an id: all that a reader sees of the schema, or its text when it is none of ours. */
function identityOf({ schema, schemaType = 'AVRO' }: RegisteredSchema): string {
  if (schemaType === 'AVRO') {
    try {
      return schemaFingerprint(parseSchema(schema))
    } catch (error) {
      if (!(error instanceof SchemaError)) throw error
    }
  }
  return `${schemaType} ${typeof schema === 'string' ? schema : JSON.stringify(schema)}`
}
