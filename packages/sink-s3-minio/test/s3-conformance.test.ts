import { createHttpProxy } from '@sluice-tools/proxies'
import type { HttpProxy } from '@sluice-tools/proxies'
import { createFileSink, layouts } from '@sluice/ingest-core'
import { describeObjectStore, describeSink, readLandedFiles } from '@sluice/ingest-core/conformance'
import { afterAll, beforeAll } from 'vitest'
import { createS3Store } from '../src/s3-store.ts'
import type { Minio } from './minio.ts'
import { never, startMinio } from './minio.ts'

let minio: Minio
const proxies: HttpProxy[] = []

beforeAll(async () => {
  minio = await startMinio()
}, 30 * 60_000)
afterAll(async () => {
  await Promise.all(proxies.map((proxy) => proxy.close()))
  await minio.release()
})

/** Address of the store; one behind which the reply to the nth write is lost when asked for. */
async function endpoint(loseReplyOf: number | undefined): Promise<string> {
  if (loseReplyOf === undefined) return minio.endpoint
  const proxy = await createHttpProxy({ target: minio.endpoint })
  proxies.push(proxy)
  let writes = 0
  proxy.rule({
    // A put, or what completes one in parts; the probe of `open` comes before and does not count.
    when: ({ method, path }) =>
      !path.includes('.sluice') &&
      ((method === 'PUT' && !path.includes('partNumber=')) || (method === 'POST' && /[?&]uploadId=/.test(path))) &&
      (writes += 1) === loseReplyOf,
    fault: { kind: 'lose-reply' },
  })
  return proxy.url
}

describeObjectStore('s3', {
  losesReplies: true,
  async make({ storage, pageSize, loseReplyOfPut }) {
    const bucket = await minio.bucket(storage)
    const at = await endpoint(loseReplyOfPut)
    return createS3Store(minio.options(bucket, { endpoint: at, ...(pageSize !== undefined && { pageSize }) }))
  },
})

describeObjectStore('s3 in parts', {
  losesReplies: true,
  largeBytes: 12 * 2 ** 20,
  async make({ storage, pageSize, loseReplyOfPut }) {
    const bucket = await minio.bucket(storage)
    const at = await endpoint(loseReplyOfPut)
    const parts = { multipartAbove: 1, partBytes: 5 * 2 ** 20 }
    return createS3Store(minio.options(bucket, { endpoint: at, ...parts, ...(pageSize !== undefined && { pageSize }) }))
  },
})

describeSink('s3 files', {
  async make(context) {
    const at = await endpoint(context.loseReplyOfWrite)
    const store = createS3Store(minio.options(await minio.bucket(context.storage), { endpoint: at }))
    await store.open(never)
    return createFileSink({
      store,
      sinkId: 'suite',
      owner: 'group',
      tables: [{ contract: context.contract }],
      file: { format: 'jsonl' },
      retry: { firstMs: 1, maxMs: 2 },
      ...(context.settings === 'changed' && { layout: layouts.hourly, maxOpenFiles: 1 }),
    })
  },
  async readBack(storage) {
    return readLandedFiles(await minio.store(storage))
  },
})
