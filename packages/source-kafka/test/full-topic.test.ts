import { createLakeLetterFeed } from '@sluice/ingest-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDeadLetterRelay, createKafkaSource } from '../src/index.ts'
import type { RelayOptions } from '../src/index.ts'
import { partitionOfKey } from '../src/producer/murmur2.ts'
import { batchOf, eventually, openCluster, type TestCluster } from './admin.ts'
import { createKafkaFront } from './kafka-front.ts'
import { contentOf, contractOn, eventValue, openLake, sinkId, type TestLake } from './lake.ts'
import { startSmallDisks, type SmallDisks } from './small-disks.ts'
import { recordsOf } from './whole-topic.ts'

let disks: SmallDisks
let brokers: string[]
let cluster: TestCluster

beforeAll(async () => {
  disks = await startSmallDisks()
  brokers = [...disks.brokers]
  cluster = openCluster(brokers)
}, 300_000)
afterAll(async () => {
  await cluster.close()
  await disks.release()
})

/** Every tenth value is no event. Their letters go to the partition of the dead-letter topic, of two, that `lettersTo` says. */
async function produce(
  topic: string,
  partition: number,
  [from, end]: readonly [number, number],
  lettersTo: (offset: number) => number = () => 0,
): Promise<void> {
  const records = Array.from({ length: end - from }, (_, i) => ({
    partition,
    key: keyTo(lettersTo(from + i)),
    value: isBad(from + i) ? Buffer.from(`not an event ${partition}:${from + i}`) : eventValue(from + i),
    timestamp: Date.now(),
  }))
  await cluster.producer.send(topic, records)
}

function keyTo(partition: number): Buffer {
  for (let n = 0; ; n++) {
    const key = Buffer.from(`key-${n}`)
    if (partitionOfKey(key, 2) === partition) return key
  }
}

const isBad = (offset: number): boolean => offset % 10 === 3

/** `partition:offset` of the first `count` records that are good, or bad. */
function expected(partition: number, count: number, bad: boolean): string[] {
  const offsets = Array.from({ length: count }, (_, offset) => offset)
  return offsets.filter((offset) => isBad(offset) === bad).map((offset) => `${partition}:${offset}`)
}

/** Offsets that the group of the topic's pipeline has committed, by partition. */
async function progressOf(topic: string): Promise<Record<number, number>> {
  const [group] = await cluster.admin.listConsumerGroupOffsets({ groups: [`g-${topic}`] })
  const partitions = group?.topics.flatMap((each) => each.partitions) ?? []
  return Object.fromEntries(
    partitions.map(({ partitionIndex, committedOffset }) => [partitionIndex, Number(committedOffset)]),
  )
}

function relayTo(topic: string, lake: TestLake, extra: Partial<RelayOptions>) {
  const alarms: (Error | null)[] = []
  const relay = createDeadLetterRelay({
    brokers,
    topic,
    feed: createLakeLetterFeed({ store: lake.store, sinkId, consumer: 'relay' }),
    codec: 'none',
    retry: { firstMs: 20, maxMs: 100 },
    alarm: (error) => alarms.push(error),
    ...extra,
  })
  return { relay, alarms }
}

/** Follows the topic until `stop`. */
async function ingest(topic: string, lake: TestLake, relay: ReturnType<typeof createDeadLetterRelay>) {
  const ending = new AbortController()
  const source = await createKafkaSource({ brokers, topics: [topic], groupId: `g-${topic}`, waitMs: 20 })
  const pipeline = lake.pipeline(source, { onReceipt: relay.onReceipt, signal: ending.signal })
  const run = pipeline.run({ until: 'aborted' })
  return {
    async stop() {
      ending.abort()
      await run
      await source.close()
    },
  }
}

describe('a dead-letter topic that is full', () => {
  it('holds up only what waits for it, says why, and gets each letter once when there is room (fault 36)', async () => {
    const topic = 'full.disk'
    const dlq = `${topic}.dlq`
    await cluster.createTopic(topic, 2)
    await cluster.createTopic(dlq, 2)
    expect(disks.neighboursOf(`${dlq}-1`)).toEqual([])
    // Up to room for two letters or so.
    const filling: number[] = []
    while (disks.roomOf(`${dlq}-1`) > 1700) {
      const size = Math.min(900_000, disks.roomOf(`${dlq}-1`) - 1700)
      await cluster.producer.produceBatches(dlq, 1, [batchOf(['.'.repeat(size)])])
      filling.push(size)
    }
    await produce(topic, 0, [0, 50])
    // Of these letters, half go to the partition that has room.
    const toFull = (offset: number) => (offset % 20 === 3 ? 1 : 0)
    await produce(topic, 1, [0, 80], toFull)

    const lake = await openLake(contractOn(topic))
    const { relay, alarms } = relayTo(dlq, lake, { deliveryTimeoutMs: 2000 })
    const running = await ingest(topic, lake, relay)
    await eventually(() => Promise.resolve(expect(alarms).not.toEqual([])), 60_000)
    // The broker and the rest of the topic are well: the other partition goes on, letters and all.
    await eventually(async () => expect(await progressOf(topic)).toMatchObject({ 0: 50 }), 60_000)
    await produce(topic, 0, [50, 100])
    await eventually(async () => expect(await progressOf(topic)).toMatchObject({ 0: 100 }), 60_000)
    expect((await progressOf(topic))[1] ?? 0).toBeLessThan(80)
    const arrived = relay.counts.relayed
    expect(arrived).toBeGreaterThanOrEqual(10)
    expect(arrived).toBeLessThan(18)
    // What went well meanwhile does not end the alarm.
    for (const alarm of alarms) {
      expect(alarm?.message).toContain(`${dlq}-1`)
      expect(alarm?.message).toMatch(/its disk at the broker is full|has no leader: .* disks that it is on are full/)
    }

    await disks.giveRoom()
    // More until the group knows: what a broker that just started does not take is reported with the next commit only.
    let end = 80
    await eventually(async () => {
      await cluster.producer.send(topic, [{ partition: 1, key: null, value: eventValue(end), timestamp: Date.now() }])
      end += 1
      expect((await progressOf(topic))[1] ?? 0).toBeGreaterThan(80)
    }, 60_000)
    expect(alarms.filter((alarm) => alarm === null)).toHaveLength(1)
    expect(alarms.at(-1)).toBeNull()
    const more = Array.from({ length: end - 80 }, (_, i) => `1:${80 + i}`)
    await eventually(async () => expect((await contentOf(lake.store)).rows).toContain(more.at(-1)))
    await running.stop()
    await relay.close()
    expect(relay.counts).toEqual({ relayed: 18, claims: 0, loops: 0 })

    const held = await recordsOf(brokers, dlq)
    const valuesIn = (partition: number) =>
      held.filter((each) => each.partition === partition).map(({ value }) => value)
    const dead0 = expected(0, 100, true)
    const dead1 = expected(1, 80, true)
    const filled = filling.map((size) => '.'.repeat(size))
    const lettersOf = (at: readonly string[]) => at.map((each) => `not an event ${each}`)
    const [first, second] = [0, 1].map((to) => dead1.filter((at) => toFull(Number(at.split(':')[1])) === to))
    expect(valuesIn(0).sort()).toEqual(lettersOf([...dead0, ...first!]).sort())
    expect(valuesIn(1)).toEqual([...filled, ...lettersOf(second!)])
    const stored = [...expected(0, 100, false), ...expected(1, 80, false), ...more]
    const dead = [...dead0, ...dead1]
    expect(await contentOf(lake.store)).toEqual({ rows: stored.sort(), dead: dead.sort() })
    await lake.dispose()
  }, 180_000)

  it('waits while the other replicas have no room, and a stop does not wait with it (fault 36)', async () => {
    const topic = 'full.replicas'
    const dlq = `${topic}.dlq`
    await cluster.createTopic(topic, 1)
    await cluster.createTopic(dlq, 1)
    await produce(topic, 0, [0, 50])
    const lake = await openLake(contractOn(topic))
    // A leader whose followers have dropped out answers so (NOT_ENOUGH_REPLICAS).
    const front = await createKafkaFront(brokers[0]!)
    front.decide({ kind: 'refuse', code: 19 })
    const patient = relayTo(dlq, lake, { brokers: front.brokers, deliveryTimeoutMs: 600_000 })
    const running = await ingest(topic, lake, patient.relay)
    await eventually(() => Promise.resolve(expect(front.produced).toBeGreaterThan(1)))
    await patient.relay.close()
    await running.stop()
    expect(patient.alarms).toEqual([])

    const { relay, alarms } = relayTo(dlq, lake, { brokers: front.brokers, deliveryTimeoutMs: 300 })
    const catchingUp = relay.catchUp()
    await eventually(() => Promise.resolve(expect(alarms).not.toEqual([])), 60_000)
    expect(alarms).toMatchObject([{ code: 'KAFKA_UNAVAILABLE' }])
    expect(alarms[0]!.message).toBe(`${dlq}-0: too few replicas in sync (min.insync.replicas): protocol error 19`)
    expect(await recordsOf(brokers, dlq)).toEqual([])
    front.decide({ kind: 'pass' })
    expect(await catchingUp).toBeGreaterThan(0)
    expect(alarms).toMatchObject([{ code: 'KAFKA_UNAVAILABLE' }, null])
    await relay.close()
    await front.close()
    const offsets = (await recordsOf(brokers, dlq)).map(({ headers }) => `0:${headers['sluice.dlq.offset']}`)
    expect(offsets.sort()).toEqual((await contentOf(lake.store)).dead)
    await lake.dispose()
  }, 120_000)
})
