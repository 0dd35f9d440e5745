import { ContainerClient } from '@azure/storage-blob'
import { createHttpProxy } from '@sluice-tools/proxies'
import type { HttpProxy, HttpRule } from '@sluice-tools/proxies'
import { sha256Hex } from '@sluice/ingest-core'
import type { ObjectStore } from '@sluice/ingest-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { AdlsStoreOptions } from '../src/adls-options.ts'
import { createAdlsStore } from '../src/adls-store.ts'
import type { Azurite } from './azurite.ts'
import { never, startAzurite } from './azurite.ts'

/** RELIABILITY 2 D on the real Azurite behind a proxy that breaks things; what is the sink's part is tested with the S3 store. */
let azurite: Azurite
let proxy: HttpProxy
let tests = 0

beforeAll(async () => {
  azurite = await startAzurite()
  proxy = await createHttpProxy({ target: azurite.url, seed: 45 })
}, 10 * 60_000)
beforeEach(() => proxy.heal())
afterAll(async () => {
  await proxy.close()
  await azurite.release()
})

const large = Buffer.alloc(3 * 2 ** 20, 'sluice')
const inBlocks = { blocksAbove: 2 ** 20, blockBytes: 2 ** 20 }

async function behindProxy(more: Partial<AdlsStoreOptions> = {}): Promise<ObjectStore> {
  const container = await azurite.container(`faults-${(tests += 1)}`)
  const store = createAdlsStore({ container, connectionString: azurite.connection(proxy.url), ...more })
  await store.open(never)
  return store
}

const put = (store: ObjectStore, key: string, body: Uint8Array) =>
  store.putIfAbsent(key, body, sha256Hex(body), { rows: '1' }, never)

const azureAnswer = (status: number, code: string, headers: Record<string, string> = {}): HttpRule['fault'] => ({
  kind: 'answer',
  status,
  headers: { 'content-type': 'application/xml', 'x-ms-error-code': code, ...headers },
  body: `<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code><Message>as told</Message></Error>`,
})
const isPut: HttpRule['when'] = ({ method, path }) => method === 'PUT' && !path.includes('comp=')
const isBlock: HttpRule['when'] = ({ method, path }) => method === 'PUT' && /comp=block(&|$)/.test(path)
const isCommit: HttpRule['when'] = ({ method, path }) => method === 'PUT' && path.includes('comp=blocklist')

describe('faults of the store and the way to it', () => {
  it('fault 45: 503 and 500 say whether something may have been written; blocks are tried again by themselves', async () => {
    const store = await behindProxy(inBlocks)
    proxy.rule({ when: isPut, times: 1, fault: azureAnswer(503, 'ServerBusy') })
    await expect(put(store, 'a', Buffer.from('a'))).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    proxy.rule({ when: isPut, times: 1, fault: azureAnswer(500, 'InternalError') })
    await expect(put(store, 'a', Buffer.from('a'))).rejects.toMatchObject({ code: 'STORE_UNKNOWN' })
    proxy.rule({ when: isBlock, times: 2, fault: azureAnswer(503, 'ServerBusy') })
    const before = proxy.log.length
    expect(await put(store, 'large', large)).toEqual({ outcome: 'created' })
    expect(proxy.log.slice(before).filter(({ path }) => /comp=block(&|$)/.test(path))).toHaveLength(5)
  })

  it('fault 46: a trickling upload and a silent store end at the deadline', async () => {
    const store = await behindProxy({ requestMs: 400 })
    proxy.rule({ when: isPut, times: 1, fault: { kind: 'throttle', bytesPerSecond: 5_000 } })
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

  it('faults 47, 48: the write happens, its reply is lost: the retry finds its own, and sends nothing large again', async () => {
    const store = await behindProxy(inBlocks)
    proxy.rule({ when: isPut, times: 1, fault: { kind: 'lose-reply' } })
    await expect(put(store, 'small', Buffer.from('a'))).rejects.toMatchObject({ code: 'STORE_UNKNOWN' })
    const digest = sha256Hex(Buffer.from('a'))
    expect(await put(store, 'small', Buffer.from('a'))).toMatchObject({ outcome: 'exists', head: { sha256: digest } })
    proxy.rule({ when: isCommit, times: 1, fault: { kind: 'lose-reply' } })
    await expect(put(store, 'large', large)).rejects.toMatchObject({ code: 'STORE_UNKNOWN' })
    const before = proxy.log.length
    expect(await put(store, 'large', large)).toMatchObject({ outcome: 'exists', head: { sha256: sha256Hex(large) } })
    expect(new Set(proxy.log.slice(before).map(({ method }) => method))).toEqual(new Set(['HEAD']))
  })

  it('fault 49: a success that names nothing written is none', async () => {
    const store = await behindProxy()
    proxy.rule({ when: isPut, times: 1, fault: { kind: 'answer', status: 201 } })
    await expect(put(store, 'a', Buffer.from('a'))).rejects.toMatchObject({ code: 'STORE_UNKNOWN' })
    expect(await put(store, 'a', Buffer.from('a'))).toEqual({ outcome: 'created' })
  })

  it('fault 50: a body cut or changed on the way is refused by its checksum; a reply cut on the way is no body', async () => {
    const store = await behindProxy({ ...inBlocks, blockAttempts: 1 })
    for (const [when, body] of [
      [isPut, large.subarray(0, 9_000)],
      [isBlock, large],
    ] as const) {
      proxy.rule({ when, times: 1, fault: { kind: 'spoil-request' } })
      await expect(put(store, 'torn', body)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
      expect(await store.head('torn', never)).toBeUndefined()
    }
    await put(store, 'whole', Buffer.from('0123456789'))
    proxy.rule({ when: ({ method }) => method === 'GET', times: 1, fault: { kind: 'cut-reply', bytes: 4 } })
    await expect(store.get('whole', never)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    expect(Buffer.from(await store.get('whole', never)).toString()).toBe('0123456789')
  })

  it('fault 51: blocks that another writer’s commit removed are staged again, unless the key exists by then', async () => {
    const store = await behindProxy(inBlocks)
    proxy.rule({ when: isCommit, times: 1, fault: azureAnswer(400, 'InvalidBlockList') })
    await expect(put(store, 'large', large)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    expect(await put(store, 'large', large)).toEqual({ outcome: 'created' })
    // Two writers of different bodies at once: one creates, the other learns of it, and the bytes are one writer's, whole.
    const bodies = [Buffer.alloc(3 * 2 ** 20, 'one'), Buffer.alloc(3 * 2 ** 20, 'two')]
    for (let round = 0; round < 5; round++) {
      const key = `race-${round}`
      const puts = await Promise.allSettled(bodies.map((body) => put(store, key, body)))
      const outcomes = puts.map((end) => (end.status === 'fulfilled' ? end.value.outcome : 'failed'))
      expect(outcomes.filter((outcome) => outcome === 'created').length).toBeLessThanOrEqual(1)
      const settled = await Promise.all(bodies.map((body) => put(store, key, body)))
      const head = (await store.head(key, never))!
      expect(settled.every(({ outcome }) => outcome === 'exists') || outcomes.includes('failed')).toBe(true)
      expect(sha256Hex(await store.get(key, never))).toBe(head.sha256)
      expect(bodies.map(sha256Hex)).toContain(head.sha256)
    }
  })

  it('fault 52: a blob that is not ours is left as it is, and its digest is told', async () => {
    const store = await behindProxy(inBlocks)
    const container = await azurite.container(`faults-${tests}`)
    const client = new ContainerClient(azurite.connection(), container)
    await client.getBlockBlobClient('taken').upload('not ours', 8)
    for (const body of [Buffer.from('ours'), large]) {
      expect(await put(store, 'taken', body)).toMatchObject({
        outcome: 'exists',
        head: { bytes: 8, sha256: sha256Hex(Buffer.from('not ours')) },
      })
    }
  })

  it('fault 53: a store that ignores the condition is refused at start, for whole blobs and for blocks', async () => {
    const container = await azurite.container(`faults-${(tests += 1)}`)
    const store = () => createAdlsStore({ container, connectionString: azurite.connection(proxy.url) })
    const careless = { kind: 'answer', status: 201, headers: { etag: '"1"' } } as const
    const remove = proxy.rule({ when: isPut, fault: careless })
    await expect(store().open(never)).rejects.toMatchObject({ code: 'STORE_UNSUPPORTED' })
    remove()
    proxy.rule({ when: isCommit, fault: careless })
    await expect(store().open(never)).rejects.toMatchObject({ code: 'STORE_UNSUPPORTED' })
  })

  it('faults 54, 55: denied, a wrong clock, no container and no space wait with their reason', async () => {
    const wrong = azurite.connection().replace(/AccountKey=[^;]+/, 'AccountKey=Z3Vlc3M=')
    const container = await azurite.container('denied')
    const denied = createAdlsStore({ container, connectionString: wrong }).open(never)
    await expect(denied).rejects.toMatchObject({ code: 'STORE_DENIED', message: /check key, signature and roles/ })
    const missing = createAdlsStore({ container: 'no-such-container', connectionString: azurite.connection() })
    await expect(missing.open(never)).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: /container does not exist/,
    })
    const store = await behindProxy()
    const date = new Date(Date.now() - 3_600_000).toUTCString()
    proxy.rule({ when: isPut, times: 1, fault: azureAnswer(403, 'AuthenticationFailed', { date }) })
    await expect(put(store, 'a', Buffer.from('a'))).rejects.toMatchObject({
      code: 'STORE_DENIED',
      message: expect.stringMatching(/clock of this machine is 3(59\d|60\d) s ahead/) as string,
    })
    proxy.rule({ when: isPut, times: 1, fault: azureAnswer(507, 'InsufficientStorage') })
    await expect(put(store, 'a', Buffer.from('a'))).rejects.toMatchObject({ code: 'STORE_FULL' })
    expect(await put(store, 'a', Buffer.from('a'))).toEqual({ outcome: 'created' })
  })
})
