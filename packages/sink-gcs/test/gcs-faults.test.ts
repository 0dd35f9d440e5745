import { createHttpProxy } from '@sluice-tools/proxies'
import type { HttpProxy, HttpRule } from '@sluice-tools/proxies'
import { sha256Hex } from '@sluice/ingest-core'
import type { ObjectStore } from '@sluice/ingest-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { GcsStoreOptions } from '../src/gcs-options.ts'
import { createGcsStore } from '../src/gcs-store.ts'
import type { Emulator } from './emulator.ts'
import { never, startEmulator } from './emulator.ts'

/** RELIABILITY 2 D on the real emulator behind a proxy that breaks things; what is the sink's part is tested with the S3 store. */
let emulator: Emulator
let proxy: HttpProxy
let tests = 0

beforeAll(async () => {
  emulator = await startEmulator()
  proxy = await createHttpProxy({ target: emulator.endpoint, seed: 45 })
}, 30 * 60_000)
beforeEach(() => proxy.heal())
afterAll(async () => {
  await proxy.close()
  await emulator.release()
})

const large = Buffer.alloc(3 * 2 ** 20, 'sluice')
const resumable = { resumableAbove: 2 ** 20, chunkBytes: 2 ** 20 }

async function behindProxy(more: Partial<GcsStoreOptions> = {}): Promise<ObjectStore> {
  const bucket = await emulator.bucket(`faults-${(tests += 1)}`)
  const store = createGcsStore({ bucket, endpoint: proxy.url, projectId: 'test', ...more })
  await store.open(never)
  return store
}

const put = (store: ObjectStore, key: string, body: Uint8Array) =>
  store.putIfAbsent(key, body, sha256Hex(body), { rows: '1' }, never)

const googleAnswer = (status: number, reason: string): HttpRule['fault'] => ({
  kind: 'answer',
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ error: { code: status, message: 'as told', errors: [{ reason, message: 'as told' }] } }),
})
const isUpload: HttpRule['when'] = ({ method, path }) => method === 'POST' && path.includes('uploadType=multipart')
const isChunk: HttpRule['when'] = ({ method, path }) => method === 'PUT' && path.includes('upload_id=')
const isLastChunk: HttpRule['when'] = (request) =>
  isChunk(request) && !/\/\*$/.test(request.headers['content-range'] ?? '/*')

describe('faults of the store and the way to it', () => {
  it('fault 45: 503, 429 and 500 say whether something may have been written', async () => {
    const store = await behindProxy()
    for (const [status, reason, code] of [
      [503, 'backendError', 'STORE_UNAVAILABLE'],
      [429, 'rateLimitExceeded', 'STORE_UNAVAILABLE'],
      [403, 'userRateLimitExceeded', 'STORE_UNAVAILABLE'],
      [500, 'internalError', 'STORE_UNKNOWN'],
    ] as const) {
      proxy.rule({ when: isUpload, times: 1, fault: googleAnswer(status, reason) })
      await expect(put(store, 'a', Buffer.from('a')), reason).rejects.toMatchObject({ code })
      proxy.rule({ times: 1, fault: googleAnswer(status, reason) })
      await expect(store.head('a', never), reason).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    }
    expect(await put(store, 'a', Buffer.from('a'))).toEqual({ outcome: 'created' })
  })

  it('fault 46: a trickling upload and a silent store end at the deadline', async () => {
    const store = await behindProxy({ requestMs: 400 })
    proxy.rule({ when: isUpload, times: 1, fault: { kind: 'throttle', bytesPerSecond: 5_000 } })
    const body = Buffer.alloc(200_000, 'slow')
    await expect(put(store, 'slow', body)).rejects.toMatchObject({ code: 'STORE_UNKNOWN', key: 'slow' })
    expect(await put(store, 'slow', body)).toEqual({ outcome: 'created' })
    proxy.rule({ fault: { kind: 'hang' } })
    await expect(store.get('slow', never)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    const reason = new Error('enough')
    const stop = new AbortController()
    const waiting = store.head('slow', stop.signal)
    stop.abort(reason)
    await expect(waiting).rejects.toBe(reason)
  })

  it('faults 47, 48: the upload happens, its reply is lost: the retry finds its own, and sends nothing large again', async () => {
    const store = await behindProxy(resumable)
    proxy.rule({ when: isUpload, times: 1, fault: { kind: 'lose-reply' } })
    await expect(put(store, 'small', Buffer.from('a'))).rejects.toMatchObject({ code: 'STORE_UNKNOWN' })
    const digest = sha256Hex(Buffer.from('a'))
    expect(await put(store, 'small', Buffer.from('a'))).toMatchObject({ outcome: 'exists', head: { sha256: digest } })
    proxy.rule({ when: isLastChunk, times: 1, fault: { kind: 'lose-reply' } })
    await put(store, 'large', large).catch((error: unknown) => expect(error).toMatchObject({ code: 'STORE_UNKNOWN' }))
    const before = proxy.log.length
    expect(await put(store, 'large', large)).toMatchObject({ outcome: 'exists', head: { sha256: sha256Hex(large) } })
    expect(new Set(proxy.log.slice(before).map(({ method }) => method))).toEqual(new Set(['GET']))
  })

  it('fault 49: status 200 that names nothing written is no success', async () => {
    const store = await behindProxy()
    proxy.rule({ when: isUpload, times: 1, fault: { kind: 'answer', status: 200, body: '{}' } })
    await expect(put(store, 'a', Buffer.from('a'))).rejects.toMatchObject({ code: 'STORE_UNKNOWN' })
    expect(await put(store, 'a', Buffer.from('a'))).toEqual({ outcome: 'created' })
  })

  it('fault 50: a body changed on the way never stays under its name; a reply cut on the way is no body', async () => {
    const store = await behindProxy(resumable)
    proxy.rule({ when: isChunk, times: 1, fault: { kind: 'spoil-request' } })
    await expect(put(store, 'torn', large)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    expect(await store.head('torn', never)).toBeUndefined()
    await put(store, 'whole', Buffer.from('0123456789'))
    const isMedia: HttpRule['when'] = ({ method, path }) => method === 'GET' && path.includes('alt=media')
    proxy.rule({ when: isMedia, times: 1, fault: { kind: 'cut-reply', bytes: 4 } })
    await expect(store.get('whole', never)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    expect(Buffer.from(await store.get('whole', never)).toString()).toBe('0123456789')
  })

  it('fault 52: an object that is not ours is left as it is, and its digest is told', async () => {
    const bucket = await emulator.bucket(`faults-${tests + 1}`)
    await fetch(`${emulator.endpoint}/upload/storage/v1/b/${bucket}/o?uploadType=media&name=taken`, {
      method: 'POST',
      body: 'not ours',
    })
    const store = await behindProxy()
    for (const body of [Buffer.from('ours'), Buffer.alloc(9 * 2 ** 20)]) {
      expect(await put(store, 'taken', body)).toMatchObject({
        outcome: 'exists',
        head: { bytes: 8, sha256: sha256Hex(Buffer.from('not ours')) },
      })
    }
    expect(Buffer.from(await store.get('taken', never)).toString()).toBe('not ours')
  })

  it('fault 53: a store that ignores the condition is refused at start', async () => {
    const bucket = await emulator.bucket(`faults-${(tests += 1)}`)
    const store = createGcsStore({ bucket, endpoint: proxy.url, projectId: 'test' })
    // Without its condition the second upload of the probe overwrites the first.
    proxy.rule({ when: isUpload, fault: { kind: 'change-query', remove: 'ifGenerationMatch' } })
    await expect(store.open(never)).rejects.toMatchObject({ code: 'STORE_UNSUPPORTED' })
  })

  it('faults 54, 55: denied, no bucket and no quota wait with their reason', async () => {
    const missing = createGcsStore({
      bucket: 'there-is-no-such-bucket',
      endpoint: emulator.endpoint,
      projectId: 'test',
    })
    await expect(missing.open(never)).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: /bucket does not exist/,
    })
    const store = await behindProxy()
    for (const [status, reason, code] of [
      [401, 'authError', 'STORE_DENIED'],
      [403, 'forbidden', 'STORE_DENIED'],
      [403, 'quotaExceeded', 'STORE_FULL'],
    ] as const) {
      proxy.rule({ when: isUpload, times: 1, fault: googleAnswer(status, reason) })
      await expect(put(store, 'a', Buffer.from('a')), reason).rejects.toMatchObject({ code })
    }
    expect(await put(store, 'a', Buffer.from('a'))).toEqual({ outcome: 'created' })
  })
})
