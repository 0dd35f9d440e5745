import type { Storage } from '@google-cloud/storage'

export interface GcsStoreOptions {
  /** The bucket; it must exist. */
  readonly bucket: string
  readonly projectId?: string
  /** Address of an emulator, as `STORAGE_EMULATOR_HOST` has it; no credentials are used then. Default: Google's. */
  readonly endpoint?: string
  /** File with the key of a service account. Default: what the machine is given (application default credentials). */
  readonly keyFilename?: string
  /** Bodies above this many bytes go up by a resumable upload. */
  readonly resumableAbove?: number
  /** Bytes sent in one request of a resumable upload, a multiple of 256 KiB. */
  readonly chunkBytes?: number
  /** How long one request may take, ms. */
  readonly requestMs?: number
  /** Objects a page of a listing asks for. */
  readonly pageSize?: number
  /** Deletes on their way at the same time. */
  readonly parallelDeletes?: number
  /** Makes the client, for settings that are not here; its retries must be off (`retryOptions: { autoRetry: false }`). */
  readonly makeClient?: () => Storage
}

export const gcsStoreDefaults = {
  resumableAbove: 16 * 2 ** 20,
  chunkBytes: 32 * 2 ** 20,
  requestMs: 30_000,
  pageSize: 1000,
  parallelDeletes: 8,
} as const

const chunkUnit = 256 * 1024

/** Everything the driver uses, checked, with defaults filled in. */
export type GcsSettings = Omit<GcsStoreOptions, keyof typeof gcsStoreDefaults> & {
  readonly [name in keyof typeof gcsStoreDefaults]: number
}

/** @throws TypeError for options that cannot work */
export function checkGcsOptions(options: GcsStoreOptions): GcsSettings {
  const settings: GcsSettings = Object.freeze({ ...gcsStoreDefaults, ...options })
  if (!/^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/.test(settings.bucket)) {
    throw new TypeError(`gcs: '${settings.bucket}' is no name for a bucket`)
  }
  if (settings.endpoint !== undefined && !/^https?:\/\/[^/@]+\/?$/.test(settings.endpoint)) {
    throw new TypeError('gcs: endpoint must be http(s)://host[:port], without path or query')
  }
  for (const name of ['resumableAbove', 'requestMs', 'pageSize', 'parallelDeletes'] as const) {
    if (!Number.isSafeInteger(settings[name]) || settings[name] < 1) {
      throw new TypeError(`gcs: ${name} must be a whole number above 0`)
    }
  }
  if (!Number.isSafeInteger(settings.chunkBytes) || settings.chunkBytes < 1 || settings.chunkBytes % chunkUnit !== 0) {
    throw new TypeError(`gcs: chunkBytes must be a multiple of ${chunkUnit}`)
  }
  return settings
}
