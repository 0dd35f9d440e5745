import { ContainerClient } from '@azure/storage-blob'

/** A token credential of `@azure/identity`, a shared key, or none for a URL with a signature (SAS). */
export type AdlsCredential = ContainerClient['credential']

export interface AdlsStoreOptions {
  /** The container; it must exist. */
  readonly container: string
  /** The account with its key or signature. Either this, or `url`. */
  readonly connectionString?: string
  /** Address of the account's blob service, such as `https://<account>.blob.core.windows.net`. */
  readonly url?: string
  /** For `url`. */
  readonly credential?: AdlsCredential
  /**
   * True for an account with a hierarchical namespace (Data Lake Storage Gen2). Such an account lists folders before files and shows folders as
   * objects: a listing is then read whole and put in order. Default false.
   */
  readonly hierarchical?: boolean
  /** Bodies above this many bytes go up in blocks. */
  readonly blocksAbove?: number
  /** Bytes of a block. */
  readonly blockBytes?: number
  /** Blocks of one body on their way at the same time. */
  readonly parallelBlocks?: number
  /** Attempts of one block; the other requests are repeated by the sink. */
  readonly blockAttempts?: number
  /** How long one request may take, ms. */
  readonly requestMs?: number
  /** Blobs a page of a listing asks for. */
  readonly pageSize?: number
  /** Deletes on their way at the same time. */
  readonly parallelDeletes?: number
  /** Makes the client, for settings that are not here; its retries must be off (`retryOptions: { maxTries: 1 }`). */
  readonly makeClient?: () => ContainerClient
}

export const adlsStoreDefaults = {
  hierarchical: false,
  blocksAbove: 16 * 2 ** 20,
  blockBytes: 16 * 2 ** 20,
  parallelBlocks: 2,
  blockAttempts: 6,
  requestMs: 30_000,
  pageSize: 5000,
  parallelDeletes: 8,
} as const

/** Everything the driver uses, checked, with defaults filled in. */
export type AdlsSettings = Omit<AdlsStoreOptions, keyof typeof adlsStoreDefaults> & {
  readonly [name in keyof typeof adlsStoreDefaults]: (typeof adlsStoreDefaults)[name] extends boolean ? boolean : number
}

/** @throws TypeError for options that cannot work; never with the connection string in its text */
export function checkAdlsOptions(options: AdlsStoreOptions): AdlsSettings {
  const settings = Object.freeze({ ...adlsStoreDefaults, ...options }) as AdlsSettings
  if (!/^[a-z0-9](?:[a-z0-9]|-(?=[a-z0-9])){2,62}$/.test(settings.container)) {
    throw new TypeError(`adls: '${settings.container}' is no name for a container`)
  }
  const ways = [settings.connectionString, settings.url, settings.makeClient].filter((way) => way !== undefined)
  if (ways.length !== 1) throw new TypeError('adls: give one of connectionString, url, makeClient')
  const numbers = ['blocksAbove', 'blockBytes', 'parallelBlocks', 'blockAttempts', 'requestMs', 'pageSize'] as const
  for (const name of [...numbers, 'parallelDeletes'] as const) {
    if (!Number.isSafeInteger(settings[name]) || settings[name] < 1) {
      throw new TypeError(`adls: ${name} must be a whole number above 0`)
    }
  }
  if (settings.pageSize > 5000) throw new TypeError('adls: pageSize can be 5000 at most')
  return settings
}

/** The client without retries of its own: the sink repeats what may be repeated, and it must see every lost reply. */
export function makeContainerClient(settings: AdlsSettings): ContainerClient {
  const { container, connectionString, url, credential } = settings
  if (settings.makeClient !== undefined) return settings.makeClient()
  const once = { retryOptions: { maxTries: 1 } }
  if (connectionString !== undefined) return new ContainerClient(connectionString, container, once)
  return new ContainerClient(containerUrl(url!, container), credential, once)
}

/** The signature of a URL stays behind the path. */
function containerUrl(url: string, container: string): string {
  const parsed = new URL(url)
  parsed.pathname = `${parsed.pathname.replace(/\/$/, '')}/${container}`
  return parsed.href
}
