import { createHash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { Writable } from 'node:stream'
import { Storage } from '@google-cloud/storage'
import type { File, FileMetadata } from '@google-cloud/storage'
import {
  StoreError,
  checkDigest,
  checkObjectKey,
  clampRange,
  createStoreSession,
  maxKeyBytes,
} from '@sluice/ingest-core'
import type { ObjectHead, ObjectStore, PutOutcome } from '@sluice/ingest-core'
import { gcsError, gcsStatus } from './gcs-errors.ts'
import type { GcsOperation } from './gcs-errors.ts'
import { checkGcsOptions } from './gcs-options.ts'
import type { GcsSettings, GcsStoreOptions } from './gcs-options.ts'

/** Holds the probes of `open`; keys cannot begin with it and listings never show it. */
const ownFolder = '.sluice/'
const digestName = 'sha256'

/**
 * Objects in a bucket of Google Cloud Storage. Puts are create-only by `ifGenerationMatch=0`, in one request or, when large, by a resumable
 * upload, whose parts Google forgets by itself after a week. The store checks the MD5 of what it gets; the SHA-256 is metadata, so `head` tells
 * it. The client's own retries are off: the sink repeats.
 *
 * `open` refuses a bucket that does not honour the precondition (RELIABILITY fault 53).
 */
export function createGcsStore(options: GcsStoreOptions): ObjectStore {
  const settings = checkGcsOptions(options)
  const name = 'gcs'
  const session = createStoreSession(name)
  const bucket = makeClient(settings).bucket(settings.bucket)

  function checkKey(key: string): void {
    checkObjectKey(name, key)
    if (!key.startsWith(ownFolder)) return
    throw new StoreError('STORE_KEY_INVALID', `${name}: ${ownFolder} is the store's own`, { store: name, key })
  }

  /** One request, bounded in time; the client cannot be told to stop, so its answer is not waited for after the signal. */
  async function ask<T>(
    what: string,
    key: string | null,
    operation: GcsOperation,
    signal: AbortSignal,
    request: (bound: AbortSignal) => Promise<T>,
    requests = 1,
  ): Promise<T> {
    signal.throwIfAborted()
    const bound = AbortSignal.any([signal, AbortSignal.timeout(settings.requestMs * requests)])
    const aborted = Promise.withResolvers<never>()
    const stop = () => aborted.reject(bound.reason)
    bound.addEventListener('abort', stop, { once: true })
    try {
      return await Promise.race([request(bound), aborted.promise])
    } catch (error) {
      signal.throwIfAborted()
      throw gcsError(error, what, key, operation)
    } finally {
      bound.removeEventListener('abort', stop)
    }
  }

  /** False when the key exists. */
  async function putOnce(
    key: string,
    body: Uint8Array,
    digest: string,
    metadata: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<boolean> {
    checkDigest(name, key, body, digest)
    const resumable = body.length > settings.resumableAbove
    // A retry after a lost reply would send everything again to learn that it is there.
    if (resumable && (await headOf(key, signal)) !== undefined) return false
    const md5Hash = createHash('md5').update(body).digest('base64')
    const file = bucket.file(key)
    const requests = resumable ? 1 + Math.ceil(body.length / settings.chunkBytes) : 1
    const upload = async (bound: AbortSignal): Promise<boolean> => {
      const stream = file.createWriteStream({
        resumable,
        ...(resumable && { chunkSize: settings.chunkBytes }),
        validation: false,
        preconditionOpts: { ifGenerationMatch: 0 },
        metadata: {
          contentType: 'application/octet-stream',
          md5Hash,
          metadata: { ...ownNames(metadata), [digestName]: digest },
        },
      })
      try {
        await written(stream, body, bound)
      } catch (error) {
        if (gcsStatus(error) === 412) return false
        throw error
      }
      await verifyWritten(file, key, body, md5Hash, signal)
      return true
    }
    return ask(`putting ${key}`, key, 'upload', signal, upload, requests)
  }

  /** The answer to the upload names what the store has; anything else did not come from it, or is not what was sent. */
  async function verifyWritten(file: File, key: string, body: Uint8Array, md5Hash: string, signal: AbortSignal) {
    const stored = file.metadata
    if (stored.generation === undefined) {
      throw new StoreError('STORE_UNKNOWN', `${name}: putting ${key}: the reply does not name what was written`, {
        store: name,
        key,
      })
    }
    if (Number(stored.size) === body.length && stored.md5Hash === md5Hash) return
    // A store that does not check the MD5 has taken spoilt bytes (fault 50). They are ours, of this very generation, and nobody's yet.
    const generation = stored.generation
    await ask(`deleting ${key}`, key, 'delete', signal, () => file.delete({ ifGenerationMatch: Number(generation) }))
    const text = `${name}: putting ${key}: other bytes arrived than were sent; they were removed, and it is tried again`
    throw new StoreError('STORE_UNAVAILABLE', text, { store: name, key })
  }

  async function headOf(key: string, signal: AbortSignal): Promise<ObjectHead | undefined> {
    const found = await ask(`asking for ${key}`, key, 'read', signal, async () => {
      try {
        return (await bucket.file(key).getMetadata())[0]
      } catch (error) {
        if (gcsStatus(error) === 404) return undefined
        throw error
      }
    })
    if (found === undefined) return undefined
    const { [digestName]: sha256, ...rest } = found.metadata ?? {}
    const known = typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256) ? sha256 : undefined
    // An object that we did not write carries no digest of ours: its content is read once to tell.
    const digest =
      known ??
      createHash('sha256')
        .update(await read(key, signal))
        .digest('hex')
    return { key, bytes: Number(found.size), sha256: digest, metadata: theirNames(rest) }
  }

  async function read(key: string, signal: AbortSignal, range?: { start: number; end: number }): Promise<Uint8Array> {
    return ask(`reading ${key}`, key, 'read', signal, async (bound) => {
      const bounds = range && { start: range.start, end: range.end - 1 }
      const stream = bucket.file(key).createReadStream({ ...bounds, validation: false, decompress: false })
      const stop = () => stream.destroy()
      bound.addEventListener('abort', stop, { once: true })
      try {
        const chunks: Buffer[] = []
        for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk)
        return new Uint8Array(Buffer.concat(chunks))
      } catch (error) {
        if (gcsStatus(error) === 416) return new Uint8Array(0)
        throw error
      } finally {
        bound.removeEventListener('abort', stop)
      }
    })
  }

  /** Two create-only writes to one new key: the second must be refused. */
  async function probe(signal: AbortSignal): Promise<void> {
    const key = `${ownFolder}probe/${randomUUID()}`
    const put = (text: string) => {
      const body = Buffer.from(text)
      return putOnce(key, body, createHash('sha256').update(body).digest('hex'), {}, signal)
    }
    try {
      const created = [await put('first'), await put('second')]
      if (created[0] && !created[1]) return
      const what = created[0] ? 'overwrote an object' : 'refused a new key'
      const text = `${name}: bucket ${settings.bucket} ${what} although the write was create-only; exactly-once cannot hold here`
      throw new StoreError('STORE_UNSUPPORTED', text, { store: name })
    } finally {
      await remove(key, signal)
    }
  }

  async function remove(key: string, signal: AbortSignal): Promise<void> {
    await ask(`deleting ${key}`, key, 'delete', signal, () => bucket.file(key).delete({ ignoreNotFound: true }))
  }

  return {
    name,
    supports: Object.freeze({ createOnly: true, maxObjectBytes: 5 * 2 ** 40, maxKeyBytes }),
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
      if (range === undefined || range.start < range.end) return read(key, signal, range)
      if ((await headOf(key, signal)) !== undefined) return new Uint8Array(0)
      throw new StoreError('STORE_NOT_FOUND', `${name}: ${key} is not there`, { store: name, key })
    },
    async head(key, signal) {
      session.enter(signal)
      checkKey(key)
      return headOf(key, signal)
    },
    async *list(prefix, signal, after) {
      let pageToken: string | undefined
      do {
        session.enter(signal)
        const [files, next] = await ask(`listing ${prefix}`, null, 'read', signal, () =>
          bucket.getFiles({
            prefix,
            autoPaginate: false,
            maxResults: settings.pageSize,
            ...(after !== undefined && { startOffset: after }),
            ...(pageToken !== undefined && { pageToken }),
          }),
        )
        for (const { name: key, metadata } of files) {
          // `startOffset` is inclusive; an emulator may not know it at all.
          if (key.startsWith(ownFolder) || (after !== undefined && key <= after)) continue
          session.enter(signal)
          yield { key, bytes: Number(metadata.size) }
        }
        pageToken = (next as { pageToken?: string } | null)?.pageToken
      } while (pageToken !== undefined)
    },
    async delete(keys, signal) {
      session.enter(signal)
      for (const key of keys) checkKey(key)
      const queue = [...keys]
      const work = async () => {
        for (let key = queue.shift(); key !== undefined; key = queue.shift()) await remove(key, signal)
      }
      const workers = Array.from({ length: Math.min(settings.parallelDeletes, queue.length) }, work)
      const failed = (await Promise.allSettled(workers)).find((result) => result.status === 'rejected')
      if (failed !== undefined) throw failed.reason
    },
    async close() {
      session.markClosed()
    },
  }
}

/** The client without retries of its own: the sink repeats what may be repeated, and it must see every lost reply. */
function makeClient(settings: GcsSettings): Storage {
  if (settings.makeClient !== undefined) return settings.makeClient()
  return new Storage({
    ...(settings.projectId !== undefined && { projectId: settings.projectId }),
    ...(settings.endpoint !== undefined && { apiEndpoint: settings.endpoint }),
    ...(settings.keyFilename !== undefined && { keyFilename: settings.keyFilename }),
    retryOptions: { autoRetry: false, maxRetries: 0 },
  })
}

/** Writes the body and waits for the store's answer; the signal ends the request. */
async function written(stream: Writable, body: Uint8Array, signal: AbortSignal): Promise<void> {
  const stop = () => stream.destroy(signal.reason as Error)
  signal.addEventListener('abort', stop, { once: true })
  try {
    const finished = once(stream, 'finish')
    stream.end(Buffer.from(body.buffer, body.byteOffset, body.byteLength))
    await finished
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

/** The caller's own `sha256` must not take the place of ours. */
const ownNames = ({ [digestName]: sha256, ...rest }: Readonly<Record<string, string>>): Record<string, string> =>
  sha256 === undefined ? rest : { ...rest, [`own-${digestName}`]: sha256 }

function theirNames(stored: NonNullable<FileMetadata['metadata']>): Readonly<Record<string, string>> {
  const names = Object.entries(stored).map(([key, value]) => [
    key === `own-${digestName}` ? digestName : key,
    String(value),
  ])
  return Object.freeze(Object.fromEntries(names) as Record<string, string>)
}
