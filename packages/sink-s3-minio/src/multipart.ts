import { setTimeout as sleep } from 'node:timers/promises'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import type { CompletedPart } from '@aws-sdk/client-s3'
import { StoreError, checkDigest, sha256Hex } from '@sluice/ingest-core'
import type { S3Calls } from './s3-calls.ts'
import { isBodyMismatch, isPreconditionFailed, s3Error } from './s3-errors.ts'
import type { S3Settings } from './s3-options.ts'

const firstWaitMs = 100
const longestWaitMs = 5_000
const abortMs = 10_000

/** A body for one key, in parts. */
export interface MultipartPut {
  readonly key: string
  readonly body: Uint8Array
  readonly digest: string
  readonly metadata: Readonly<Record<string, string>>
}

/**
 * Puts a large body in parts; the condition is on the request that completes them, so nothing shows before and of racing writers one wins.
 * Each part carries its SHA-256 and is tried again by itself. A refusal aborts the upload, since its parts would stay and cost; after a lost
 * reply to the completion nothing is cleaned up, because it may have happened (faults 48, 49).
 * @returns false when the key exists
 */
export async function putInParts(
  calls: S3Calls,
  settings: S3Settings,
  put: MultipartPut,
  signal: AbortSignal,
): Promise<boolean> {
  const { key, body, digest } = put
  checkDigest('s3', key, body, digest)
  const at = { Bucket: settings.bucket, Key: key }
  const UploadId = await beginUpload(calls, settings, put, signal)
  try {
    const Parts = await uploadParts(calls, settings, { ...put, UploadId }, signal)
    const done = await calls.send(
      (client, options) =>
        client.send(
          new CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload: { Parts }, IfNoneMatch: '*' }),
          options,
        ),
      signal,
    )
    if (done.ETag === undefined) throw replyWithoutETag(key)
    return true
  } catch (error) {
    const explained = signal.aborted ? (signal.reason as unknown) : s3Error(error, `putting ${key}`, key, 'write')
    const unknown = explained instanceof StoreError && explained.code === 'STORE_UNKNOWN'
    if (!unknown) await abortUpload(calls, { ...at, UploadId })
    if (isPreconditionFailed(error)) return false
    throw explained
  }
}

/** An answer that says nothing about the object did not come from the store: somebody between us made it up. */
export function replyWithoutETag(key: string): StoreError {
  return new StoreError('STORE_UNKNOWN', `s3: putting ${key}: the reply does not name what was written`, {
    store: 's3',
    key,
  })
}

async function beginUpload(calls: S3Calls, settings: S3Settings, put: MultipartPut, signal: AbortSignal) {
  const { key, metadata } = put
  const command = new CreateMultipartUploadCommand({
    Bucket: settings.bucket,
    Key: key,
    Metadata: { ...metadata },
    ChecksumAlgorithm: 'SHA256',
  })
  const what = `beginning the upload of ${key}`
  const { UploadId } = await repeated(settings, signal, () =>
    // A begun upload that nobody knows of is what the janitor is for; nothing was written.
    calls.ask(what, key, 'read', signal, (client, options) => client.send(command, options)),
  )
  if (UploadId !== undefined) return UploadId
  throw new StoreError('STORE_UNAVAILABLE', `s3: ${what}: the reply names no upload`, { store: 's3', key })
}

async function uploadParts(
  calls: S3Calls,
  settings: S3Settings,
  put: MultipartPut & { readonly UploadId: string },
  signal: AbortSignal,
): Promise<CompletedPart[]> {
  const { key, body, UploadId } = put
  const parts: CompletedPart[] = []
  const failed = new AbortController()
  const either = AbortSignal.any([signal, failed.signal])
  let next = 0
  const count = Math.ceil(body.length / settings.partBytes)
  const work = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) {
      const bytes = body.subarray(index * settings.partBytes, (index + 1) * settings.partBytes)
      const ChecksumSHA256 = Buffer.from(sha256Hex(bytes), 'hex').toString('base64')
      const PartNumber = index + 1
      const command = new UploadPartCommand({
        Bucket: settings.bucket,
        Key: key,
        UploadId,
        PartNumber,
        Body: bytes,
        ChecksumSHA256,
      })
      const what = `putting part ${PartNumber} of ${key}`
      const { ETag } = await repeated(settings, either, () =>
        calls.ask(what, key, 'read', either, async (client, options) => {
          try {
            return await client.send(command, options)
          } catch (error) {
            if (!isBodyMismatch(error)) throw error
            const text = `s3: ${what}: other bytes arrived than were sent; it is tried again`
            throw new StoreError('STORE_UNAVAILABLE', text, { store: 's3', key, cause: error })
          }
        }),
      )
      if (ETag === undefined) throw new StoreError('STORE_UNAVAILABLE', `s3: ${what}: no ETag`, { store: 's3', key })
      parts[index] = { PartNumber, ETag, ChecksumSHA256 }
    }
  }
  const results = await Promise.allSettled(
    Array.from({ length: Math.min(settings.parallelParts, count) }, () =>
      work().catch((error: unknown) => {
        // The first failure stops the others; theirs only say so.
        if (!failed.signal.aborted) failed.abort(error)
        throw error
      }),
    ),
  )
  if (results.some((result) => result.status === 'rejected'))
    throw signal.aborted ? signal.reason : failed.signal.reason
  return parts
}

/** Repeats what is safe to repeat, a part or a beginning, while the store is away; waits grow and are jittered. */
async function repeated<T>(settings: S3Settings, signal: AbortSignal, attempt: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt()
    } catch (error) {
      const again = error instanceof StoreError && error.code === 'STORE_UNAVAILABLE'
      if (!again || tries >= settings.partAttempts || noUpload(error)) throw error
      const wait = Math.min(longestWaitMs, firstWaitMs * 2 ** (tries - 1))
      await sleep(wait * (0.5 + Math.random() / 2), undefined, { signal })
    }
  }
}

/** The upload itself is gone, or its bucket: another attempt of the part cannot help. */
const noUpload = (error: StoreError): boolean =>
  ['NoSuchUpload', 'NoSuchBucket'].includes((error.cause as { name?: string } | undefined)?.name ?? '')

/** Ends an upload that was refused. Not for the signal: it is about tidiness after the fact, and bounded by itself. */
async function abortUpload(
  calls: S3Calls,
  upload: { readonly Bucket: string; readonly Key: string; readonly UploadId: string },
): Promise<void> {
  try {
    await calls.send(
      (client, options) => client.send(new AbortMultipartUploadCommand(upload), options),
      AbortSignal.timeout(abortMs),
    )
  } catch {
    // What led here is worth more than this: the upload stays listed, and the janitor aborts it later (fault 57).
    return
  }
}
