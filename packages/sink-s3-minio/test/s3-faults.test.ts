import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { createHttpProxy } from '@sluice-tools/proxies'
import type { HttpProxy, HttpRule } from '@sluice-tools/proxies'
import { auditChain, createFileSink, sha256Hex, sweepLeftovers } from '@sluice/ingest-core'
import type { CommitReceipt, ObjectStore } from '@sluice/ingest-core'
import {
  readLandedFiles,
  sinkTestContract,
  sinkTestPartition,
  testBatch,
  testRecords,
} from '@sluice/ingest-core/conformance'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { S3StoreOptions } from '../src/s3-options.ts'
import { createS3Store } from '../src/s3-store.ts'
import type { S3Store } from '../src/s3-store.ts'
import type { Minio } from './minio.ts'
import { never, startMinio } from './minio.ts'

/** RELIABILITY 2 D: what goes wrong between us and an object store, each with its number, on the real MinIO behind a proxy that breaks things. */
let minio: Minio
let proxy: HttpProxy
let tests = 0

beforeAll(async () => {
  minio = await startMinio()
  proxy = await createHttpProxy({ target: minio.endpoint, seed: 45 })
}, 30 * 60_000)
beforeEach(() => proxy.heal())
afterAll(async () => {
  await proxy.close()
  await minio.release()
})

const inParts = { multipartAbove: 1, partBytes: 5 * 2 ** 20 }
const large = Buffer.alloc(11 * 2 ** 20, 'sluice')
const fresh = () => `faults-${(tests += 1)}`

/** An open store behind the proxy; its requests so far are not in the way. */
async function behindProxy(name: string, more: Partial<S3StoreOptions> = {}): Promise<S3Store> {
  const store = createS3Store(minio.options(await minio.bucket(name), { endpoint: proxy.url, ...more }))
  await store.open(never)
  return store
}

const put = (store: ObjectStore, key: string, body: Uint8Array) =>
  store.putIfAbsent(key, body, sha256Hex(body), { rows: '1' }, never)

const s3Answer = (status: number, code: string, more = ''): HttpRule['fault'] => ({
  kind: 'answer',
  status,
  headers: { 'content-type': 'application/xml' },
  body: `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>as told</Message>${more}</Error>`,
})
const isPut: HttpRule['when'] = ({ method, path }) => method === 'PUT' && !path.includes('partNumber=')
const isPart: HttpRule['when'] = ({ method, path }) => method === 'PUT' && path.includes('partNumber=')
const isComplete: HttpRule['when'] = ({ method, path }) => method === 'POST' && /[?&]uploadId=/.test(path)

/** Lands the log in steps through a file sink, as a pipeline does. */
async function land(store: ObjectStore, log: ReturnType<typeof testRecords>, step: number): Promise<CommitReceipt[]> {
  const sink = createFileSink({
    store,
    sinkId: 'faults',
    owner: 'group',
    tables: [{ contract: sinkTestContract }],
    file: { format: 'jsonl' },
    retry: { firstMs: 1, maxMs: 20, deadlineMs: 60_000 },
  })
  const receipts: CommitReceipt[] = []
  const { next } = await sink.open(sinkTestPartition, () => Promise.resolve(0), never)
  for (let at = next; at < log.length; at += step) {
    await sink.write(testBatch(log, at, Math.min(log.length, at + step)), never)
    receipts.push((await sink.commit({ partition: sinkTestPartition, reason: 'time' }, never))!)
  }
  await sink.close()
  return receipts
}

async function expectAllLanded(store: ObjectStore, rows: number): Promise<void> {
  const { stored, late } = await readLandedFiles(store)
  expect([...stored, ...late].sort((a, b) => a - b)).toEqual(Array.from({ length: rows }, (_, i) => i))
  const audit = await auditChain(store, { sinkId: 'faults', deep: true })
  expect(audit.findings).toEqual([])
}

describe('faults of the store and the way to it', () => {
  it('fault 45: bursts of 500 and 503 are waited out; order and content hold', async () => {
    const store = await behindProxy(fresh())
    proxy.rule({ share: 0.3, fault: s3Answer(503, 'SlowDown') })
    proxy.rule({ share: 0.1, fault: s3Answer(500, 'InternalError') })
    const receipts = await land(store, testRecords('r'.repeat(40)), 4)
    expect(receipts.map(({ start, end }) => [start, end])).toEqual(
      Array.from({ length: 10 }, (_, i) => [i * 4, i * 4 + 4]),
    )
    expect(proxy.log.filter(({ fault }) => fault === 'answer').length).toBeGreaterThan(10)
    proxy.heal()
    await expectAllLanded(store, 40)
  })

  it('fault 45: parts are tried again by themselves, not the whole body', async () => {
    const store = await behindProxy(fresh(), inParts)
    proxy.rule({ when: isPart, times: 3, fault: s3Answer(503, 'SlowDown') })
    const before = proxy.log.length
    expect(await put(store, 'large', large)).toEqual({ outcome: 'created' })
    const seen = proxy.log.slice(before)
    expect(seen.filter(({ path }) => path.includes('uploads'))).toHaveLength(1)
    expect(seen.filter(({ path }) => path.includes('partNumber'))).toHaveLength(6)
  })

  it('fault 46: a trickling upload ends at its deadline, and the next attempt lands', async () => {
    const store = await behindProxy(fresh(), { requestMs: 400 })
    proxy.rule({ when: isPut, times: 1, fault: { kind: 'throttle', bytesPerSecond: 5_000 } })
    const body = Buffer.alloc(200_000, 'slow')
    await expect(put(store, 'slow', body)).rejects.toMatchObject({ code: 'STORE_UNKNOWN', key: 'slow' })
    expect(await put(store, 'slow', body)).toEqual({ outcome: 'created' })
  })

  it('fault 46: a silent store ends at the deadline, or when the caller says so', async () => {
    const store = await behindProxy(fresh(), { requestMs: 300 })
    proxy.rule({ fault: { kind: 'hang' } })
    await expect(store.head('x', never)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    const reason = new Error('enough')
    const stop = new AbortController()
    const waiting = store.get('x', stop.signal)
    stop.abort(reason)
    await expect(waiting).rejects.toBe(reason)
  })

  it('fault 47: the put happens, its reply is lost: the retry finds its own', async () => {
    const store = await behindProxy(fresh())
    proxy.rule({ when: isPut, times: 1, fault: { kind: 'lose-reply' } })
    await expect(put(store, 'a', Buffer.from('a'))).rejects.toMatchObject({ code: 'STORE_UNKNOWN' })
    expect(await put(store, 'a', Buffer.from('a'))).toMatchObject({
      outcome: 'exists',
      head: { sha256: sha256Hex(Buffer.from('a')) },
    })
  })

  it('fault 48: the completion happens, its reply is lost: the retry asks first and sends nothing again', async () => {
    const store = await behindProxy(fresh(), inParts)
    proxy.rule({ when: isComplete, times: 1, fault: { kind: 'lose-reply' } })
    const first = proxy.log.length
    await expect(put(store, 'large', large)).rejects.toMatchObject({ code: 'STORE_UNKNOWN' })
    // Nothing is cleaned up while nobody knows what happened.
    expect(proxy.log.slice(first).filter(({ method }) => method === 'DELETE')).toEqual([])
    const before = proxy.log.length
    expect(await put(store, 'large', large)).toMatchObject({ outcome: 'exists', head: { sha256: sha256Hex(large) } })
    expect(new Set(proxy.log.slice(before).map(({ method }) => method))).toEqual(new Set(['HEAD']))
  })

  it('fault 49: status 200 with an error inside is no success, whether it happened or not', async () => {
    const store = await behindProxy(fresh(), inParts)
    const { body } = s3Answer(200, 'InternalError') as { body: string }
    proxy.rule({ when: isComplete, times: 1, fault: { kind: 'replace-reply', body } })
    await expect(put(store, 'done', large)).rejects.toMatchObject({ code: 'STORE_UNKNOWN' })
    expect(await put(store, 'done', large)).toMatchObject({ outcome: 'exists', head: { sha256: sha256Hex(large) } })
    proxy.rule({ when: isComplete, times: 1, fault: s3Answer(200, 'InternalError') })
    await expect(put(store, 'not-done', large)).rejects.toMatchObject({ code: 'STORE_UNKNOWN' })
    expect(await put(store, 'not-done', large)).toEqual({ outcome: 'created' })
    const whole = await behindProxy(fresh())
    proxy.rule({ when: isPut, times: 1, fault: s3Answer(200, 'InternalError') })
    await expect(put(whole, 'whole', Buffer.from('w'))).rejects.toMatchObject({ code: 'STORE_UNKNOWN' })
    proxy.rule({ when: isPut, times: 1, fault: { kind: 'answer', status: 200 } })
    await expect(put(whole, 'whole', Buffer.from('w'))).rejects.toMatchObject({ code: 'STORE_UNKNOWN' })
    expect(await put(whole, 'whole', Buffer.from('w'))).toEqual({ outcome: 'created' })
  })

  it('fault 50: a body cut or changed on the way is refused by its checksum; nothing shows', async () => {
    for (const [how, more, when] of [
      ['whole', {}, isPut],
      ['parts', { ...inParts, partAttempts: 1 }, isPart],
    ] as const) {
      const store = await behindProxy(fresh(), more)
      // The length is signed, too: a cut body is refused for its signature already.
      for (const [fault, code] of [
        [{ kind: 'cut-request', bytes: 1_000 }, 'STORE_DENIED'],
        [{ kind: 'spoil-request' }, 'STORE_UNAVAILABLE'],
      ] as const) {
        proxy.rule({ when, times: 1, fault })
        const failed = put(store, 'torn', how === 'whole' ? large.subarray(0, 4_000) : large)
        await expect(failed, `${how} ${fault.kind}`).rejects.toMatchObject({ code })
        expect(await store.head('torn', never)).toBeUndefined()
      }
    }
  })

  it('fault 50: a completion changed on the way is no refusal of the store', async () => {
    const store = await behindProxy(fresh(), inParts)
    proxy.rule({ when: isComplete, times: 1, fault: { kind: 'spoil-request' } })
    await expect(put(store, 'torn', large)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    expect(await put(store, 'torn', large)).toEqual({ outcome: 'created' })
  })

  it('fault 50: a reply cut on the way is no body', async () => {
    const store = await behindProxy(fresh())
    await put(store, 'a', Buffer.from('0123456789'))
    proxy.rule({ when: ({ method }) => method === 'GET', times: 1, fault: { kind: 'cut-reply', bytes: 4 } })
    await expect(store.get('a', never)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    expect(Buffer.from(await store.get('a', never)).toString()).toBe('0123456789')
  })

  it('fault 51: a conflict with another request is tried again, with a new upload', async () => {
    const store = await behindProxy(fresh(), inParts)
    proxy.rule({ when: isComplete, times: 1, fault: s3Answer(409, 'ConditionalRequestConflict') })
    await expect(put(store, 'large', large)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    expect(await uploads(store)).toEqual([])
    expect(await put(store, 'large', large)).toEqual({ outcome: 'created' })
  })

  it('fault 52: other content under a planned name stops the partition; it is not overwritten, the evidence is kept', async () => {
    const log = testRecords('rrr')
    const model = await minio.store(fresh())
    await land(model, log, 3)
    const [key] = (await keys(model)).filter((each) => !each.includes('_ingest/'))
    const name = fresh()
    const bucket = await minio.bucket(name)
    await minio.client.send(new PutObjectCommand({ Bucket: bucket, Key: key!, Body: 'not ours' }))
    const store = await minio.store(name)
    await expect(land(store, log, 3)).rejects.toMatchObject({ code: 'CHAIN_DIVERGED' })
    const there = await minio.client.send(new GetObjectCommand({ Bucket: bucket, Key: key! }))
    expect(await there.Body!.transformToString()).toBe('not ours')
    expect((await keys(store)).filter((each) => each.includes('.diverged-'))).toHaveLength(1)
    expect((await store.head(key!, never))!.sha256).toBe(sha256Hex(Buffer.from('not ours')))
  })

  it('fault 53: a store that ignores the condition is refused at start, for whole bodies and for parts', async () => {
    const bucket = await minio.bucket(fresh())
    const store = () => createS3Store(minio.options(bucket, { endpoint: proxy.url }))
    const careless = { kind: 'answer', status: 200, headers: { etag: '"1"' } } as const
    const remove = proxy.rule({ when: isPut, fault: careless })
    await expect(store().open(never)).rejects.toMatchObject({
      code: 'STORE_UNSUPPORTED',
      message: /overwrote an object/,
    })
    remove()
    const completed = '<CompleteMultipartUploadResult><ETag>"1"</ETag></CompleteMultipartUploadResult>'
    proxy.rule({ when: isComplete, fault: { ...careless, body: completed } })
    await expect(store().open(never)).rejects.toMatchObject({ code: 'STORE_UNSUPPORTED', message: /upload in parts/ })
  })

  it('fault 54: a wrong key is denied, never taken for poison; expired credentials are asked for anew', async () => {
    const bucket = await minio.bucket(fresh())
    const wrong = createS3Store(
      minio.options(bucket, { credentials: { ...minio.credentials, secretAccessKey: 'guess' } }),
    )
    await expect(wrong.open(never)).rejects.toMatchObject({ code: 'STORE_DENIED', message: /secret key does not fit/ })
    let asked = 0
    const credentials = () => Promise.resolve(((asked += 1), minio.credentials))
    const store = createS3Store(minio.options(bucket, { endpoint: proxy.url, credentials }))
    await store.open(never)
    expect(asked).toBe(1)
    proxy.rule({ times: 1, fault: s3Answer(403, 'ExpiredToken') })
    await expect(put(store, 'a', Buffer.from('a'))).rejects.toMatchObject({ code: 'STORE_DENIED' })
    expect(await put(store, 'a', Buffer.from('a'))).toEqual({ outcome: 'created' })
    expect(asked).toBe(2)
  })

  it('fault 54: a clock that is wrong is named, with both times', async () => {
    const store = await behindProxy(fresh())
    const server = new Date(Date.now() - 3_600_000)
    const skewed = s3Answer(403, 'RequestTimeTooSkewed', `<ServerTime>${server.toISOString()}</ServerTime>`)
    proxy.rule({ times: 1, fault: skewed })
    await expect(put(store, 'a', Buffer.from('a'))).rejects.toMatchObject({
      code: 'STORE_DENIED',
      message: expect.stringMatching(/clock of this machine is 3(59\d|60\d) s ahead of that of the store/) as string,
    })
  })

  it('fault 55: no bucket, no quota, no space: waits with the reason, goes on when it is mended', async () => {
    const missing = createS3Store(minio.options('there-is-no-such-bucket'))
    await expect(missing.open(never)).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: /bucket does not exist/,
    })
    const store = await behindProxy(fresh())
    for (const fault of [s3Answer(403, 'XMinioAdminBucketQuotaExceeded'), s3Answer(507, 'XMinioStorageFull')]) {
      proxy.rule({ when: isPut, times: 1, fault })
      await expect(put(store, 'a', Buffer.from('a'))).rejects.toMatchObject({ code: 'STORE_FULL' })
    }
    proxy.rule({ when: isPut, times: 1, fault: s3Answer(403, 'AccessDenied') })
    await expect(put(store, 'a', Buffer.from('a'))).rejects.toMatchObject({ code: 'STORE_DENIED' })
    expect(await put(store, 'a', Buffer.from('a'))).toEqual({ outcome: 'created' })
  })

  it('fault 56: parts that are deleted under the upload begin it again; deleted objects are found by the audit', async () => {
    const name = fresh()
    const store = await behindProxy(name, inParts)
    const Bucket = await minio.bucket(name)
    let striking: Promise<unknown> | undefined
    proxy.rule({
      when: (request) => isPart(request) && request.path.includes('partNumber=2'),
      times: 1,
      fault: { kind: 'delay', ms: 300 },
      onStrike: ({ path }) => {
        const UploadId = new URL(path, proxy.url).searchParams.get('uploadId')!
        striking = minio.client.send(new AbortMultipartUploadCommand({ Bucket, Key: 'large', UploadId }))
      },
    })
    await expect(put(store, 'large', large)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    await striking
    expect(await put(store, 'large', large)).toEqual({ outcome: 'created' })

    const other = fresh()
    const lake = await minio.store(other)
    await land(lake, testRecords('rrrr'), 2)
    const [gone] = (await keys(lake)).filter((key) => !key.includes('_ingest/'))
    await minio.client.send(new DeleteObjectCommand({ Bucket: await minio.bucket(other), Key: gone! }))
    const audit = await auditChain(lake, { sinkId: 'faults' })
    expect(audit.ok).toBe(false)
    expect(audit.findings).toMatchObject([{ code: 'OBJECT_MISSING', key: gone }])
  })

  it('faults 4, 57: what a dead writer left between its parts is invisible; the janitor aborts it, and only it', async () => {
    const name = fresh()
    const store = await behindProxy(name, { ...inParts, partAttempts: 1, parallelParts: 1 })
    await land(await minio.store(name), testRecords('rr'), 2)
    const topic = sinkTestPartition.topic
    const [own, foreign] = [`t/${topic}+0+0-9.jsonl`, 'somebody/elses.bin']
    // Dies after part 1: neither the rest nor a farewell arrives.
    for (const key of [own, foreign]) {
      const remove = proxy.rule({
        when: ({ method, path }) => method === 'DELETE' || path.includes('partNumber=2'),
        fault: { kind: 'drop' },
      })
      await expect(put(store, key, large)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
      remove()
    }
    expect(await keys(store)).not.toContain(own)
    const sweep = (more: object) => sweepLeftovers(store, { sinkId: 'faults', ...more })
    expect(await sweep({ olderThanMs: 3_600_000 })).toMatchObject({ aborted: [] })
    const inAnHour = { clock: { now: () => Date.now() + 3_600_000, after: () => () => undefined } }
    expect(await sweep({ olderThanMs: 60_000, dryRun: true, ...inAnHour })).toMatchObject({ aborted: [{ key: own }] })
    expect((await uploads(store)).sort()).toEqual([foreign, own])
    const report = await sweep({ olderThanMs: 60_000, ...inAnHour })
    expect(report.aborted.map(({ key }) => key)).toEqual([own])
    expect(report.kept).toMatchObject([{ upload: { key: foreign }, why: 'foreign' }])
    expect(await uploads(store)).toEqual([foreign])
    expect(await put(store, own, large)).toEqual({ outcome: 'created' })
  })
})

async function keys(store: ObjectStore): Promise<string[]> {
  const all: string[] = []
  for await (const { key } of store.list('', never)) all.push(key)
  return all
}

async function uploads(store: S3Store): Promise<string[]> {
  const all: string[] = []
  for await (const { key } of store.listUploads('', never)) all.push(key)
  return all
}
