import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createDecodeService,
  createFileSink,
  createIngestWorkers,
  createPipeline,
  createSchemaResolver,
  createSegmentLogSource,
  layouts,
  listCommittedFiles,
  openSegmentLog,
} from '@sluice/ingest-core'
import type { LayoutPatterns, LogRecord } from '@sluice/ingest-core'
import { createFileRegistry, createRowCodec, frame, getContract } from '@sluice/schemas'
import type { Contract } from '@sluice/schemas'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Minio } from './minio.ts'
import { startMinio } from './minio.ts'

/** The layouts of the domains, from the log through the pipeline to keys in a real bucket. */
let minio: Minio
let root: string

beforeAll(async () => {
  minio = await startMinio()
  root = await mkdtemp(join(tmpdir(), 'sluice-layouts-'))
}, 30 * 60_000)
afterAll(async () => {
  await rm(root, { recursive: true })
  await minio.release()
})

const noon = Date.UTC(2026, 10, 21, 12, 30)
const day = 24 * 3_600_000
const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value))

/** Lands one value per row, in this order; gives the keys of data files, and those of late and dead ones. */
async function landed(contract: Contract, layout: LayoutPatterns, values: readonly Uint8Array[]): Promise<string[]> {
  const folder = join(root, contract.table)
  const registry = createFileRegistry(join(folder, 'registry'))
  const id = contract.format === 'avro' ? await registry.register(contract.subject, contract.schema) : 0
  const records = values.map((value): LogRecord => ({
    key: null,
    value: contract.format === 'avro' ? frame(id, value) : value,
    timestamp: noon,
  }))
  const log = await openSegmentLog({ root: join(folder, 'log') })
  await log.createTopic(contract.topic, { partitions: 1 })
  await log.append(contract.topic, 0, records)
  await log.close()
  const store = await minio.store(contract.table.replaceAll('_', '-'))
  const workers = createIngestWorkers({ contracts: [contract] })
  try {
    const summary = await createPipeline({
      source: await createSegmentLogSource({ root: join(folder, 'log'), follow: false }),
      sink: createFileSink({
        store,
        sinkId: 'lake',
        owner: 'test',
        tables: [{ contract }],
        layout,
        host: workers.fileSets,
      }),
      decoder: createDecodeService({ workers, contracts: [contract], schemas: createSchemaResolver({ registry }) }),
      contracts: [contract],
      startPolicy: 'earliest',
    }).run({ until: 'caught-up' })
    expect(summary.outcome).toBe('caught-up')
  } finally {
    await workers.close()
  }
  const files = await listCommittedFiles(store, { sinkId: 'lake' })
  for (const { key, bytes } of files) {
    expect(await store.head(key, AbortSignal.timeout(10_000))).toMatchObject({
      bytes,
      metadata: { rows: expect.any(String) as string },
    })
  }
  await store.close()
  return files.map(({ key }) => key)
}

describe('layouts on a real store', () => {
  it('pharma: raw/<topic>/batch_id=…/date=…/hour=…', async () => {
    const contract = getContract('pharma.BatchStatus')
    const codec = createRowCodec(contract.schema)
    const row = (batch: string, at: number) =>
      codec.encode({
        batch_id: batch,
        product_id: 'PROD-500MG',
        status: 'IN_PROGRESS',
        equipment_id: 'EQUIP-001',
        batch_size: 100,
        start_time: BigInt(at),
        end_time: null,
        operator_id: 'OP-101',
        event_timestamp: BigInt(at),
      })
    const values = [row('BATCH-20261121-0001', noon), row('BATCH-20261121-0002', noon + 3_600_000)]
    expect(await landed(contract, layouts.raw, values)).toEqual([
      'raw/pharma.batch_status/batch_id=BATCH-20261121-0001/date=2026-11-21/hour=12/pharma.batch_status+0+0-2.parquet',
      'raw/pharma.batch_status/batch_id=BATCH-20261121-0002/date=2026-11-21/hour=13/pharma.batch_status+0+0-2.parquet',
    ])
  })

  it('e-commerce: events/raw by event_date and event_hour; what is late and what is dead beside it', async () => {
    const contract = getContract('ecommerce.UserEvent')
    const codec = createRowCodec(contract.schema)
    const optional = { product_id: null, product_name: null, price: null, category: null, device_type: null }
    const row = (at: number, country = 'DE') => {
      const event = { event_id: `e-${at}`, user_id: 'u', event_type: 'SEARCH', timestamp: BigInt(at), session_id: 's' }
      return codec.encode({ ...event, ...optional, country })
    }
    const layout = { ...layouts.lake, data: 'events/raw/{partitions}/', late: 'events/late/{partitions}/' }
    const values = [row(noon), row(noon + 1), row(noon - day), row(noon, 'XX')]
    const keys = await landed(contract, layout, values)
    expect(keys.map((key) => key.replace(/date=\d{4}-\d\d-\d\d\/ecommerce/, 'date=today/ecommerce'))).toEqual([
      'dead-letter-queue/ecommerce-events/date=today/ecommerce-events+0+0-4.jsonl',
      'events/late/event_date=2026-11-20/event_hour=12/ecommerce-events+0+0-4.parquet',
      'events/raw/event_date=2026-11-21/event_hour=12/ecommerce-events+0+0-4.parquet',
    ])
  })

  it('analytics: by date and event_type', async () => {
    const contract = getContract('analytics.AnalyticsEvent')
    const event = (type: string, payload: object) =>
      json({
        schema_version: 'v1',
        event_type: type,
        event_id: `e-${type}`,
        idempotency_key: `k-${type}`,
        user_id: 'u',
        device: { type: 'mobile' },
        occurred_at: new Date(noon).toISOString(),
        produced_at: new Date(noon).toISOString(),
        payload,
      })
    const values = [event('page_view', { url: '/' }), event('user_signup', { plan: 'free' })]
    expect(await landed(contract, layouts.lake, values)).toEqual([
      'events/date=2026-11-21/event_type=page_view/events_raw+0+0-2.parquet',
      'events/date=2026-11-21/event_type=user_signup/events_raw+0+0-2.parquet',
    ])
  })

  it('telco: year/month/day/hour', async () => {
    const contract = getContract('telco.Customer')
    const customer = (id: string, at: number) => json({ customer_id: id, updated_at: new Date(at).toISOString() })
    const values = [customer('c-1', noon), customer('c-2', Date.UTC(2026, 10, 22, 0))]
    expect(await landed(contract, layouts.lake, values)).toEqual([
      'customers/year=2026/month=11/day=21/hour=12/telco.customers+0+0-2.parquet',
      'customers/year=2026/month=11/day=22/hour=00/telco.customers+0+0-2.parquet',
    ])
  })
})
