import { createHttpProxy } from '@sluice-tools/proxies'
import type { HttpProxy } from '@sluice-tools/proxies'
import { createFileSink, layouts } from '@sluice/ingest-core'
import { describeObjectStore, describeSink, readLandedFiles } from '@sluice/ingest-core/conformance'
import { afterAll, beforeAll } from 'vitest'
import { createGcsStore } from '../src/gcs-store.ts'
import type { Emulator } from './emulator.ts'
import { never, startEmulator } from './emulator.ts'

let emulator: Emulator
const proxies: HttpProxy[] = []

beforeAll(async () => {
  emulator = await startEmulator()
}, 30 * 60_000)
afterAll(async () => {
  await Promise.all(proxies.map((proxy) => proxy.close()))
  await emulator.release()
})

/** Address of the store; one behind which the reply to the nth upload is lost when asked for. */
async function endpoint(loseReplyOf: number | undefined): Promise<string> {
  if (loseReplyOf === undefined) return emulator.endpoint
  const proxy = await createHttpProxy({ target: emulator.endpoint })
  proxies.push(proxy)
  let writes = 0
  proxy.rule({
    // An upload in one request, or the last request of a resumable one; the two of the probe of `open` come first and do not count.
    when: ({ method, path, headers }) => {
      const whole = method === 'POST' && path.includes('uploadType=multipart')
      const last = method === 'PUT' && path.includes('upload_id=') && !/\/\*$/.test(headers['content-range'] ?? '')
      return (whole || last) && (writes += 1) === loseReplyOf + 2
    },
    fault: { kind: 'lose-reply' },
  })
  return proxy.url
}

const options = async (storage: string, loseReplyOf?: number) => ({
  bucket: await emulator.bucket(storage),
  endpoint: await endpoint(loseReplyOf),
  projectId: 'test',
})

describeObjectStore('gcs', {
  losesReplies: true,
  async make({ storage, pageSize, loseReplyOfPut }) {
    return createGcsStore({ ...(await options(storage, loseReplyOfPut)), ...(pageSize !== undefined && { pageSize }) })
  },
})

describeObjectStore('gcs resumable', {
  losesReplies: false,
  async make({ storage, pageSize }) {
    const resumable = { resumableAbove: 1, chunkBytes: 4 * 2 ** 20 }
    return createGcsStore({ ...(await options(storage)), ...resumable, ...(pageSize !== undefined && { pageSize }) })
  },
})

describeSink('gcs files', {
  async make(context) {
    const store = createGcsStore(await options(context.storage, context.loseReplyOfWrite))
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
    return readLandedFiles(await emulator.store(storage))
  },
})
