import { createHash, randomUUID } from 'node:crypto'
import type { Readable } from 'node:stream'
import {
  AbortMultipartUploadCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import type { ListObjectsV2CommandOutput } from '@aws-sdk/client-s3'
import {
  StoreError,
  checkDigest,
  checkObjectKey,
  clampRange,
  createStoreSession,
  maxKeyBytes,
} from '@sluice/ingest-core'
import type { LeftoverUpload, LeftoverUploads, ObjectHead, ObjectStore, PutOutcome } from '@sluice/ingest-core'
import { putInParts, replyWithoutETag } from './multipart.ts'
import { fromStored, toStored } from './object-metadata.ts'
import { createS3Calls } from './s3-calls.ts'
import { isBodyMismatch, isPreconditionFailed, s3Status } from './s3-errors.ts'
import { checkS3Options } from './s3-options.ts'
import type { S3StoreOptions } from './s3-options.ts'

/** Holds the probes of `open`; keys cannot begin with it and listings never show it. */
const ownFolder = '.sluice/'
const deletesPerRequest = 1000

/** An object store that can also name and abort what uploads left behind. */
export type S3Store = ObjectStore & LeftoverUploads

/**
 * Objects in a bucket of S3 or of a store that speaks its protocol, such as MinIO. Puts are create-only (`If-None-Match: *`); the store checks
 * the SHA-256 of what it gets; the digest is also metadata, so `head` tells it. The client's own retries are off: the sink repeats.
 *
 * `open` refuses a bucket that does not honour create-only, for whole objects and for uploads in parts (RELIABILITY fault 53).
 */
export function createS3Store(options: S3StoreOptions): S3Store {
  const settings = checkS3Options(options)
  const { bucket } = settings
  const name = 's3'
  const session = createStoreSession(name)
  const calls = createS3Calls(settings)

  function checkKey(key: string): void {
    checkObjectKey(name, key)
    if (!key.startsWith(ownFolder)) return
    throw new StoreError('STORE_KEY_INVALID', `${name}: ${ownFolder} is the store's own`, { store: name, key })
  }

  /** False when the key exists. */
  async function putWhole(
    key: string,
    body: Uint8Array,
    digest: string,
    metadata: Record<string, string>,
    signal: AbortSignal,
  ): Promise<boolean> {
    const command = new PutObjectCommand({
      Bucket: bucket,
      Key: key,
      Body: body,
      ContentLength: body.length,
      IfNoneMatch: '*',
      ChecksumSHA256: Buffer.from(digest, 'hex').toString('base64'),
      Metadata: metadata,
    })
    return calls.ask(`putting ${key}`, key, 'write', signal, async (client, more) => {
      try {
        const { ETag } = await client.send(command, more)
        if (ETag === undefined) throw replyWithoutETag(key)
        return true
      } catch (error) {
        if (isPreconditionFailed(error)) return false
        if (!isBodyMismatch(error)) throw error
        // Either the caller's digest is wrong, or somebody on the way changed the bytes (fault 50).
        checkDigest(name, key, body, digest)
        const text = `${name}: putting ${key}: other bytes arrived than were sent; it is tried again`
        throw new StoreError('STORE_UNAVAILABLE', text, { store: name, key, cause: error })
      }
    })
  }

  async function putOnce(
    key: string,
    body: Uint8Array,
    digest: string,
    metadata: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<boolean> {
    const stored = toStored(key, digest, metadata)
    if (body.length <= settings.multipartAbove) return putWhole(key, body, digest, stored, signal)
    // A retry after a lost reply would send everything again to learn that it is there.
    if ((await headOf(key, signal)) !== undefined) return false
    return putInParts(calls, settings, { key, body, digest, metadata: stored }, signal)
  }

  async function headOf(key: string, signal: AbortSignal): Promise<ObjectHead | undefined> {
    const found = await calls.ask(`asking for ${key}`, key, 'read', signal, async (client, more) => {
      try {
        return await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }), more)
      } catch (error) {
        if (s3Status(error) === 404) return undefined
        throw error
      }
    })
    if (found === undefined) return undefined
    const { sha256, metadata } = fromStored(found.Metadata)
    // An object that we did not write carries no digest of ours: its content is read once to tell.
    const digest = sha256 ?? (await digestOf(key, signal))
    return { key, bytes: found.ContentLength ?? 0, sha256: digest, metadata }
  }

  async function digestOf(key: string, signal: AbortSignal): Promise<string> {
    return calls.ask(`reading ${key}`, key, 'read', signal, async (client, more) => {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }), more)
      const hash = createHash('sha256')
      for await (const chunk of Body as Readable) hash.update(chunk as Uint8Array)
      return hash.digest('hex')
    })
  }

  /** Two create-only writes of different bodies to one new key: the second must be refused, whole and in parts. */
  async function probe(signal: AbortSignal): Promise<void> {
    const key = `${ownFolder}probe/${randomUUID()}`
    const bodies = [Buffer.from('first'), Buffer.from('second')] as const
    const put = (body: Uint8Array, how: 'whole' | 'parts') => {
      const digest = createHash('sha256').update(body).digest('hex')
      const metadata = toStored(key, digest, {})
      return how === 'whole'
        ? putWhole(key, body, digest, metadata, signal)
        : putInParts(calls, settings, { key, body, digest, metadata }, signal)
    }
    try {
      const created = [await put(bodies[0], 'whole'), await put(bodies[1], 'whole'), await put(bodies[1], 'parts')]
      if (created[0] && !created[1] && !created[2]) return
      const what = !created[0]
        ? 'refused a new key'
        : created[1]
          ? 'overwrote an object'
          : 'overwrote by an upload in parts'
      const text = `${name}: bucket ${bucket} ${what} although the write was create-only; exactly-once cannot hold here`
      throw new StoreError('STORE_UNSUPPORTED', text, { store: name })
    } finally {
      await removeKeys([key], signal)
    }
  }

  async function listPage(
    prefix: string,
    at: { readonly StartAfter?: string; readonly ContinuationToken?: string },
    signal: AbortSignal,
  ): Promise<ListObjectsV2CommandOutput> {
    const command = new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, MaxKeys: settings.pageSize, ...at })
    return calls.ask(`listing ${prefix}`, null, 'read', signal, (client, more) => client.send(command, more))
  }

  async function removeKeys(keys: readonly string[], signal: AbortSignal): Promise<void> {
    for (let at = 0; at < keys.length; at += deletesPerRequest) {
      const chunk = keys.slice(at, at + deletesPerRequest)
      const command = new DeleteObjectsCommand({
        Bucket: bucket,
        Delete: { Objects: chunk.map((Key) => ({ Key })), Quiet: true },
      })
      const what = chunk.length === 1 ? `deleting ${chunk[0]}` : `deleting ${chunk.length} objects`
      const { Errors } = await calls.ask(what, chunk[0]!, 'write', signal, (client, more) => client.send(command, more))
      const failed = Errors?.find(({ Code }) => Code !== 'NoSuchKey')
      if (failed === undefined) continue
      const code = failed.Code === 'AccessDenied' ? 'STORE_DENIED' : 'STORE_UNAVAILABLE'
      const text = `${name}: ${what}: ${failed.Key ?? ''} could not be deleted (${failed.Code ?? 'no reason'})`
      throw new StoreError(code, text, { store: name, key: failed.Key ?? null })
    }
  }

  return {
    name,
    supports: Object.freeze({
      createOnly: true,
      maxObjectBytes: Math.min(5 * 2 ** 40, settings.partBytes * 10_000),
      maxKeyBytes,
    }),
    async open(signal) {
      signal.throwIfAborted()
      await probe(signal)
      session.markOpen()
    },
    async putIfAbsent(key, body, digest, metadata, signal): Promise<PutOutcome> {
      session.enter(signal)
      checkKey(key)
      if (await putOnce(key, body, digest, metadata, signal)) return { outcome: 'created' }
      const head = await headOf(key, signal)
      if (head !== undefined) return { outcome: 'exists', head }
      const text = `${name}: ${key}: was deleted while it was being created`
      throw new StoreError('STORE_UNAVAILABLE', text, { store: name, key })
    },
    async get(key, signal, range) {
      session.enter(signal)
      checkKey(key)
      clampRange(0, range)
      // S3 cannot be asked for no bytes, and refuses a range that begins at or behind the end.
      if (range !== undefined && range.start === range.end) {
        if ((await headOf(key, signal)) !== undefined) return new Uint8Array(0)
        throw new StoreError('STORE_NOT_FOUND', `${name}: ${key} is not there`, { store: name, key })
      }
      const Range = range && `bytes=${range.start}-${range.end - 1}`
      const command = new GetObjectCommand({ Bucket: bucket, Key: key, ...(Range && { Range }) })
      return calls.ask(`reading ${key}`, key, 'read', signal, async (client, more) => {
        try {
          const { Body, ContentLength } = await client.send(command, more)
          const bytes = await Body!.transformToByteArray()
          if (ContentLength === undefined || bytes.length === ContentLength) return bytes
          const text = `${name}: reading ${key}: ${bytes.length} of ${ContentLength} bytes came`
          throw new StoreError('STORE_UNAVAILABLE', text, { store: name, key })
        } catch (error) {
          if (s3Status(error) === 416) return new Uint8Array(0)
          throw error
        }
      })
    },
    async head(key, signal) {
      session.enter(signal)
      checkKey(key)
      return headOf(key, signal)
    },
    async *list(prefix, signal, after) {
      let at: { StartAfter?: string; ContinuationToken?: string } | undefined =
        after === undefined ? {} : { StartAfter: after }
      while (at !== undefined) {
        session.enter(signal)
        const page = await listPage(prefix, at, signal)
        const contents = page.Contents ?? []
        for (const { Key, Size } of contents) {
          if (Key === undefined || Key.startsWith(ownFolder)) continue
          session.enter(signal)
          yield { key: Key, bytes: Size ?? 0 }
        }
        const last = contents.at(-1)?.Key
        if (page.IsTruncated === true && page.NextContinuationToken !== undefined)
          at = { ContinuationToken: page.NextContinuationToken }
        // MinIO calls a full page the last one when a listing begun by StartAfter ends at the border of a folder: only a page that is
        // not full proves the end.
        else at = contents.length >= settings.pageSize && last !== undefined ? { StartAfter: last } : undefined
      }
    },
    async delete(keys, signal) {
      session.enter(signal)
      for (const key of keys) checkKey(key)
      await removeKeys(keys, signal)
    },
    async *listUploads(prefix, signal) {
      let marker: { KeyMarker?: string; UploadIdMarker?: string } | undefined = {}
      while (marker !== undefined) {
        session.enter(signal)
        // MinIO lists uploads of one key or of the whole bucket, nothing between: so the prefix is applied here.
        const command: ListMultipartUploadsCommand = new ListMultipartUploadsCommand({ Bucket: bucket, ...marker })
        const page = await calls.ask('listing uploads', null, 'read', signal, (client, more) =>
          client.send(command, more),
        )
        for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
          if (Key === undefined || UploadId === undefined || !Key.startsWith(prefix)) continue
          yield { key: Key, id: UploadId, startedAt: Initiated?.getTime() ?? 0 }
        }
        marker =
          page.IsTruncated === true && page.NextKeyMarker !== undefined
            ? {
                KeyMarker: page.NextKeyMarker,
                ...(page.NextUploadIdMarker && { UploadIdMarker: page.NextUploadIdMarker }),
              }
            : undefined
      }
    },
    async abortUpload(upload: LeftoverUpload, signal) {
      session.enter(signal)
      const command = new AbortMultipartUploadCommand({ Bucket: bucket, Key: upload.key, UploadId: upload.id })
      await calls.ask(`aborting an upload of ${upload.key}`, upload.key, 'read', signal, async (client, more) => {
        try {
          await client.send(command, more)
        } catch (error) {
          // Completed or aborted by somebody else meanwhile: gone is what was wanted.
          if (s3Status(error) !== 404) throw error
        }
      })
    },
    async close() {
      session.markClosed()
      calls.close()
    },
  }
}
