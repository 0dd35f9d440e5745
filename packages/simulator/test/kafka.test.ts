import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { Admin } from '@platformatic/kafka'
import { findFeed, type LedgerEntry, readLedger } from '@sluice/generators'
import { createFileRegistry } from '@sluice/schemas'
import { executeRun, planRun, runConfig, type RunResult } from '@sluice/simulator'
import { createKafkaSource } from '@sluice/source-kafka'
import { testServices, type TestServices } from '@sluice-tools/services'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { maxRecordBytes } from './support/feed-log.ts'
import { landAndCompare } from './support/land-feeds.ts'

let services: TestServices
let brokers: string
let folder: string
const topics = ['ecommerce-events', 'telco.customers', 'bakery.promotions']

/** The feeds' topics have fixed names, and the broker is that of all tests. */
async function deleteTopics(): Promise<void> {
  const admin = new Admin({ clientId: 'simulator-tests', bootstrapBrokers: brokers.split(',') })
  const known = await admin.listTopics()
  const mine = topics.filter((topic) => known.includes(topic))
  if (mine.length > 0) await admin.deleteTopics({ topics: mine })
  await admin.close()
}

beforeAll(async () => {
  services = await testServices(['kafka'])
  brokers = services.env['KAFKA_BROKERS']!
  folder = await mkdtemp(join(tmpdir(), 'sluice-simulator-kafka-'))
  await deleteTopics()
}, 300_000)

afterAll(async () => {
  await deleteTopics()
  await services.release()
  await rm(folder, { recursive: true, force: true })
})

const run = (words: readonly string[], options: Record<string, unknown>): Promise<RunResult> =>
  executeRun(planRun(words, runConfig.parse({ to: [`kafka://${brokers}`], partitions: 2, ...options })), {
    stdout: new PassThrough(),
    signal: new AbortController().signal,
  })

describe('kafka://', () => {
  it('has what the ledger says: Avro and JSON, keyed, with registered schemas, tombstones, headers and every fault', async () => {
    const ledgerFile = join(folder, 'ledger.jsonl')
    const registry = join(folder, 'registry')
    const faults =
      'bad=10%,duplicate=3%,late=5%,too_late=3%,tombstone=2%,oversized=1%,schema_header=2%,foreign_schema_id=2%'
    const options = { faults, maxRecordBytes, ledger: ledgerFile, registry, seed: 'broker' }
    await run(['ecommerce', 'telco'], { ...options, count: 4000 })
    await run(['ecommerce', 'telco'], { ...options, count: 2000, continue: true })
    const ledger: LedgerEntry[] = []
    for await (const entry of readLedger(ledgerFile)) ledger.push(entry)
    expect(ledger).toHaveLength(6000)
    for (const fault of ['tombstone', 'oversized', 'schema_header', 'duplicate', 'too_late']) {
      expect(ledger.some((entry) => entry.fault === fault)).toBe(true)
    }

    const contracts = topics.slice(0, 2).map((topic) => findFeed(topic).feed.contract)
    const source = await createKafkaSource({ brokers: brokers.split(','), topics: topics.slice(0, 2), waitMs: 20 })
    const feedLog = { log: '', registry: createFileRegistry(registry), ledger }
    const { diff } = await landAndCompare(feedLog, { contracts, source })
    expect(diff).toEqual({ compared: 6000, pending: 0, differences: [] })
  })

  it('refuses another number of partitions, and a ledger that does not know what is there', async () => {
    await run(['bakery.promotions'], { count: 10 })
    await expect(run(['bakery.promotions'], { count: 10, partitions: 3 })).rejects.toMatchObject({
      code: 'PARTITIONS_DIFFER',
    })
    const ledger = join(folder, 'other.jsonl')
    await expect(run(['bakery.promotions'], { count: 10, ledger })).rejects.toMatchObject({ code: 'LEDGER_BEHIND' })
  })

  it('says what is wrong with a broker that is not there, or options that do not fit', async () => {
    await expect(run(['telco'], { count: 1, to: ['kafka://127.0.0.1:1'] })).rejects.toMatchObject({
      code: 'KAFKA_UNAVAILABLE',
    })
    await expect(run(['telco'], { count: 1, kafka: { username: 'me' } })).rejects.toMatchObject({
      code: 'TARGET_INVALID',
    })
  })
})
