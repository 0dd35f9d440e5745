import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createLakeLetterFeed, createSchemaLedger, createSchemaResolver, StoreError } from '@sluice/ingest-core'
import type { ObjectStore, Source } from '@sluice/ingest-core'
import { createHttpRegistry } from '@sluice/schemas'
import { testServices } from '@sluice-tools/services'
import type { TestServices } from '@sluice-tools/services'
import { createDeadLetterRelay, createKafkaSource } from '../src/index.ts'
import type { KafkaSourceOptions, RelayOptions } from '../src/index.ts'
import { createKafkaJsSource } from '../src/kafkajs/index.ts'
import { eventually, openCluster } from './admin.ts'
import type { TestCluster } from './admin.ts'
import { contentOf, contractOn, eventValue, openLake, sinkId } from './lake.ts'
import type { TestLake } from './lake.ts'
import { never } from './reading.ts'
import { recordsOf } from './whole-topic.ts'

let services: TestServices
let brokers: string[]
let cluster: TestCluster
let names = 0
const run = `${process.pid}-${Date.now()}`

beforeAll(async () => {
  services = await testServices(['kafka'])
  brokers = services.env.KAFKA_BROKERS!.split(',')
  cluster = openCluster(brokers)
}, 300_000)

afterAll(async () => {
  await cluster.close()
  await services.release()
})

const drivers: Record<string, (options: KafkaSourceOptions) => Promise<Source>> = {
  kafka: createKafkaSource,
  kafkajs: (options) => createKafkaJsSource({ ...options, groupId: options.groupId! }),
}

/** Every tenth value is no event. Answers how many of each were written. */
async function produce(topic: string, partition: number, count: number): Promise<{ good: number; bad: number }> {
  const records = Array.from({ length: count }, (_, n) => ({
    partition,
    key: Buffer.from(`key-${n % 20}`),
    value: n % 10 === 3 ? Buffer.from(`not an event ${n}`) : eventValue(n),
    timestamp: Date.now(),
    headers: [['origin', Buffer.from('test')]] as const,
  }))
  await cluster.producer.send(topic, records)
  const bad = records.filter((_, n) => n % 10 === 3).length
  return { good: count - bad, bad }
}

async function withLake(partitions: number, body: (topic: string, lake: TestLake) => Promise<void>): Promise<void> {
  const topic = `pipeline.${run}.${(names += 1)}`
  await cluster.createTopic(topic, partitions)
  const lake = await openLake(contractOn(topic))
  try {
    await body(topic, lake)
  } finally {
    await lake.dispose()
    await cluster.deleteTopic(topic)
  }
}

for (const [driver, make] of Object.entries(drivers)) {
  describe(`pipeline, driver ${driver}`, () => {
    it('stores each record once while members come and go (faults 16, 17, 20)', async () => {
      await withLake(4, async (topic, lake) => {
        const open = (member: AbortController) =>
          make({ brokers, topics: [topic], groupId: `g-${topic}`, waitMs: 20 }).then((source) =>
            lake.pipeline(source, { signal: member.signal }).run({ until: 'aborted' }),
          )
        const written = { good: 0, bad: 0 }
        const write = async (): Promise<void> => {
          for (const partition of [0, 1, 2, 3]) {
            const { good, bad } = await produce(topic, partition, 200)
            written.good += good
            written.bad += bad
          }
        }
        const members = [new AbortController(), new AbortController(), new AbortController()]
        await write()
        const runs = [open(members[0]!)]
        await write()
        runs.push(open(members[1]!))
        await write()
        runs.push(open(members[2]!))
        await write()
        members[0]!.abort()
        await write()
        await runs[0]
        members[1]!.abort()
        await write()
        await eventually(async () => {
          const { rows, dead } = await contentOf(lake.store)
          expect([rows.length, dead.length]).toEqual([written.good, written.bad])
        }, 90_000)
        members[2]!.abort()
        await Promise.all(runs)
        const { rows, dead } = await contentOf(lake.store)
        expect(new Set([...rows, ...dead]).size).toBe(written.good + written.bad)
      })
    }, 180_000)

    it('does not start a partition nobody has a policy for (fault 24)', async () => {
      await withLake(1, async (topic, lake) => {
        await produce(topic, 0, 10)
        const source = await make({ brokers, topics: [topic], groupId: `g-${topic}`, waitMs: 20 })
        const summary = await lake.pipeline(source, { startPolicy: 'fail' }).run({ until: 'caught-up' })
        expect(summary.outcome).toBe('incomplete')
        expect(summary.partitions[0]!.error?.code).toBe('START_POLICY_NEEDED')
        expect((await contentOf(lake.store)).rows).toEqual([])
      })
    })

    it('stops at a gap when it starts again, and says which offsets are missing (fault 25)', async () => {
      await withLake(1, async (topic, lake) => {
        const open = () => make({ brokers, topics: [topic], groupId: `g-${topic}`, waitMs: 20 })
        await produce(topic, 0, 50)
        expect((await lake.pipeline(await open()).run({ until: 'caught-up' })).outcome).toBe('caught-up')
        await produce(topic, 0, 50)
        await cluster.deleteRecordsBefore(topic, 0, 80)
        const summary = await lake.pipeline(await open()).run({ until: 'caught-up' })
        expect(summary.outcome).toBe('incomplete')
        expect(summary.partitions[0]!.error).toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' })
        expect(summary.partitions[0]!.error!.message).toContain('offsets 50 to 79 are not in the log')
        expect((await contentOf(lake.store)).rows).toHaveLength(45)
      })
    })

    it('waits for a registry that is down, and dead-letters nothing for it (fault 39)', async () => {
      await withLake(1, async (topic, lake) => {
        await produce(topic, 0, 20)
        lake.registry.down = true
        const source = await make({ brokers, topics: [topic], groupId: `g-${topic}`, waitMs: 20 })
        const pipeline = lake.pipeline(source)
        const running = pipeline.run({ until: 'caught-up' })
        await eventually(async () => expect(pipeline.status().partitions[0]?.error?.code).toBe('REGISTRY_UNAVAILABLE'))
        expect(await contentOf(lake.store)).toEqual({ rows: [], dead: [] })
        lake.registry.down = false
        expect((await running).outcome).toBe('caught-up')
        const { rows, dead } = await contentOf(lake.store)
        expect([rows.length, dead.length]).toEqual([18, 2])
      })
    })
  })
}

describe('a registry that was restored', () => {
  it('stops the partition at an id that now has another schema, and goes on when it is as before (fault 43)', async () => {
    await withLake(1, async (topic, lake) => {
      const { subject, ...contract } = contractOn(topic)
      const schema = JSON.stringify(contract.schema)
      // Reads the same bytes without an error: only the fingerprint tells.
      const other = schema.replace('"user_id"', '"customer_id"').replace('"session_id"', '"user_id"')
      expect(other).not.toBe(schema)
      let serves = schema
      const server = createServer((request, response) => {
        response.setHeader('content-type', 'application/vnd.schemaregistry.v1+json')
        const uses = request.url?.startsWith('/schemas/ids/7/versions') === true
        response.end(JSON.stringify(uses ? [{ subject, version: 2 }] : { schema: serves }))
      })
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      const { port } = server.address() as AddressInfo
      /** One life of a process: nothing is remembered but what lies in the lake. */
      const life = async () => {
        await lake.renewWorkers()
        const registry = createHttpRegistry({ url: `http://127.0.0.1:${port}` })
        const ledger = createSchemaLedger({ store: lake.store, sinkId })
        const source = await createKafkaSource({ brokers, topics: [topic], waitMs: 20 })
        const pipeline = lake.pipeline(source, {}, createSchemaResolver({ registry, ledger }))
        const summary = await pipeline.run({ until: 'caught-up' })
        await registry.close()
        return summary
      }
      try {
        await produce(topic, 0, 20)
        expect((await life()).outcome).toBe('caught-up')
        const before = await contentOf(lake.store)
        expect(before.rows).toHaveLength(18)
        await produce(topic, 0, 20)
        serves = other
        const stopped = await life()
        expect(stopped.outcome).toBe('incomplete')
        expect(stopped.partitions[0]!.error?.code).toBe('REGISTRY_CORRUPT')
        expect(await contentOf(lake.store)).toEqual(before)
        serves = schema
        expect((await life()).outcome).toBe('caught-up')
        expect((await contentOf(lake.store)).rows).toHaveLength(36)
      } finally {
        server.close()
      }
    })
  })
})

describe('relay of dead letters', () => {
  async function withRelay(
    extra: Partial<RelayOptions>,
    body: (topic: string, dlq: string, lake: TestLake, options: RelayOptions) => Promise<void>,
  ): Promise<void> {
    await withLake(1, async (topic, lake) => {
      const dlq = `${topic}.dlq`
      const feed = createLakeLetterFeed({ store: lake.store, sinkId, consumer: 'relay' })
      const retry = { firstMs: 20, maxMs: 100 }
      await body(topic, dlq, lake, { brokers, topic: dlq, feed, retry, ...extra })
      await cluster.deleteTopic(dlq).catch(() => undefined) // one test never makes it
    })
  }

  const ingest = async (topic: string, lake: TestLake, relay: ReturnType<typeof createDeadLetterRelay>) => {
    const source = await createKafkaSource({ brokers, topics: [topic], groupId: `g-${topic}`, waitMs: 20 })
    return lake.pipeline(source, { onReceipt: relay.onReceipt }).run({ until: 'caught-up' })
  }

  it('hands on each decided letter with its headers, and a restart repeats none of those acknowledged', async () => {
    await withRelay({ connectHeaders: true }, async (topic, dlq, lake, options) => {
      await cluster.createTopic(dlq, 2)
      await produce(topic, 0, 100)
      const relay = createDeadLetterRelay(options)
      expect((await ingest(topic, lake, relay)).outcome).toBe('caught-up')
      expect(relay.counts).toEqual({ relayed: 10, claims: 0, loops: 0 })
      expect(await relay.catchUp()).toBe(0)
      await relay.close()
      const records = await recordsOf(brokers, dlq)
      expect(records).toHaveLength(10)
      expect(new Set(records.map(({ headers }) => headers['sluice.dlq.key'])).size).toBe(10)
      const one = records.find(({ headers }) => headers['sluice.dlq.offset'] === '13')!
      expect(one.value).toBe('not an event 13')
      expect(one.headers).toMatchObject({
        origin: 'test',
        'sluice.dlq.code': 'envelope_magic',
        'sluice.dlq.stage': 'envelope',
        'sluice.dlq.topic': topic,
        'sluice.dlq.hops': '1',
        '__connect.errors.topic': topic,
        '__connect.errors.offset': '13',
      })
    })
  })

  it('finishes at the next start what a stop left behind', async () => {
    await withRelay({}, async (topic, dlq, lake, options) => {
      await produce(topic, 0, 50)
      // Nobody relays during this run, as if the process ended between commit and relay.
      const source = await createKafkaSource({ brokers, topics: [topic], waitMs: 20 })
      await lake.pipeline(source).run({ until: 'caught-up' })
      await cluster.createTopic(dlq, 1)
      const relay = createDeadLetterRelay(options)
      expect(await relay.catchUp()).toBe(5)
      await relay.close()
      const again = createDeadLetterRelay(options)
      expect(await again.catchUp()).toBe(0)
      await again.close()
      expect(await recordsOf(brokers, dlq)).toHaveLength(5)
    })
  })

  it('does not advance while the topic is missing, raises the alarm, and goes on when it is there (fault 36)', async () => {
    const alarms: (string | null)[] = []
    const alarm = (error: Error | null): void => {
      alarms.push(error !== null && 'code' in error ? String(error.code) : null)
    }
    await withRelay({ alarm }, async (topic, dlq, lake, options) => {
      await produce(topic, 0, 50)
      const relay = createDeadLetterRelay(options)
      const running = ingest(topic, lake, relay)
      await eventually(async () => expect(alarms).toEqual(['KAFKA_TOPIC_UNKNOWN']))
      const groups = async () => cluster.admin.listConsumerGroupOffsets({ groups: [`g-${topic}`] })
      expect((await groups())[0]?.topics ?? []).toEqual([])
      await cluster.createTopic(dlq, 1)
      expect((await running).outcome).toBe('caught-up')
      expect(alarms).toEqual(['KAFKA_TOPIC_UNKNOWN', null])
      expect((await groups())[0]!.topics[0]!.partitions[0]!.committedOffset).toBe(50n)
      await relay.close()
      expect(await recordsOf(brokers, dlq)).toHaveLength(5)
    })
  })

  it('sends a claim check for what the topic does not take (fault 36, input 26)', async () => {
    await withRelay({}, async (topic, dlq, lake, options) => {
      await cluster.createTopic(dlq, 1, { 'max.message.bytes': '2000' })
      const value = Buffer.from('not an event '.padEnd(5000, '.'))
      await cluster.producer.send(topic, [{ partition: 0, key: null, value, timestamp: Date.now() }])
      const claimChecks = { store: lake.store, prefix: 'claims/' }
      const relay = createDeadLetterRelay({ ...options, codec: 'none', claimChecks })
      expect((await ingest(topic, lake, relay)).outcome).toBe('caught-up')
      await relay.close()
      expect(relay.counts).toEqual({ relayed: 1, claims: 1, loops: 0 })
      const [record] = await recordsOf(brokers, dlq)
      expect(record!.value).toBeNull()
      expect(record!.headers['sluice.dlq.claim.bytes']).toBe('5000')
      const body = await lake.store.get(record!.headers['sluice.dlq.claim.object']!, never)
      expect(Buffer.from(body).equals(value)).toBe(true)
    })
  })

  it('does not advance while the bucket is full, for letters or for claim checks, and loses none (fault 36)', async () => {
    const alarms: (string | null)[] = []
    const alarm = (error: Error | null): void => {
      alarms.push(error !== null && 'code' in error ? String(error.code) : null)
    }
    await withRelay({ alarm, maxBodyBytes: 1000 }, async (topic, dlq, lake, options) => {
      await cluster.createTopic(dlq, 1)
      const value = Buffer.from('not an event '.padEnd(5000, '.'))
      await cluster.producer.send(topic, [{ partition: 0, key: null, value, timestamp: Date.now() }])
      const full = new Set(['dead-letter-queue/', 'claims/'])
      const store: ObjectStore = {
        ...lake.store,
        putIfAbsent(key, ...rest) {
          if (![...full].some((folder) => key.startsWith(folder))) return lake.store.putIfAbsent(key, ...rest)
          return Promise.reject(new StoreError('STORE_FULL', 'quota exceeded', { store: 'test', key }))
        },
      }
      const claimChecks = { store, prefix: 'claims/' }
      const relay = createDeadLetterRelay({ ...options, claimChecks })
      const source = await createKafkaSource({ brokers, topics: [topic], groupId: `g-${topic}`, waitMs: 20 })
      const pipeline = lake.pipeline(source, { sink: lake.sinkOn(store), onReceipt: relay.onReceipt })
      const running = pipeline.run({ until: 'caught-up' })
      // First the letters of the sink itself have no room: nothing is decided, so nothing can be handed on.
      await eventually(async () => expect(pipeline.status().partitions[0]?.error?.code).toBe('STORE_FULL'))
      expect(await contentOf(lake.store)).toEqual({ rows: [], dead: [] })
      expect(relay.counts.relayed).toBe(0)
      full.delete('dead-letter-queue/')
      await eventually(async () => expect(alarms).toEqual(['STORE_FULL']))
      const groups = async () => cluster.admin.listConsumerGroupOffsets({ groups: [`g-${topic}`] })
      expect((await groups())[0]?.topics ?? []).toEqual([])
      full.clear()
      expect((await running).outcome).toBe('caught-up')
      expect(alarms).toEqual(['STORE_FULL', null])
      await relay.close()
      const [record] = await recordsOf(brokers, dlq)
      const body = await lake.store.get(record!.headers['sluice.dlq.claim.object']!, never)
      expect(Buffer.from(body).equals(value)).toBe(true)
      expect((await contentOf(lake.store)).dead).toEqual(['0:0'])
      expect((await groups())[0]!.topics[0]!.partitions[0]!.committedOffset).toBe(1n)
    })
  })

  it('stops letters that go in circles, and does not trust headers for who they are (input 31)', async () => {
    await withRelay({ maxHops: 2 }, async (topic, dlq, lake, options) => {
      await cluster.createTopic(dlq, 1)
      const sent = (hops: string) => ({
        partition: 0,
        key: null,
        value: Buffer.from(`round ${hops}`),
        timestamp: Date.now(),
        headers: [
          ['sluice.dlq.hops', Buffer.from(hops)],
          ['sluice.dlq.key', Buffer.from('spoofed')],
          ['__connect.errors.topic', Buffer.from('spoofed')],
        ] as const,
      })
      await cluster.producer.send(topic, ['0', '1', '2', '7', 'x'].map(sent))
      const relay = createDeadLetterRelay(options)
      await ingest(topic, lake, relay)
      await relay.close()
      expect(relay.counts).toEqual({ relayed: 3, claims: 0, loops: 2 })
      const records = await recordsOf(brokers, dlq)
      expect(records.map(({ value }) => value).sort()).toEqual(['round 0', 'round 1', 'round x'])
      for (const { headers } of records) {
        expect(headers['sluice.dlq.key']).toContain(encodeURIComponent('kafka-test'))
        expect(headers['__connect.errors.topic']).toBeUndefined()
      }
      expect(records.map(({ headers }) => headers['sluice.dlq.hops']).sort()).toEqual(['1', '1', '2'])
      expect((await contentOf(lake.store)).dead).toHaveLength(5)
    })
  })
})
