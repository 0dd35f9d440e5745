import { createHash, randomUUID } from 'node:crypto'
import type { BlobItem, BlockBlobClient } from '@azure/storage-blob'
import {
  StoreError,
  checkDigest,
  checkObjectKey,
  clampRange,
  createStoreSession,
  maxKeyBytes,
} from '@sluice/ingest-core'
import type { ObjectHead, ObjectStore, PutOutcome } from '@sluice/ingest-core'
import { adlsError, adlsStatus, isBodyMismatch, isTaken } from './adls-errors.ts'
import type { AdlsOperation } from './adls-errors.ts'
import { checkAdlsOptions, makeContainerClient } from './adls-options.ts'
import type { AdlsStoreOptions } from './adls-options.ts'
import { spoilt, stageBlocks } from './blocks.ts'
import { fromStored, toStored } from './object-metadata.ts'

/** Holds the probes of `open`; keys cannot begin with it and listings never show it. */
const ownFolder = '.sluice/'

/**
 * Objects as block blobs in a container of Azure Blob Storage or Data Lake Storage. Puts are create-only (`If-None-Match: *`), in one request
 * or, when large, as blocks whose commit carries the condition; the store checks the MD5 of what it gets; the SHA-256 is metadata, so `head`
 * tells it. The client's own retries are off: the sink repeats.
 *
 * `open` refuses a container that does not honour create-only, for whole blobs and for blocks (RELIABILITY fault 53).
 */
export function createAdlsStore(options: AdlsStoreOptions): ObjectStore {
  const settings = checkAdlsOptions(options)
  const name = 'adls'
  const session = createStoreSession(name)
  const container = makeContainerClient(settings)

  function checkKey(key: string): void {
    checkObjectKey(name, key)
    if (!key.startsWith(ownFolder)) return
    throw new StoreError('STORE_KEY_INVALID', `${name}: ${ownFolder} is the store's own`, { store: name, key })
  }

  /** One request, bounded in time. */
  async function ask<T>(
    what: string,
    key: string | null,
    operation: AdlsOperation,
    signal: AbortSignal,
    request: (more: { readonly abortSignal: AbortSignal }) => Promise<T>,
  ): Promise<T> {
    signal.throwIfAborted()
    try {
      return await request({ abortSignal: AbortSignal.any([signal, AbortSignal.timeout(settings.requestMs)]) })
    } catch (error) {
      signal.throwIfAborted()
      throw adlsError(error, what, key, operation)
    }
  }

  /** Runs the request that creates. False when the key exists. */
  async function create(
    key: string,
    signal: AbortSignal,
    request: (blob: BlockBlobClient, more: { abortSignal: AbortSignal }) => Promise<{ readonly etag?: string }>,
  ): Promise<boolean> {
    const what = `putting ${key}`
    return ask(what, key, 'write', signal, async (more) => {
      try {
        const { etag } = await request(container.getBlockBlobClient(key), more)
        if (etag !== undefined) return true
        const text = `${name}: ${what}: the reply does not name what was written`
        throw new StoreError('STORE_UNKNOWN', text, { store: name, key })
      } catch (error) {
        if (isTaken(error)) return false
        throw isBodyMismatch(error) ? spoilt(what, key, error) : error
      }
    })
  }

  async function putOnce(
    key: string,
    body: Uint8Array,
    digest: string,
    metadata: Readonly<Record<string, string>>,
    signal: AbortSignal,
    inBlocks = body.length > settings.blocksAbove,
  ): Promise<boolean> {
    checkDigest(name, key, body, digest)
    const more = {
      conditions: { ifNoneMatch: '*' },
      metadata: toStored(key, digest, metadata),
      blobHTTPHeaders: { blobContentType: 'application/octet-stream' },
    }
    if (!inBlocks) {
      const transactionalContentMD5 = createHash('md5').update(body).digest()
      return create(key, signal, (blob, bound) =>
        blob.upload(body, body.length, { ...more, ...bound, transactionalContentMD5 }),
      )
    }
    // A retry after a lost reply would send everything again to learn that it is there.
    if ((await headOf(key, signal)) !== undefined) return false
    const ids = await stageBlocks(container.getBlockBlobClient(key), settings, key, body, signal)
    try {
      return await create(key, signal, (blob, bound) => blob.commitBlockList(ids, { ...more, ...bound }))
    } catch (error) {
      // A writer that committed first has made Azure forget our blocks: that, too, means that the key exists.
      signal.throwIfAborted()
      if (error instanceof StoreError && error.code === 'STORE_UNAVAILABLE') {
        if ((await headOf(key, signal)) !== undefined) return false
      }
      throw error
    }
  }

  async function headOf(key: string, signal: AbortSignal): Promise<ObjectHead | undefined> {
    const found = await ask(`asking for ${key}`, key, 'read', signal, async (more) => {
      try {
        return await container.getBlobClient(key).getProperties(more)
      } catch (error) {
        if (adlsStatus(error) === 404) return undefined
        throw error
      }
    })
    if (found === undefined || found.metadata?.['hdi_isfolder'] === 'true') return undefined
    const { sha256, metadata } = fromStored(found.metadata)
    // A blob that we did not write carries no digest of ours: its content is read once to tell.
    const digest =
      sha256 ??
      createHash('sha256')
        .update(await read(key, signal))
        .digest('hex')
    return { key, bytes: found.contentLength ?? 0, sha256: digest, metadata }
  }

  async function read(key: string, signal: AbortSignal, range?: { start: number; end: number }): Promise<Uint8Array> {
    return ask(`reading ${key}`, key, 'read', signal, async (more) => {
      try {
        const count = range && range.end - range.start
        const blob = container.getBlobClient(key)
        const answer = await blob.download(range?.start ?? 0, count, { ...more, maxRetryRequests: 0 })
        const chunks: Buffer[] = []
        for await (const chunk of answer.readableStreamBody!) chunks.push(chunk as Buffer)
        const bytes = new Uint8Array(Buffer.concat(chunks))
        if (answer.contentLength === undefined || bytes.length === answer.contentLength) return bytes
        const text = `${name}: reading ${key}: ${bytes.length} of ${answer.contentLength} bytes came`
        throw new StoreError('STORE_UNAVAILABLE', text, { store: name, key })
      } catch (error) {
        if (adlsStatus(error) === 416) return new Uint8Array(0)
        throw error
      }
    })
  }

  /** Three create-only writes to one new key, the last in blocks: all but the first must be refused. */
  async function probe(signal: AbortSignal): Promise<void> {
    const key = `${ownFolder}probe/${randomUUID()}`
    const put = (text: string, inBlocks: boolean) => {
      const body = Buffer.from(text)
      return putOnce(key, body, createHash('sha256').update(body).digest('hex'), {}, signal, inBlocks)
    }
    try {
      const created = [await put('first', false), await put('second', false), await commitOver(key, signal)]
      if (created[0] && !created[1] && !created[2]) return
      const what = created[0] ? 'overwrote a blob' : 'refused a new key'
      const text = `${name}: container ${settings.container} ${what} although the write was create-only; exactly-once cannot hold here`
      throw new StoreError('STORE_UNSUPPORTED', text, { store: name })
    } finally {
      await remove(key, signal)
    }
  }

  /** Commits a block to a key that exists, which must be refused. `putOnce` would not try. */
  async function commitOver(key: string, signal: AbortSignal): Promise<boolean> {
    const ids = await stageBlocks(container.getBlockBlobClient(key), settings, key, Buffer.from('third'), signal)
    return create(key, signal, (blob, bound) =>
      blob.commitBlockList(ids, { ...bound, conditions: { ifNoneMatch: '*' } }),
    )
  }

  async function remove(key: string, signal: AbortSignal): Promise<void> {
    await ask(`deleting ${key}`, key, 'write', signal, (more) => container.getBlobClient(key).deleteIfExists(more))
  }

  async function* listFlat(prefix: string, signal: AbortSignal): AsyncGenerator<{ key: string; bytes: number }> {
    const pages = container
      .listBlobsFlat({ prefix, includeMetadata: settings.hierarchical, abortSignal: signal })
      .byPage({ maxPageSize: settings.pageSize })
    for (;;) {
      session.enter(signal)
      const page = await ask(`listing ${prefix}`, null, 'read', signal, () => pages.next())
      if (page.done === true) return
      for (const { name: key, properties, metadata } of (page.value as { segment: { blobItems: BlobItem[] } }).segment
        .blobItems) {
        if (!key.startsWith(ownFolder) && metadata?.['hdi_isfolder'] !== 'true')
          yield { key, bytes: properties.contentLength ?? 0 }
      }
    }
  }

  return {
    name,
    supports: Object.freeze({ createOnly: true, maxObjectBytes: settings.blockBytes * 50_000, maxKeyBytes }),
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
      // Azure cannot be asked to begin behind a key: pages before it are read and passed over.
      const behind = (key: string) => after === undefined || key > after
      if (!settings.hierarchical) {
        for await (const each of listFlat(prefix, signal)) {
          if (!behind(each.key)) continue
          session.enter(signal)
          yield each
        }
        return
      }
      const all = []
      for await (const each of listFlat(prefix, signal)) if (behind(each.key)) all.push(each)
      for (const each of all.sort((a, b) => (a.key < b.key ? -1 : 1))) {
        session.enter(signal)
        yield each
      }
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
