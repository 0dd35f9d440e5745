import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createMemoryBucket, createMemorySource, createMemoryStore } from '@sluice/ingest-core'
import { contracts, SchemaError, type SchemaRegistry } from '@sluice/schemas'
import { runDoctor } from '@sluice/runtime'
import { afterEach, describe, expect, it } from 'vitest'
import { clockCheck, judgeRetention, lakeChecks, type LakeApp, type PartitionState } from '@sluice/app-kit'

const contract = contracts['ecommerce.UserEvent']

const partition = (more: Partial<PartitionState>): PartitionState => ({
  partition: { clusterId: 'c', topicId: 't', topic: 'events', partition: 2 },
  start: 0,
  end: 100,
  next: 100,
  flushes: 1,
  ...more,
})

describe('retention against lag', () => {
  it('is fine while nothing is lost and there is room', () => {
    expect(judgeRetention([partition({}), partition({ next: null })])).toMatchObject({
      outcome: 'ok',
      found: '2 partitions, 100 records to land, none lost to retention',
    })
    // Everything has landed: what retention takes is taken care of.
    expect(judgeRetention([partition({ start: 100 })]).outcome).toBe('ok')
  })
  it('fails when retention took what never landed, naming the range', () => {
    expect(judgeRetention([partition({ start: 40, next: 30 })])).toMatchObject({
      outcome: 'fail',
      found: expect.stringContaining('events[2] [30, 40)'),
    })
  })
  it('warns when retention is about to', () => {
    expect(judgeRetention([partition({ start: 40, next: 41 })]).outcome).toBe('warn')
  })
})

describe('checks of a lake', () => {
  const registry = (latest: SchemaRegistry['latest']): SchemaRegistry => ({
    getById: () => Promise.resolve(undefined),
    register: () => Promise.resolve(1),
    latest,
  })
  const appWith = (more: Partial<LakeApp> = {}): LakeApp => {
    const bucket = createMemoryBucket()
    return {
      contracts: [contract],
      sinkId: 'raw',
      owner: 'test',
      pipeline: { name: 'raw', version: '1' },
      ledger: 'none',
      files: { kind: 'cache', folder: 'none' },
      async openStore(signal) {
        const store = createMemoryStore({ bucket })
        await store.open(signal)
        return store
      },
      openSource: async () => createMemorySource({ topic: contract.topic }),
      openRegistry: () => ({
        registry: registry(() => Promise.resolve({ id: 1, version: 1, schema: contract.schema })),
        close: () => Promise.resolve(),
      }),
      ...more,
    }
  }
  const outcomes = async (app: LakeApp) => {
    const { lines } = await runDoctor(lakeChecks(app))
    return Object.fromEntries(lines.map(({ name, outcome }) => [name, outcome]))
  }

  it('are all fine, and leave nothing behind', async () => {
    const app = appWith()
    expect(await outcomes(app)).toEqual({
      'store: conditional writes': 'ok',
      'store: permissions': 'ok',
      registry: 'ok',
      'topics: retention against lag': 'ok',
    })
    const store = await app.openStore(new AbortController().signal)
    for await (const { key } of store.list('', new AbortController().signal)) throw new Error(`${key} was left behind`)
  })

  it('tell a store that cannot delete from one that is fine', async () => {
    const whole = appWith()
    const app = appWith({
      async openStore(signal) {
        const store = await whole.openStore(signal)
        return {
          ...store,
          delete: () => Promise.reject(Object.assign(new Error('not allowed'), { code: 'STORE_DENIED' })),
        }
      },
    })
    expect(await outcomes(app)).toMatchObject({ 'store: conditional writes': 'ok', 'store: permissions': 'fail' })
  })

  it('tell a registry that is away from one that is empty', async () => {
    const asking = (latest: SchemaRegistry['latest']) =>
      appWith({ openRegistry: () => ({ registry: registry(latest), close: () => Promise.resolve() }) })
    expect(await outcomes(asking(() => Promise.resolve(undefined)))).toMatchObject({ registry: 'warn' })
    const away = () => Promise.reject(new SchemaError('REGISTRY_UNAVAILABLE', 'away'))
    expect(await outcomes(asking(away))).toMatchObject({ registry: 'fail', 'store: permissions': 'ok' })
  })
})

describe('clocks', () => {
  let server: Server | undefined
  afterEach(() => void server?.close())
  const skewedBy = async (ms: number | undefined): Promise<string> => {
    server = createServer((_request, response) => {
      response.sendDate = false
      if (ms !== undefined) response.setHeader('date', new Date(Date.now() + ms).toUTCString())
      response.end()
    })
    await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve))
    const check = clockCheck('store', `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    return (await check.run(AbortSignal.timeout(10_000))).outcome
  }
  it.each([
    [0, 'ok'],
    [60_000, 'warn'],
    [-3_600_000, 'fail'],
    [undefined, 'warn'],
  ] as const)('a server %s ms ahead is %s', async (ms, outcome) => expect(await skewedBy(ms)).toBe(outcome))
})
