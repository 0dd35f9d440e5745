import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createDecodeService,
  createFileSink,
  createIngestWorkers,
  createLocalStore,
  createPipeline,
  createSchemaResolver,
} from '@sluice/ingest-core'
import type {
  IngestWorkers,
  ObjectStore,
  Pipeline,
  PipelineOptions,
  SchemaResolver,
  Sink,
  Source,
} from '@sluice/ingest-core'
import { createRowCodec, frame, getContract } from '@sluice/schemas'
import type { Contract, SchemaRegistry } from '@sluice/schemas'
import { never } from './reading.ts'

export const sinkId = 'kafka-test'
const schemaId = 7

/** UserEvent under a topic name of the test's own. */
export function contractOn(topic: string): Contract {
  return { ...getContract('ecommerce.UserEvent'), topic }
}

const newest = getContract('ecommerce.UserEvent')
const codec = createRowCodec(newest.schema)

export function eventValue(n: number): Uint8Array {
  const row = {
    event_id: `event-${n}`,
    user_id: `user-${n % 50}`,
    event_type: 'PAGE_VIEW',
    timestamp: BigInt(Date.now()),
    session_id: `s-${n % 9}`,
    ...{ product_id: null, product_name: null, price: n / 4, category: null, device_type: null, country: 'DE' },
  }
  return frame(schemaId, codec.encode(row))
}

export interface TestRegistry extends SchemaRegistry {
  down: boolean
}

export function testRegistry(): TestRegistry {
  return {
    down: false,
    getById(id) {
      if (this.down) {
        return Promise.reject(Object.assign(new Error('the registry is down'), { code: 'REGISTRY_UNAVAILABLE' }))
      }
      const known = { id, schema: newest.schema, subjects: [newest.subject] }
      return Promise.resolve(id === schemaId ? known : undefined)
    },
    register: () => Promise.resolve(schemaId),
    latest: () => Promise.resolve(undefined),
  }
}

export interface TestLake {
  readonly store: ObjectStore
  readonly registry: TestRegistry
  /** The sink that `pipeline` has unless it is given another one. */
  sinkOn(store: ObjectStore): Sink
  pipeline(source: Source, extra?: Partial<PipelineOptions>, schemas?: SchemaResolver): Pipeline
  /** Threads that remember nothing, as another process has. */
  renewWorkers(): Promise<void>
  dispose(): Promise<void>
}

/** `workerUrl` is another module for the threads that decode. */
export async function openLake(contract: Contract, workerUrl?: URL): Promise<TestLake> {
  const root = await mkdtemp(join(tmpdir(), 'sluice-kafka-'))
  const store = createLocalStore({ root, durable: false })
  await store.open(never)
  const contracts = [contract]
  const newWorkers = (): IngestWorkers =>
    createIngestWorkers({ contracts, size: 1, ...(workerUrl && { url: workerUrl }) })
  let workers = newWorkers()
  const registry = testRegistry()
  const sinkOn = (on: ObjectStore) =>
    createFileSink({
      store: on,
      sinkId,
      owner: 'tests',
      tables: [{ contract }],
      file: { format: 'jsonl' },
      host: workers.fileSets,
    })
  return {
    store,
    sinkOn,
    registry,
    pipeline: (source, extra = {}, schemas = createSchemaResolver({ registry, recheckMs: 1 })) =>
      createPipeline({
        source,
        sink: sinkOn(store),
        contracts,
        decoder: createDecodeService({
          workers,
          contracts,
          schemas,
        }),
        startPolicy: 'earliest',
        pollBytes: 20_000,
        backOff: { firstMs: 5, maxMs: 50 },
        rotation: { intervalMs: 200, idleMs: 200 },
        circuitBreaker: { maxShare: 1 },
        ...extra,
      }),
    async renewWorkers() {
      await workers.close()
      workers = newWorkers()
    },
    async dispose() {
      await workers.close()
      await store.close()
      await rm(root, { recursive: true, force: true })
    },
  }
}

export interface LakeContent {
  /** `partition:offset` of each row, sorted. */
  readonly rows: string[]
  /** `partition:offset` of each dead letter, sorted. */
  readonly dead: string[]
}

/** What lies in the lake, from the files alone. */
export async function contentOf(store: ObjectStore): Promise<LakeContent> {
  const rows: string[] = []
  const dead: string[] = []
  for await (const { key } of store.list('', never)) {
    if (!key.endsWith('.jsonl')) continue
    const text = new TextDecoder().decode(await store.get(key, never))
    for (const line of text.split('\n').slice(0, -1)) {
      const row = JSON.parse(line) as Record<string, unknown>
      if (key.startsWith('dead-letter-queue/')) dead.push(`${String(row['partition'])}:${String(row['offset'])}`)
      else rows.push(`${String(row['_partition'])}:${String(row['_offset'])}`)
    }
  }
  return { rows: rows.sort(), dead: dead.sort() }
}
