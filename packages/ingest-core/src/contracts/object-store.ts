/** What a store can do, as data that the core and the conformance suite read. */
export interface StoreSupports {
  /** `putIfAbsent` is atomic: of any number of racing writers exactly one succeeds. */
  readonly createOnly: boolean
  readonly maxObjectBytes: number
  readonly maxKeyBytes: number
}

export interface ObjectHead {
  readonly key: string
  readonly bytes: number
  /** Lower-case hex SHA-256 of the body, as given at put. */
  readonly sha256: string
  readonly metadata: Readonly<Record<string, string>>
}

/** `created`: this call wrote it. `exists`: someone did before; `head` tells what is there (compare digests). */
export type PutOutcome = { readonly outcome: 'created' } | { readonly outcome: 'exists'; readonly head: ObjectHead }

/**
 * The little an exactly-once sink needs from storage. Keys are `/`-separated, of bytes `[A-Za-z0-9_.~%=+-]` after
 * encoding by the layout. No overwrite exists on purpose.
 *
 * Errors are `StoreError` with a code: `STORE_UNAVAILABLE` (retry later, nothing known to be written),
 * `STORE_UNKNOWN` (the reply was lost: head before deciding), `STORE_DENIED`, `STORE_NOT_FOUND`, `STORE_CORRUPT`,
 * `STORE_KEY_INVALID`, `STORE_FULL`, `STORE_UNSUPPORTED`.
 */
export interface ObjectStore {
  readonly name: string
  readonly supports: StoreSupports
  /** Proves access, and that create-only really holds (fault 53). Writes nothing into the user's layout. */
  open(signal: AbortSignal): Promise<void>
  /**
   * Durable when it resolves; then `body` is the caller's again, to change or to give back. `digest` is the hex SHA-256 of
   * `body`, verified by the store or the driver.
   */
  putIfAbsent(
    key: string,
    body: Uint8Array,
    digest: string,
    metadata: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<PutOutcome>
  /** @throws StoreError STORE_NOT_FOUND */
  get(key: string, signal: AbortSignal, range?: { readonly start: number; readonly end: number }): Promise<Uint8Array>
  head(key: string, signal: AbortSignal): Promise<ObjectHead | undefined>
  /** Keys with this prefix in byte order, `after` (exclusive) onwards; pages are followed. Unfinished writes never show. */
  list(prefix: string, signal: AbortSignal, after?: string): AsyncIterable<{ key: string; bytes: number }>
  /** Missing keys are not an error. */
  delete(keys: readonly string[], signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

/** An upload that was begun and neither completed nor aborted: invisible, and paid for. */
export interface LeftoverUpload {
  readonly key: string
  readonly id: string
  /** Milliseconds since 1970, by the clock of the store; 0 when it does not say. */
  readonly startedAt: number
}

/** What a store adds whose unfinished uploads stay until somebody aborts them. */
export interface LeftoverUploads {
  /** Unfinished uploads of keys with exactly this prefix. */
  listUploads(prefix: string, signal: AbortSignal): AsyncIterable<LeftoverUpload>
  /** One that is gone already is not an error. */
  abortUpload(upload: LeftoverUpload, signal: AbortSignal): Promise<void>
}
