import type { ErrorRow } from './shape.ts'

/** Codes of every object store, whatever the driver. */
export const storeErrors = {
  /** Retry later; nothing is known to be written. */
  STORE_UNAVAILABLE: { outcome: 'not-written', retry: 'later' },
  /** The reply was lost: head before deciding, delete nothing. */
  STORE_UNKNOWN: { outcome: 'unknown', retry: 'after-head' },
  STORE_DENIED: { outcome: 'not-written', retry: 'later' },
  STORE_NOT_FOUND: { outcome: 'none', retry: 'never' },
  /** Bytes and digest disagree. */
  STORE_CORRUPT: { outcome: 'not-written', retry: 'never' },
  STORE_KEY_INVALID: { outcome: 'not-written', retry: 'never' },
  STORE_FULL: { outcome: 'not-written', retry: 'later' },
  /** The store cannot do what exactly-once needs, such as create-only. */
  STORE_UNSUPPORTED: { outcome: 'not-written', retry: 'never' },
  /** Used before `open` or after `close`. */
  STORE_NOT_OPEN: { outcome: 'not-written', retry: 'never' },
} as const satisfies Record<string, ErrorRow>

export type StoreErrorCode = keyof typeof storeErrors

/** An error of an object store. `store` is the driver's name, `key` the object or null. */
export class StoreError extends Error {
  readonly code: StoreErrorCode
  readonly store: string
  readonly key: string | null

  constructor(
    code: StoreErrorCode,
    message: string,
    context: { readonly store: string; readonly key?: string | null; readonly cause?: unknown },
  ) {
    super(message, context.cause === undefined ? undefined : { cause: context.cause })
    this.name = 'StoreError'
    this.code = code
    this.store = context.store
    this.key = context.key ?? null
  }
}
