import { createHttpProxy } from '@sluice-tools/proxies'
import type { HttpProxy } from '@sluice-tools/proxies'
import { createFileSink, layouts } from '@sluice/ingest-core'
import { describeObjectStore, describeSink, readLandedFiles } from '@sluice/ingest-core/conformance'
import { afterAll, beforeAll } from 'vitest'
import { createAdlsStore } from '../src/adls-store.ts'
import type { Azurite } from './azurite.ts'
import { never, startAzurite } from './azurite.ts'

let azurite: Azurite
const proxies: HttpProxy[] = []

beforeAll(async () => {
  azurite = await startAzurite()
}, 30 * 60_000)
afterAll(async () => {
  await Promise.all(proxies.map((proxy) => proxy.close()))
  await azurite.release()
})

/** A container; behind a proxy that loses the reply to the nth write when asked for. */
async function options(storage: string, loseReplyOf?: number) {
  const container = await azurite.container(storage)
  if (loseReplyOf === undefined) return { container, connectionString: azurite.connection() }
  const proxy = await createHttpProxy({ target: azurite.url })
  proxies.push(proxy)
  let writes = 0
  proxy.rule({
    // A put, or the commit of blocks; the probe of `open` does not count.
    when: ({ method, path }) =>
      method === 'PUT' && !path.includes('.sluice') && !path.includes('comp=block&') && (writes += 1) === loseReplyOf,
    fault: { kind: 'lose-reply' },
  })
  return { container, connectionString: azurite.connection(proxy.url) }
}

describeObjectStore('adls', {
  losesReplies: true,
  async make({ storage, pageSize, loseReplyOfPut }) {
    return createAdlsStore({ ...(await options(storage, loseReplyOfPut)), ...(pageSize !== undefined && { pageSize }) })
  },
})

describeObjectStore('adls in blocks', {
  losesReplies: true,
  async make({ storage, pageSize, loseReplyOfPut }) {
    const blocks = { blocksAbove: 1, blockBytes: 2 ** 20, ...(pageSize !== undefined && { pageSize }) }
    return createAdlsStore({ ...(await options(storage, loseReplyOfPut)), ...blocks })
  },
})

describeObjectStore('adls put in order', {
  async make({ storage, pageSize }) {
    const more = { hierarchical: true, ...(pageSize !== undefined && { pageSize }) }
    return createAdlsStore({ ...(await options(storage)), ...more })
  },
})

describeSink('adls files', {
  async make(context) {
    const store = createAdlsStore(await options(context.storage, context.loseReplyOfWrite))
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
    return readLandedFiles(await azurite.store(storage))
  },
})
