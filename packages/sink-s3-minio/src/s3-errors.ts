import { StoreError } from '@sluice/ingest-core'
import type { StoreErrorCode } from '@sluice/ingest-core'

/** What the driver reads of an error of the AWS client; everything may be missing. */
interface AwsError {
  readonly name?: string
  readonly Code?: string
  readonly message?: string
  readonly code?: string
  readonly $metadata?: { readonly httpStatusCode?: number }
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> }
  readonly ServerTime?: string
}

export const s3Status = (error: unknown): number | undefined => (error as AwsError).$metadata?.httpStatusCode

/** The store's own word for what happened, such as `NoSuchKey`. */
export function s3Code(error: unknown): string {
  const { Code, name, code } = error as AwsError
  return Code ?? (name !== undefined && name !== 'Error' ? name : (code ?? 'Error'))
}

/** True when the store refused the condition: somebody wrote the key before. */
export const isPreconditionFailed = (error: unknown): boolean =>
  s3Status(error) === 412 || s3Code(error) === 'PreconditionFailed'

/** True when new credentials may help. */
export const isExpired = (error: unknown): boolean =>
  ['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired', 'InvalidToken'].includes(s3Code(error))

/** True when the store says that the bytes it got are not those that were announced. */
export const isBodyMismatch = (error: unknown): boolean =>
  ['BadDigest', 'XAmzContentSHA256Mismatch', 'XAmzContentChecksumMismatch', 'IncompleteBody', 'InvalidDigest'].includes(
    s3Code(error),
  )

const byCode: Readonly<Record<string, readonly [StoreErrorCode, string]>> = {
  NoSuchKey: ['STORE_NOT_FOUND', 'is not there'],
  NoSuchBucket: ['STORE_UNAVAILABLE', 'the bucket does not exist; create it, and work goes on'],
  NoSuchUpload: ['STORE_UNAVAILABLE', 'the upload is gone: completed, aborted or expired; it is begun again'],
  InvalidPart: ['STORE_UNAVAILABLE', 'a part is gone; the upload is begun again'],
  ConditionalRequestConflict: ['STORE_UNAVAILABLE', 'another writer was at the same key; it is begun again'],
  OperationAborted: ['STORE_UNAVAILABLE', 'another operation was at the same key; it is begun again'],
  // The client writes no other XML than this store reads: it changed on the way (fault 50). It named no object, so nothing was done.
  MalformedXML: ['STORE_UNAVAILABLE', 'other bytes arrived than were sent; it is tried again'],
  SlowDown: ['STORE_UNAVAILABLE', 'asks for fewer requests'],
  SlowDownRead: ['STORE_UNAVAILABLE', 'asks for fewer requests'],
  SlowDownWrite: ['STORE_UNAVAILABLE', 'asks for fewer requests'],
  ServiceUnavailable: ['STORE_UNAVAILABLE', 'does not serve at the moment'],
  XMinioServerNotInitialized: ['STORE_UNAVAILABLE', 'is not ready yet'],
  RequestTimeout: ['STORE_UNAVAILABLE', 'the request took too long to arrive'],
  KeyTooLongError: ['STORE_KEY_INVALID', 'the key is too long for this store'],
  XMinioInvalidObjectName: ['STORE_KEY_INVALID', 'this store does not take the key'],
  XMinioParentIsObject: ['STORE_KEY_INVALID', 'a folder of the key is an object in this store'],
  XMinioStorageFull: ['STORE_FULL', 'no space left; free some and work goes on'],
  XMinioAdminBucketQuotaExceeded: ['STORE_FULL', 'the quota of the bucket is used up; raise it and work goes on'],
  QuotaExceeded: ['STORE_FULL', 'the quota of the bucket is used up; raise it and work goes on'],
  InsufficientStorage: ['STORE_FULL', 'no space left; free some and work goes on'],
  EntityTooLarge: ['STORE_UNSUPPORTED', 'the body is larger than this store takes'],
  NotImplemented: ['STORE_UNSUPPORTED', 'this store does not know the operation'],
}

const denied: Readonly<Record<string, string>> = {
  InvalidAccessKeyId: 'the access key is unknown',
  SignatureDoesNotMatch: 'the secret key does not fit the access key',
  ExpiredToken: 'the credentials have expired; new ones are asked for',
  TokenRefreshRequired: 'the credentials have expired; new ones are asked for',
  InvalidToken: 'the session token is not valid; a new one is asked for',
  AccountProblem: 'the account has a problem',
}

/** Which request failed: after a `write` nobody knows what became of it. */
export type S3Operation = 'read' | 'write'

/**
 * Turns what the client throws into our error. Without an answer, or with 500, 502 or 504, a write may have happened: `STORE_UNKNOWN`.
 * @returns errors that are ours already, unchanged
 */
export function s3Error(error: unknown, what: string, key: string | null, operation: S3Operation): Error {
  if (error instanceof StoreError) return error
  const say = (code: StoreErrorCode, text: string): StoreError =>
    new StoreError(code, `s3: ${what}: ${text}`, { store: 's3', key, cause: error })
  const code = s3Code(error)
  const status = s3Status(error)
  if (code === 'RequestTimeTooSkewed') return say('STORE_DENIED', skewText(error as AwsError))
  const known = byCode[code]
  if (known !== undefined) return say(known[0], `${known[1]} (${code})`)
  if (status === 401 || status === 403 || denied[code] !== undefined) {
    return say('STORE_DENIED', `${denied[code] ?? 'not allowed; check keys and policy'} (${code})`)
  }
  const lost: StoreErrorCode = operation === 'write' ? 'STORE_UNKNOWN' : 'STORE_UNAVAILABLE'
  // The client turns an error inside a reply of status 200 into one of status 503; by its name nobody knows what was done (fault 49).
  if (status === undefined || status < 300 || code === 'InternalError')
    return say(lost, `no answer that can be trusted (${code})`)
  if (status === 404) return say('STORE_NOT_FOUND', `is not there (${code})`)
  if (status === 429 || status === 503) return say('STORE_UNAVAILABLE', `asks for fewer requests (${status} ${code})`)
  if (status === 507) return say('STORE_FULL', `no space left; free some and work goes on (${code})`)
  if (status >= 500) return say(lost, `failed inside (${status} ${code})`)
  if (status === 408 || status === 409) return say('STORE_UNAVAILABLE', `try again (${status} ${code})`)
  return say('STORE_UNSUPPORTED', `refused the request (${status} ${code})`)
}

/** Names both clocks, so that whoever reads it need not look for the cause. */
function skewText(error: AwsError): string {
  const date = error.ServerTime ?? error.$response?.headers?.['date']
  const server = date === undefined ? NaN : Date.parse(date)
  if (Number.isNaN(server))
    return 'the clock of this machine differs too much from that of the store (RequestTimeTooSkewed)'
  const seconds = Math.round((Date.now() - server) / 1000)
  const way = seconds >= 0 ? 'ahead of' : 'behind'
  return `the clock of this machine is ${Math.abs(seconds)} s ${way} that of the store, which says ${new Date(server).toISOString()} (RequestTimeTooSkewed)`
}
