import { S3Client } from '@aws-sdk/client-s3'
import type { S3Settings } from './s3-options.ts'

/**
 * The AWS client without retries of its own: the sink repeats what may be repeated, and it must see every lost reply. The SHA-256 that the
 * core has already computed serves as the payload's hash, so the signature covers the body and no byte is hashed twice.
 */
export function makeS3Client(settings: S3Settings): S3Client {
  const client =
    settings.makeClient?.() ??
    new S3Client({
      region: settings.region,
      ...(settings.endpoint !== undefined && { endpoint: settings.endpoint }),
      forcePathStyle: settings.pathStyle ?? settings.endpoint !== undefined,
      ...(settings.credentials !== undefined && { credentials: settings.credentials }),
      maxAttempts: 1,
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    })
  client.middlewareStack.add(
    (next) => (args) => {
      const { ChecksumSHA256 } = args.input as { ChecksumSHA256?: unknown }
      const request = args.request as { headers: Record<string, string>; body?: unknown }
      if (typeof ChecksumSHA256 === 'string' && request.body !== undefined) {
        request.headers['x-amz-content-sha256'] = Buffer.from(ChecksumSHA256, 'base64').toString('hex')
      }
      return next(args)
    },
    { step: 'build', name: 'sluicePayloadHash' },
  )
  return client
}
