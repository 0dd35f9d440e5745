import type { ObjectHead, ObjectStore, PutOutcome } from '../contracts/object-store.ts'
import { StoreError } from '../errors/store-error.ts'
import { checkObjectKey, clampRange, maxKeyBytes } from './object-key.ts'
import { checkDigest, createStoreSession } from './store-session.ts'

export type StoreOperation = 'open' | 'putIfAbsent' | 'get' | 'head' | 'list' | 'delete'

/**
 * `unavailable`: refused, nothing done. `before`: the request was lost, the caller cannot know. `reply-lost`: done, and the
 * caller cannot know.
 */
export type StoreFault = 'unavailable' | 'before' | 'reply-lost'

interface StoredObject extends ObjectHead {
  readonly body: Uint8Array
}

/** What is stored; several stores over one bucket are several processes over one store. */
export interface MemoryBucket {
  readonly objects: Map<string, StoredObject>
  /** Every put that created and every delete that removed, in order: what "never overwritten" is checked against. */
  readonly history: { readonly op: 'created' | 'deleted'; readonly key: string; readonly sha256: string }[]
}

export function createMemoryBucket(): MemoryBucket {
  return { objects: new Map(), history: [] }
}

export interface MemoryStoreOptions {
  readonly name?: string
  /** Default: a bucket of its own. */
  readonly bucket?: MemoryBucket
  /** Asked once per call (`list`: once per page). `key` is the prefix for `list`, the first key for `delete`. */
  readonly faults?: (op: StoreOperation, key: string) => StoreFault | undefined
  /** Awaited before and after each effect, so that a scheduler can order what several stores do. */
  readonly step?: (op: StoreOperation, key: string, when: 'before' | 'after') => Promise<void>
  /** Keys per page of `list`. Default 1000. */
  readonly pageSize?: number
  /** `false`: a store that ignores the precondition and overwrites (fault 53); `open` refuses it. */
  readonly createOnly?: boolean
}

export interface MemoryStore extends ObjectStore {
  readonly bucket: MemoryBucket
}

/** Objects in memory, with faults on demand: for tests and the simulator. Bodies are copied in and out. */
export function createMemoryStore(options: MemoryStoreOptions = {}): MemoryStore {
  const { name = 'memory', bucket = createMemoryBucket(), faults, step, pageSize = 1000, createOnly = true } = options
  const session = createStoreSession(name)

  /** The effect itself is synchronous: it happens between the two steps, at once. */
  async function perform<T>(op: StoreOperation, key: string, signal: AbortSignal, effect: () => T): Promise<T> {
    session.enter(signal)
    const fault = faults?.(op, key)
    await step?.(op, key, 'before')
    signal.throwIfAborted()
    if (fault === 'unavailable') {
      throw new StoreError('STORE_UNAVAILABLE', `${name}: ${op} ${key}: refused by the test`, { store: name, key })
    }
    if (fault === 'before') throw lost(op, key)
    const result = effect()
    await step?.(op, key, 'after')
    if (fault === 'reply-lost') throw lost(op, key)
    return result
  }

  function lost(op: StoreOperation, key: string): StoreError {
    return new StoreError('STORE_UNKNOWN', `${name}: ${op} ${key}: no reply`, { store: name, key })
  }

  const headOf = ({ key, bytes, sha256, metadata }: StoredObject): ObjectHead => ({ key, bytes, sha256, metadata })

  return {
    name,
    bucket,
    supports: { createOnly, maxObjectBytes: 2 ** 32, maxKeyBytes },
    async open(signal) {
      signal.throwIfAborted()
      session.markOpen()
      await perform('open', '', signal, () => undefined)
      if (!createOnly) {
        throw new StoreError(
          'STORE_UNSUPPORTED',
          `${name}: a second create-only write succeeded; exactly-once cannot hold here`,
          {
            store: name,
          },
        )
      }
    },
    async putIfAbsent(key, body, digest, metadata, signal) {
      session.enter(signal)
      checkObjectKey(name, key)
      checkDigest(name, key, body, digest)
      const stored: StoredObject = {
        key,
        bytes: body.length,
        sha256: digest,
        metadata: Object.freeze({ ...metadata }),
        body: body.slice(),
      }
      return perform('putIfAbsent', key, signal, (): PutOutcome => {
        const present = bucket.objects.get(key)
        if (present !== undefined && createOnly) return { outcome: 'exists', head: headOf(present) }
        bucket.objects.set(key, stored)
        bucket.history.push({ op: 'created', key, sha256: digest })
        return { outcome: 'created' }
      })
    },
    async get(key, signal, range) {
      return perform('get', key, signal, () => {
        checkObjectKey(name, key)
        const present = bucket.objects.get(key)
        if (present === undefined)
          throw new StoreError('STORE_NOT_FOUND', `${name}: ${key} is not there`, { store: name, key })
        const { start, end } = clampRange(present.bytes, range)
        return present.body.slice(start, end)
      })
    },
    async head(key, signal) {
      return perform('head', key, signal, () => {
        checkObjectKey(name, key)
        const present = bucket.objects.get(key)
        return present === undefined ? undefined : headOf(present)
      })
    },
    async *list(prefix, signal, after) {
      let last = after
      for (;;) {
        const page = await perform('list', prefix, signal, () =>
          [...bucket.objects.values()]
            .filter(({ key }) => key.startsWith(prefix) && (last === undefined || key > last))
            .sort((a, b) => (a.key < b.key ? -1 : 1))
            .slice(0, pageSize)
            .map(({ key, bytes }) => ({ key, bytes })),
        )
        yield* page
        if (page.length < pageSize) return
        last = page.at(-1)!.key
      }
    },
    async delete(keys, signal) {
      await perform('delete', keys[0] ?? '', signal, () => {
        for (const key of keys) checkObjectKey(name, key)
        for (const key of keys) {
          const present = bucket.objects.get(key)
          if (present === undefined) continue
          bucket.objects.delete(key)
          bucket.history.push({ op: 'deleted', key, sha256: present.sha256 })
        }
      })
    },
    async close() {
      session.markClosed()
    },
  }
}
