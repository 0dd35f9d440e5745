import { createHash } from 'node:crypto'
import { StoreError } from '../errors/store-error.ts'

/** Open, in use, closed: the part of a driver's life that is the same for all. */
export interface StoreSession {
  markOpen(): void
  markClosed(): void
  /** Before each operation. @throws StoreError STORE_NOT_OPEN; the signal's reason when it is aborted */
  enter(signal?: AbortSignal): void
}

export function createStoreSession(store: string): StoreSession {
  let state: 'new' | 'open' | 'closed' = 'new'
  return {
    markOpen() {
      if (state === 'closed')
        throw new StoreError('STORE_NOT_OPEN', `${store}: the store was closed for good`, { store })
      state = 'open'
    },
    markClosed() {
      state = 'closed'
    },
    enter(signal) {
      signal?.throwIfAborted()
      if (state === 'open') return
      const what = state === 'new' ? 'open the store first' : 'the store is closed'
      throw new StoreError('STORE_NOT_OPEN', `${store}: ${what}`, { store })
    },
  }
}

export function sha256Hex(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('hex')
}

/** @throws StoreError STORE_CORRUPT */
export function checkDigest(store: string, key: string, body: Uint8Array, digest: string): void {
  if (sha256Hex(body) === digest) return
  throw new StoreError(
    'STORE_CORRUPT',
    `${store}: ${key}: the body does not have the digest given; nothing was written`,
    {
      store,
      key,
    },
  )
}
