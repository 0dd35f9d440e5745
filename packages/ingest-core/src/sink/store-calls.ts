import type { ObjectHead, ObjectStore } from '../contracts/object-store.ts'
import { createBackOff } from '../pipeline/back-off.ts'
import type { BackOffOptions } from '../pipeline/back-off.ts'
import { sleep } from '../pipeline/clock.ts'
import type { Clock } from '../pipeline/clock.ts'
import { codeOf } from '../pipeline/failure.ts'
import { sha256Hex } from './canonical-json.ts'
import { SinkError } from './errors.ts'
import { createFlightLimit } from './flight-limit.ts'

/** `created`: ours, now. `same`: equal bytes are there. `other`: something else is there; nothing was written. */
export type Placed = { readonly outcome: 'created' | 'same' } | { readonly outcome: 'other'; readonly head: ObjectHead }

/** An object store with outages waited out, and lost replies resolved by asking again. */
export interface StoreCalls {
  place(
    key: string,
    body: Uint8Array,
    metadata: Readonly<Record<string, string>>,
    signal: AbortSignal,
    sha256?: string,
  ): Promise<Placed>
  /** Body, verified against its digest; undefined when there is no such object. */
  read(key: string, signal: AbortSignal): Promise<Uint8Array | undefined>
  head(key: string, signal: AbortSignal): Promise<ObjectHead | undefined>
  /** At most `limit` keys after `after`. */
  list(prefix: string, limit: number, signal: AbortSignal, after?: string): Promise<string[]>
}

export interface RetryOptions extends BackOffOptions {
  /** Total time one call may take, waits included, ms. */
  readonly deadlineMs: number
}

/**
 * Repeats what the store says may be repeated, with jittered back-off, until the deadline. A put is safe to repeat after a
 * lost reply because it is create-only: the repeat finds the first one's object, and the digest tells whose it is (fault 47).
 * A store that says it cannot keep up gets fewer calls at a time (fault 45).
 *
 * @throws SinkError SINK_UNAVAILABLE after the deadline; StoreError for what waiting does not help
 */
export function createStoreCalls(store: ObjectStore, clock: Clock, retry: RetryOptions): StoreCalls {
  const flights = createFlightLimit((error) => codeOf(error) === 'STORE_UNAVAILABLE')

  async function repeated<T>(what: string, signal: AbortSignal, call: () => Promise<T>): Promise<T> {
    const backOff = createBackOff(retry)
    const end = clock.now() + retry.deadlineMs
    for (;;) {
      try {
        return await flights.run(call, signal)
      } catch (error) {
        signal.throwIfAborted()
        const code = codeOf(error)
        if (code !== 'STORE_UNAVAILABLE' && code !== 'STORE_UNKNOWN') throw error
        const delay = backOff.next()
        if (clock.now() + delay > end) {
          throw new SinkError(
            'SINK_UNAVAILABLE',
            `${store.name}: ${what} failed ${backOff.attempts} times in ${retry.deadlineMs} ms (${code}); nothing is lost, it is tried again after reopening`,
            { cause: error, evidence: { attempts: backOff.attempts, code } },
          )
        }
        await sleep(clock, delay, signal)
        signal.throwIfAborted()
      }
    }
  }

  return {
    place: (key, body, metadata, signal, sha256 = sha256Hex(body)) =>
      repeated(`putting ${key}`, signal, async () => {
        const put = await store.putIfAbsent(key, body, sha256, metadata, signal)
        if (put.outcome === 'created') return { outcome: 'created' }
        return put.head.sha256 === sha256 ? { outcome: 'same' } : { outcome: 'other', head: put.head }
      }),
    read: (key, signal) =>
      repeated(`reading ${key}`, signal, async () => {
        const head = await store.head(key, signal)
        if (head === undefined) return undefined
        const body = await store.get(key, signal)
        if (sha256Hex(body) === head.sha256) return body
        throw new SinkError('CHAIN_BROKEN', `${key}: its content does not have its digest; restore it from a backup`, {
          evidence: { key, expected: head.sha256, found: sha256Hex(body) },
        })
      }),
    head: (key, signal) => repeated(`asking for ${key}`, signal, () => store.head(key, signal)),
    list: (prefix, limit, signal, after) =>
      repeated(`listing ${prefix}`, signal, async () => {
        const keys: string[] = []
        for await (const { key } of store.list(prefix, signal, after)) {
          keys.push(key)
          if (keys.length >= limit) break
        }
        return keys
      }),
  }
}
