import { StoreError } from '@sluice/ingest-core'
import type { StoreErrorCode } from '@sluice/ingest-core'

/** What the driver reads of an error of the Azure client; everything may be missing. */
interface AzureError {
  readonly name?: string
  readonly code?: string
  readonly statusCode?: number
  readonly details?: Readonly<Record<string, unknown>>
  readonly response?: { readonly headers?: { get(name: string): string | undefined } }
}

export const adlsStatus = (error: unknown): number | undefined => (error as AzureError).statusCode

/** The service's own word for what happened, such as `BlobNotFound`; a reply without a body has it in a header. */
export function adlsCode(error: unknown): string {
  const { code, name, details } = error as AzureError
  const inDetails = details?.['errorCode']
  return code ?? (typeof inDetails === 'string' ? inDetails : (name ?? 'Error'))
}

/** True when the service refused the condition: somebody wrote the key before. */
export const isTaken = (error: unknown): boolean =>
  adlsStatus(error) === 412 || ['BlobAlreadyExists', 'ConditionNotMet'].includes(adlsCode(error))

/** True when the service says that the bytes it got are not those that were announced. */
export const isBodyMismatch = (error: unknown): boolean =>
  // The last one is Azurite's word for it.
  ['Md5Mismatch', 'Crc64Mismatch', 'InvalidMd5', 'InvalidOperation'].includes(adlsCode(error))

const byCode: Readonly<Record<string, readonly [StoreErrorCode, string]>> = {
  BlobNotFound: ['STORE_NOT_FOUND', 'is not there'],
  ContainerNotFound: ['STORE_UNAVAILABLE', 'the container does not exist; create it, and work goes on'],
  ContainerBeingDeleted: ['STORE_UNAVAILABLE', 'the container is being deleted; create it again, and work goes on'],
  ContainerDisabled: ['STORE_DENIED', 'the container is disabled'],
  InvalidBlockList: ['STORE_UNAVAILABLE', 'a block is gone, another writer was at the same key; it is begun again'],
  InvalidBlobOrBlock: ['STORE_UNAVAILABLE', 'another writer was at the same key; it is begun again'],
  ServerBusy: ['STORE_UNAVAILABLE', 'asks for fewer requests'],
  AccountIsDisabled: ['STORE_DENIED', 'the account is disabled'],
  InvalidResourceName: ['STORE_KEY_INVALID', 'this store does not take the key'],
  MetadataTooLarge: ['STORE_UNSUPPORTED', 'the metadata is larger than this store takes'],
  RequestBodyTooLarge: ['STORE_UNSUPPORTED', 'the body is larger than this store takes'],
}

/** After a `write` without an answer nobody knows what became of it. */
export type AdlsOperation = 'read' | 'write'

/** Turns what the client throws into our error; errors that are ours already pass. */
export function adlsError(error: unknown, what: string, key: string | null, operation: AdlsOperation): Error {
  if (error instanceof StoreError) return error
  const say = (code: StoreErrorCode, text: string): StoreError =>
    new StoreError(code, `adls: ${what}: ${text}`, { store: 'adls', key, cause: error })
  const code = adlsCode(error)
  const status = adlsStatus(error)
  const known = byCode[code]
  if (known !== undefined) return say(known[0], `${known[1]} (${code})`)
  if (status === 401 || status === 403) return say('STORE_DENIED', `${skewText(error as AzureError)} (${code})`)
  const lost: StoreErrorCode = operation === 'write' ? 'STORE_UNKNOWN' : 'STORE_UNAVAILABLE'
  if (status === undefined || status < 300) return say(lost, `no answer that can be trusted (${code})`)
  if (status === 404) return say('STORE_NOT_FOUND', `is not there (${code})`)
  if ([408, 409, 412, 429, 503].includes(status)) return say('STORE_UNAVAILABLE', `try again (${status} ${code})`)
  if (status === 507) return say('STORE_FULL', `no space left; free some and work goes on (${code})`)
  if (status >= 500) return say(lost, `failed inside (${status} ${code})`)
  return say('STORE_UNSUPPORTED', `refused the request (${status} ${code})`)
}

/** Azure refuses a request from a clock that is 15 minutes off like one with a wrong key: the date of its answer tells them apart. */
function skewText(error: AzureError): string {
  const date = error.response?.headers?.get('date')
  const server = date === undefined ? NaN : Date.parse(date)
  const seconds = Math.round((Date.now() - server) / 1000)
  if (Number.isNaN(server) || Math.abs(seconds) < 10 * 60) return 'not allowed; check key, signature and roles'
  const way = seconds >= 0 ? 'ahead of' : 'behind'
  return `the clock of this machine is ${Math.abs(seconds)} s ${way} that of the store, which says ${new Date(server).toISOString()}`
}
