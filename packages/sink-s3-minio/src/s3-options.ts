import type { S3Client } from '@aws-sdk/client-s3'

export interface S3Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

export interface S3StoreOptions {
  /** The bucket; it must exist. */
  readonly bucket: string
  /** Address of a store that is not AWS, such as MinIO. Default: that of AWS for the region. */
  readonly endpoint?: string
  readonly region?: string
  /** Keys, or a function that is asked for them, again whenever the store says that they have expired. Default: the AWS chain. */
  readonly credentials?: S3Credentials | (() => Promise<S3Credentials>)
  /** `endpoint/bucket/key` rather than `bucket.endpoint/key`. Default true with an endpoint, else false. */
  readonly pathStyle?: boolean
  /** Bodies above this many bytes go up in parts. */
  readonly multipartAbove?: number
  /** Bytes of a part, 5 MiB at least. */
  readonly partBytes?: number
  /** Parts of one body on their way at the same time. */
  readonly parallelParts?: number
  /** Attempts of one part; the other requests are repeated by the sink. */
  readonly partAttempts?: number
  /** How long one request may take, ms. */
  readonly requestMs?: number
  /** Keys a page of a listing asks for. */
  readonly pageSize?: number
  /** Makes the client, for settings that are not here; its retries must be off (`maxAttempts: 1`). */
  readonly makeClient?: () => S3Client
}

export const s3StoreDefaults = {
  region: 'us-east-1',
  multipartAbove: 16 * 2 ** 20,
  partBytes: 16 * 2 ** 20,
  parallelParts: 2,
  partAttempts: 6,
  requestMs: 30_000,
  pageSize: 1000,
} as const

const smallestPart = 5 * 2 ** 20

/** Everything the driver uses, checked, with defaults filled in. */
export type S3Settings = Omit<S3StoreOptions, keyof typeof s3StoreDefaults> & {
  readonly [name in keyof typeof s3StoreDefaults]: (typeof s3StoreDefaults)[name] extends number ? number : string
}

/** @throws TypeError for options that cannot work */
export function checkS3Options(options: S3StoreOptions): S3Settings {
  const settings = Object.freeze({ ...s3StoreDefaults, ...options }) as S3Settings
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(settings.bucket)) {
    throw new TypeError(`s3: '${settings.bucket}' is no name for a bucket`)
  }
  if (settings.endpoint !== undefined && !/^https?:\/\/[^/@]+\/?$/.test(settings.endpoint)) {
    throw new TypeError('s3: endpoint must be http(s)://host[:port], without user, path or query')
  }
  for (const name of ['multipartAbove', 'parallelParts', 'partAttempts', 'requestMs', 'pageSize'] as const) {
    if (!Number.isSafeInteger(settings[name]) || settings[name] < 1) {
      throw new TypeError(`s3: ${name} must be a whole number above 0`)
    }
  }
  if (!Number.isSafeInteger(settings.partBytes) || settings.partBytes < smallestPart) {
    throw new TypeError(`s3: partBytes must be at least ${smallestPart}, the smallest part S3 takes`)
  }
  if (settings.pageSize > 1000) throw new TypeError('s3: pageSize can be 1000 at most')
  return settings
}
