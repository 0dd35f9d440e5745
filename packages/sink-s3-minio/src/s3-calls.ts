import type { S3Client } from '@aws-sdk/client-s3'
import { makeS3Client } from './s3-client.ts'
import { isExpired, s3Error } from './s3-errors.ts'
import type { S3Operation } from './s3-errors.ts'
import type { S3Settings } from './s3-options.ts'

/** Requests to the store, each bounded in time. */
export interface S3Calls {
  /**
   * Sends one request.
   * @throws the client's own error, for callers that look at it; `explained` turns it into ours
   */
  send<T>(
    request: (client: S3Client, options: { readonly abortSignal: AbortSignal }) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T>
  /** As `send`, with errors turned into `StoreError`; the signal's reason when it was aborted. */
  ask<T>(
    what: string,
    key: string | null,
    operation: S3Operation,
    signal: AbortSignal,
    request: (client: S3Client, options: { readonly abortSignal: AbortSignal }) => Promise<T>,
  ): Promise<T>
  close(): void
}

export function createS3Calls(settings: S3Settings): S3Calls {
  let client = makeS3Client(settings)

  const calls: S3Calls = {
    async send(request, signal) {
      const own = client
      try {
        return await request(own, { abortSignal: AbortSignal.any([signal, AbortSignal.timeout(settings.requestMs)]) })
      } catch (error) {
        // The client keeps credentials that its provider gave it; a new client asks again.
        if (isExpired(error) && own === client && typeof settings.credentials === 'function') {
          client = makeS3Client(settings)
          own.destroy()
        }
        throw error
      }
    },
    async ask(what, key, operation, signal, request) {
      try {
        return await calls.send(request, signal)
      } catch (error) {
        signal.throwIfAborted()
        throw s3Error(error, what, key, operation)
      }
    },
    close: () => client.destroy(),
  }
  return calls
}
