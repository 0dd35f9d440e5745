import { StoreError } from '@sluice/ingest-core'
import type { StoreErrorCode } from '@sluice/ingest-core'

/** What the driver reads of an error of the client; everything may be missing. */
interface GoogleError {
  /** HTTP status, or the system's word, such as `ECONNRESET`. */
  readonly code?: number | string
  readonly status?: number
  readonly message?: string
  readonly errors?: readonly { readonly reason?: string }[]
  readonly response?: { readonly status?: number; readonly headers?: unknown }
}

export function gcsStatus(error: unknown): number | undefined {
  const { code, status, response } = error as GoogleError
  for (const value of [code, status, response?.status]) {
    if (typeof value === 'number' && value >= 100) return value
    if (typeof value === 'string' && /^[1-5]\d\d$/.test(value)) return Number(value)
  }
  return undefined
}

const reasonsOf = (error: unknown): string[] =>
  ((error as GoogleError).errors ?? []).flatMap(({ reason }) => (reason === undefined ? [] : [reason]))

const rateReasons = ['rateLimitExceeded', 'userRateLimitExceeded']
const quotaReasons = ['quotaExceeded', 'storageQuotaExceeded']

/** `upload` and `delete` may have happened when no answer comes. */
export type GcsOperation = 'read' | 'upload' | 'delete'

/** Turns what the client throws into our error; errors that are ours already pass. */
export function gcsError(error: unknown, what: string, key: string | null, operation: GcsOperation): Error {
  if (error instanceof StoreError) return error
  const say = (code: StoreErrorCode, text: string): StoreError =>
    new StoreError(code, `gcs: ${what}: ${text}`, { store: 'gcs', key, cause: error })
  const status = gcsStatus(error)
  const reasons = reasonsOf(error)
  const lost: StoreErrorCode = operation === 'read' ? 'STORE_UNAVAILABLE' : 'STORE_UNKNOWN'
  if (status === undefined || status < 300) {
    const code = (error as GoogleError).code
    return say(lost, `no answer that can be trusted (${typeof code === 'string' ? code : 'no status'})`)
  }
  const named = [status, ...reasons].join(' ')
  if (quotaReasons.some((reason) => reasons.includes(reason)))
    return say('STORE_FULL', `the quota is used up; raise it and work goes on (${named})`)
  if (rateReasons.some((reason) => reasons.includes(reason)))
    return say('STORE_UNAVAILABLE', `asks for fewer requests (${named})`)
  if (status === 401 || status === 403)
    return say('STORE_DENIED', `not allowed; check credentials and roles (${named})`)
  if (status === 404 && operation === 'read') return say('STORE_NOT_FOUND', `is not there (${named})`)
  if (status === 404)
    return say('STORE_UNAVAILABLE', `the bucket does not exist; create it, and work goes on (${named})`)
  if ([408, 409, 410, 429, 503].includes(status)) return say('STORE_UNAVAILABLE', `try again (${named})`)
  if (status === 507) return say('STORE_FULL', `no space left (${named})`)
  if (status >= 500) return say(lost, `failed inside (${named})`)
  // Google refuses a body that is not what its MD5 says with 400, and has no reason of its own for it.
  if (status === 400 && operation === 'upload')
    return say(
      'STORE_UNAVAILABLE',
      `refused the upload: other bytes arrived than were sent, or a setting is wrong (${named})`,
    )
  return say('STORE_UNSUPPORTED', `refused the request (${named})`)
}
