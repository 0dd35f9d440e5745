import { FindCoordinatorKeyTypes } from '@platformatic/kafka'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Source } from '@sluice/ingest-core'
import { createKafkaProducer, createKafkaSource } from '../src/index.ts'
import type { KafkaSourceOptions } from '../src/index.ts'
import { createKafkaJsSource } from '../src/kafkajs/index.ts'
import { batchOf, eventually, openCluster } from './admin.ts'
import type { TestCluster } from './admin.ts'
import { followAll } from './following.ts'
import { contentOf, contractOn, eventValue, openLake } from './lake.ts'
import { assigned, pollError, readTo } from './reading.ts'
import { blockMs, sessionMs, slowWorkerUrl } from './slow-decoding.ts'
import { startTwoBrokers, type BrokerId, type TwoBrokers } from './two-brokers.ts'

let two: TwoBrokers
let brokers: string[]
let cluster: TestCluster

beforeAll(async () => {
  two = await startTwoBrokers({
    'group.consumer.min.session.timeout.ms': sessionMs,
    'group.consumer.session.timeout.ms': sessionMs,
    'group.consumer.min.heartbeat.interval.ms': 1000,
    'group.consumer.heartbeat.interval.ms': 1000,
  })
  brokers = [...two.addresses]
  cluster = openCluster(brokers)
  await eventually(async () => expect((await metadata()).brokers.size).toBe(2), 60_000)
}, 300_000)

afterAll(async () => {
  await cluster.close()
  await two.release()
})

const drivers: Record<string, (options: KafkaSourceOptions) => Promise<Source>> = {
  kafka: createKafkaSource,
  kafkajs: (options) => createKafkaJsSource({ ...options, groupId: options.groupId! }),
}

const metadata = (...topics: string[]) => cluster.admin.metadata({ topics, forceUpdate: true })

/** One partition on both brokers, led by the first one named. */
async function createTopic(topic: string, replicas: BrokerId[], configs: Record<string, string> = {}): Promise<void> {
  await cluster.admin.createTopics({
    topics: [{ topic, assignments: [{ partition: 0, brokers: replicas }] }],
    configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
  })
  await leads(topic, replicas[0]!, 2)
}

/** Waits until that broker leads the partition, and so many have all of it. */
async function leads(topic: string, leader: BrokerId, inSync: number): Promise<void> {
  await eventually(async () => {
    const partition = (await metadata(topic)).topics.get(topic)!.partitions[0]!
    expect(partition).toMatchObject({ leader })
    expect(partition.isr).toHaveLength(inSync)
  }, 60_000)
}

/** A group that this broker looks after. */
async function groupOf(prefix: string, broker: BrokerId): Promise<string> {
  for (let i = 0; ; i++) {
    const group = `${prefix}-${i}`
    if ((await coordinatorOf(group)) === broker) return group
    expect(i, `none of the groups is at broker ${broker}`).toBeLessThan(50)
  }
}

const coordinatorOf = (group: string): Promise<number> =>
  eventually(async () => {
    const keyType = FindCoordinatorKeyTypes.GROUP
    const [found] = await cluster.admin.findCoordinator({ keyType, keys: [group] })
    return found!.nodeId
  }, 60_000)

describe.each([
  ['kafka', 2, 3],
  ['kafkajs', 3, 2],
] as const)('a broker that is gone for good, driver %s', (driver, gone, left) => {
  it('hands leader and coordinator to another one, and nothing is lost or read twice (fault 15)', async () => {
    const topic = `moved.${driver}`
    await createTopic(topic, [gone, left])
    const groupId = await groupOf(`g-${topic}`, gone)
    const producer = createKafkaProducer({ brokers, requestTimeoutMs: 2000 })
    const source = await drivers[driver]!({
      brokers,
      topics: [topic],
      groupId,
      waitMs: 50,
      patienceMs: 500,
      requestTimeoutMs: 2000,
    })
    const following = followAll(source)
    const sent: string[] = []
    let stop = false
    const producing = (async () => {
      for (let i = 0; !stop; i++) {
        await producer.produceBatches(topic, 0, [batchOf([`v${i}`])])
        sent.push(`v${i}`)
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    })()
    const until = (count: number): Promise<void> =>
      eventually(
        () =>
          following.read.length >= count
            ? Promise.resolve()
            : Promise.reject(
                new Error(`${following.read.length} of ${count} read: ${[...new Set(following.errors)].join(' ')}`),
              ),
        90_000,
      )
    await until(20)
    await two.kill(gone)
    try {
      await leads(topic, left, 1)
      // It was in neither place when they moved: from now on all of it is.
      await until(sent.length + 50)
      await eventually(async () => expect(await coordinatorOf(groupId)).toBe(left), 60_000)
      const next = following.read.length
      await eventually(() => source.reportProgress([{ partition: following.partitions.get(0)!, next }]), 60_000)
      const [group] = await cluster.admin.listConsumerGroupOffsets({ groups: [groupId] })
      expect(group!.topics[0]!.partitions[0]!.committedOffset).toBe(BigInt(next))
      stop = true
      await producing
      await until(sent.length)
      expect(following.read).toEqual(sent)
      expect(following.errors.filter((code) => !/^(SOURCE_UNAVAILABLE|PARTITION_NOT_ASSIGNED)$/.test(code))).toEqual([])
    } finally {
      stop = true
      await following.end()
      await producer.close()
      await source.close()
      await two.start(gone)
      await leads(topic, left, 2)
    }
  }, 300_000)
})

describe('a leader that has less than was read', () => {
  it('stops the partition and names what is gone, also when others have been written in its place (fault 26)', async () => {
    const [shorter, anew, js] = ['cut.shorter', 'cut.anew', 'cut.kafkajs'] as const
    const topics = [shorter, anew, js]
    for (const topic of topics) await createTopic(topic, [2, 3], { 'unclean.leader.election.enable': 'true' })
    for (const topic of topics) await cluster.append(topic, 0, ['a', 'b', 'c'])
    let restarted = false
    const options = { brokers, waitMs: 50, patienceMs: 500, requestTimeoutMs: 2000, refreshMs: 500 }
    const sources: Record<string, Source> = {
      [shorter]: await createKafkaSource({ ...options, topics: [shorter] }),
      [js]: await createKafkaJsSource({ ...options, topics: [js], groupId: 'g-cut' }),
    }
    const waiting = await createKafkaSource({ ...options, topics: [anew] })
    const followed = Object.entries(sources).map(([topic, source]) => ({ topic, following: followAll(source) }))
    try {
      await two.kill(3)
      for (const topic of topics) {
        await leads(topic, 2, 1)
        await cluster.append(topic, 0, ['only', 'one', 'broker', 'has', 'these'])
      }
      const [id] = await assigned(waiting, 1)
      await waiting.seek(id!, 0)
      expect(await readTo(waiting, 0, 8)).toHaveLength(8)
      waiting.pause(id!, true)
      for (const { topic, following } of followed)
        await eventually(() => Promise.resolve(expect(following.read, topic).toHaveLength(8)), 60_000)
      await two.kill(2)
      await two.start(3)
      for (const topic of topics) await leads(topic, 3, 1)
      const producer = createKafkaProducer({ brokers })
      await producer.produceBatches(anew, 0, [batchOf(Array.from({ length: 20 }, (_, i) => `other ${i}`))])
      await producer.close()
      // kafkajs needs its group, which only that one has all of.
      await two.start(2)
      restarted = true
      const gap = { code: 'OFFSET_OUT_OF_RANGE', missing: { start: 3, end: 8 } }
      waiting.pause(id!, false)
      let error = await pollError(waiting)
      while (!('missing' in error)) error = await pollError(waiting)
      expect(error).toMatchObject({ ...gap, partition: { topic: anew, partition: 0 } })
      for (const { topic, following } of followed) {
        await eventually(() => Promise.resolve(expect(following.errors, topic).toContain(gap.code)), 90_000)
        const first = following.thrown[following.errors.indexOf(gap.code)]
        expect(first).toMatchObject({ ...gap, partition: { topic, partition: 0 } })
        // What went wrong is told, and nothing of another history is read.
        expect(following.read, topic).toEqual(['a', 'b', 'c', 'only', 'one', 'broker', 'has', 'these'])
      }
    } finally {
      for (const { following } of followed) await following.end()
      for (const source of [...Object.values(sources), waiting]) await source.close()
      if (!restarted) await two.start(2)
    }
  }, 300_000)
})

describe('decoding that takes longer than the session of the group', () => {
  it('does not keep the member from its heartbeats: it goes on with what it has (fault 77)', async () => {
    const topic = 'slow.decoding'
    await createTopic(topic, [2, 3])
    const records = Array.from({ length: 500 }, (_, n) => ({ partition: 0, key: null, value: eventValue(n) }))
    await cluster.producer.send(
      topic,
      records.map((record) => ({ ...record, timestamp: Date.now() })),
    )
    const lake = await openLake(contractOn(topic), slowWorkerUrl)
    const source = await createKafkaSource({ brokers, topics: [topic], groupId: `g-${topic}`, waitMs: 50 })
    const revoked: string[] = []
    const watched: Source = {
      ...source,
      async *assignments(signal) {
        for await (const change of source.assignments(signal)) {
          revoked.push(...change.revoked.map((each) => `${each.topic}-${each.partition}`))
          yield change
        }
      },
    }
    const began = performance.now()
    const summary = await lake.pipeline(watched).run({ until: 'caught-up' })
    expect(summary.outcome).toBe('caught-up')
    expect(performance.now() - began).toBeGreaterThan(Math.max(blockMs, sessionMs))
    expect(revoked).toEqual([])
    expect((await contentOf(lake.store)).rows).toHaveLength(500)
    await lake.dispose()
  }, 120_000)
})
