import { Producer, ProduceAcks, stringSerializers } from '@platformatic/kafka'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { waitFor } from '@sluice/ingest-core'
import type { Source } from '@sluice/ingest-core'
import { testServices } from '@sluice-tools/services'
import type { TestServices } from '@sluice-tools/services'
import { createKafkaSource } from '../src/index.ts'
import type { KafkaSourceOptions } from '../src/index.ts'
import { createKafkaJsSource } from '../src/kafkajs/index.ts'
import { batchOf, eventually, openCluster } from './admin.ts'
import type { TestCluster } from './admin.ts'
import { assigned, follow, never, pollError, readTo, valuesOf } from './reading.ts'

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

const values = (count: number, prefix = 'v'): string[] => Array.from({ length: count }, (_, i) => `${prefix}${i}`)

const drivers: Record<string, (options: KafkaSourceOptions) => Promise<Source>> = {
  kafka: createKafkaSource,
  kafkajs: (options) => createKafkaJsSource({ ...options, groupId: options.groupId! }),
}

for (const [driver, make] of Object.entries(drivers)) {
  describe(`faults, driver ${driver}`, () => {
    async function withTopic(
      partitions: number,
      body: (topic: string, open: (extra?: Partial<KafkaSourceOptions>) => Promise<Source>) => Promise<void>,
      config: Readonly<Record<string, string>> = {},
    ): Promise<void> {
      const topic = `faults.${run}.${(names += 1)}`
      await cluster.createTopic(topic, partitions, config)
      const open: Source[] = []
      try {
        await body(topic, async (extra = {}) => {
          const source = await make({
            brokers,
            topics: [topic],
            groupId: `g-${topic}`,
            waitMs: 20,
            refreshMs: 200,
            ...extra,
          })
          open.push(source)
          return source
        })
      } finally {
        for (const source of open) await source.close()
        await cluster.deleteTopic(topic).catch(() => undefined) // some tests delete it themselves
      }
    }

    it('hands out only committed records and moves over markers to the very end (fault 30)', async () => {
      await withTopic(1, async (topic, open) => {
        const transactional = new Producer({
          clientId: 'transactions',
          bootstrapBrokers: brokers,
          transactionalId: `t-${topic}`,
          idempotent: true,
          serializers: stringSerializers,
          autocreateTopics: false,
          retries: 10,
        })
        const kept: string[] = []
        for (let round = 0; round < 6; round++) {
          const transaction = await transactional.beginTransaction()
          const batch = values(5, `t${round}-`)
          const messages = batch.map((value) => ({ topic, partition: 0, value }))
          await transaction.send({ messages, acks: ProduceAcks.ALL })
          if (round % 3 === 1 || round === 5) await transaction.abort()
          else {
            await transaction.commit()
            kept.push(...batch)
          }
          if (round === 3) {
            await cluster.append(topic, 0, ['outside'])
            kept.push('outside')
          }
        }
        await transactional.close()
        const source = await open()
        const [id] = await assigned(source, 1)
        const { end } = await eventually(async () => {
          const bounds = await source.bounds(id!)
          // 30 records, one outside, a marker for each of six transactions.
          expect(bounds).toEqual({ start: 0, end: 37 })
          return bounds
        })
        for (const from of [0, 3, 17, 30]) {
          await source.seek(id!, from)
          const read = await readTo(source, from, end)
          const expected = from === 0 ? kept : kept.slice(kept.length - read.length)
          expect(read.map(({ value }) => value)).toEqual(expected)
        }
      })
    })

    it('waits before an open transaction and does not hand out what may be aborted (fault 30)', async () => {
      await withTopic(1, async (topic, open) => {
        const transactional = new Producer({
          clientId: 'transactions',
          bootstrapBrokers: brokers,
          transactionalId: `t-${topic}`,
          idempotent: true,
          serializers: stringSerializers,
          autocreateTopics: false,
          retries: 10,
        })
        await cluster.append(topic, 0, ['before'])
        const transaction = await transactional.beginTransaction()
        await transaction.send({ messages: [{ topic, partition: 0, value: 'open' }], acks: ProduceAcks.ALL })
        const source = await open()
        const [id] = await assigned(source, 1)
        await eventually(async () => expect(await source.bounds(id!)).toEqual({ start: 0, end: 1 }))
        await source.seek(id!, 0)
        expect(await readTo(source, 0, 1)).toEqual([{ offset: 0, value: 'before' }])
        expect(await source.poll(1000, never)).toEqual([])
        await transaction.commit()
        expect(await readTo(source, 1, 3)).toEqual([{ offset: 1, value: 'open' }])
        await transactional.close()
      })
    })

    it('moves over the holes of a compacted topic (fault 31)', async () => {
      const config = {
        'cleanup.policy': 'compact',
        'segment.ms': '100',
        'min.cleanable.dirty.ratio': '0.001',
        'min.compaction.lag.ms': '0',
        'delete.retention.ms': '1',
      }
      await withTopic(
        1,
        async (topic, open) => {
          for (let round = 0; round < 6; round++) {
            const records = ['a', 'b', `once-${round}`].map((key) => ({
              key: Buffer.from(key),
              value: Buffer.from(`${key}=${round}`),
              timestamp: Date.now(),
              partition: 0,
            }))
            await cluster.producer.send(topic, records)
            await new Promise((resolve) => setTimeout(resolve, 150))
          }
          const source = await open()
          const [id] = await assigned(source, 1)
          const read = await eventually(async () => {
            await source.seek(id!, 0)
            const records = await readTo(source, 0, 18)
            expect(records.length, 'the cleaner has not run yet').toBeLessThan(18)
            return records
          }, 90_000)
          // The newest of each key is there, whatever the cleaner has taken of the others.
          const newest = new Map(read.map(({ value }) => value.split('=') as [string, string]))
          expect(newest.get('a')).toBe('5')
          expect(newest.get('b')).toBe('5')
          expect([...newest.keys()].filter((key) => key.startsWith('once-'))).toHaveLength(6)
          // And from within a hole.
          const offsets = read.map(({ offset }) => offset)
          const hole = Array.from({ length: 18 }, (_, i) => i).find((offset) => !offsets.includes(offset))!
          await source.seek(id!, hole)
          expect((await readTo(source, hole, 18)).map(({ offset }) => offset)).toEqual(
            offsets.filter((offset) => offset > hole),
          )
        },
        config,
      )
    }, 150_000)

    it('picks up partitions that are added while it runs, and takes them up on their own (fault 29)', async () => {
      await withTopic(1, async (topic, open) => {
        const source = await open()
        const following = follow(source)
        await eventually(async () => expect(following.held()).toEqual([`${topic}-0`]))
        await cluster.addPartitions(topic, 3)
        await eventually(async () => expect(following.held()).toEqual([0, 1, 2].map((p) => `${topic}-${p}`)), 60_000)
        const added = following.changes.flatMap((change) => change.assigned).find(({ partition }) => partition === 2)!
        expect(await source.bounds(added)).toEqual({ start: 0, end: 0 })
        await cluster.append(topic, 2, ['first'])
        await source.seek(added, 0)
        expect(await readTo(source, 0, 1)).toEqual([{ offset: 0, value: 'first' }])
        following.end()
      })
    }, 120_000)

    it('stops a partition whose log start passes its position, naming the range; the others go on (fault 25)', async () => {
      await withTopic(2, async (topic, open) => {
        for (const partition of [0, 1])
          for (let i = 0; i < 5; i++) await cluster.append(topic, partition, values(10, `${i}-`))
        const source = await open()
        const ids = await assigned(source, 2)
        await source.seek(ids[0]!, 7)
        source.pause(ids[0]!, true)
        await cluster.deleteRecordsBefore(topic, 0, 33)
        // Sought before, refused now: by the fetch, not by the seek.
        source.pause(ids[0]!, false)
        const error = await (async () => {
          for (;;) {
            // What was fetched before the deletion may still be handed out; nothing below the new start comes after it.
            try {
              for (const one of await source.poll(100, never))
                if (one.end >= 33) throw new Error(`read on to ${one.end}`)
            } catch (thrown) {
              return thrown
            }
          }
        })()
        expect(error).toMatchObject({ code: 'OFFSET_OUT_OF_RANGE', partition: ids[0], missing: { end: 33 } })
        expect(String(error)).toMatch(/offsets \d+ to 32 are not in the log/)
        await source.seek(ids[1]!, 0)
        expect(await readTo(source, 0, 50)).toHaveLength(50)
        await source.seek(ids[0]!, 33)
        expect(await readTo(source, 33, 50)).toHaveLength(17)
      })
    })

    it('does not follow a topic that was deleted and created anew (fault 27)', async () => {
      await withTopic(1, async (topic, open) => {
        await cluster.append(topic, 0, values(5))
        const source = await open()
        const [id] = await assigned(source, 1)
        await source.seek(id!, 0)
        await readTo(source, 0, 5)
        await cluster.recreateTopic(topic, 1)
        await cluster.append(topic, 0, values(50, 'another life '))
        const error = await pollError(source)
        expect(error).toMatchObject({ code: 'SOURCE_REPLACED', partition: id })
        expect(error.message).toContain(id!.topicId)
        await expect(source.seek(id!, 0)).rejects.toMatchObject({ code: 'SOURCE_REPLACED' })
        await expect(source.bounds(id!)).rejects.toMatchObject({ code: 'SOURCE_REPLACED' })
        // Another start sees another topic: what a sink stored under the old id says nothing about it.
        const [anew] = await assigned(await open({ groupId: `other-${topic}` }), 1)
        expect(anew!.topicId).not.toBe(id!.topicId)
      })
    }, 120_000)

    it('needs no group offsets: they may expire (fault 23)', async () => {
      await withTopic(1, async (topic, open) => {
        await cluster.append(topic, 0, values(9))
        const first = await open()
        const [id] = await assigned(first, 1)
        await first.reportProgress([{ partition: id!, next: 4 }])
        const committed = async () => cluster.admin.listConsumerGroupOffsets({ groups: [`g-${topic}`] })
        expect((await committed())[0]!.topics[0]!.partitions[0]!.committedOffset).toBe(4n)
        await first.close()
        await eventually(() => cluster.admin.deleteGroups({ groups: [`g-${topic}`] }), 60_000)
        const second = await open()
        const [again] = await assigned(second, 1)
        await second.seek(again!, 4)
        expect(await readTo(second, 4, 9)).toHaveLength(5)
      })
    }, 120_000)

    it('refuses a topic that does not exist', async () => {
      const source = await make({ brokers, topics: [`nowhere.${run}`], groupId: `g-${run}`, waitMs: 20 })
      await expect(assigned(source, 1)).rejects.toMatchObject({ code: 'SOURCE_TOPIC_UNKNOWN' })
      await source.close()
    })

    it('shares partitions with members that come and go (faults 16, 17)', async () => {
      await withTopic(4, async (topic, open) => {
        const all = [0, 1, 2, 3].map((p) => `${topic}-${p}`)
        const one = await open()
        const first = follow(one)
        await eventually(async () => expect(first.held()).toEqual(all))
        const two = await open()
        const second = follow(two)
        await eventually(async () => {
          expect(first.held()).toHaveLength(2)
          expect([...first.held(), ...second.held()].sort()).toEqual(all)
        }, 60_000)
        await two.close()
        await eventually(async () => expect(first.held()).toEqual(all), 60_000)
        first.end()
        second.end()
      })
    }, 150_000)

    it('goes on with a partition that was held back while others joined (fault 35)', async () => {
      await withTopic(2, async (topic, open) => {
        const one = await open()
        const first = follow(one)
        await eventually(async () => expect(first.held()).toHaveLength(2))
        const ids = first.changes.flatMap((change) => change.assigned)
        // Read to their ends: nothing waits that would set the reading going again.
        for (const id of ids) {
          await one.seek(id, 0)
          one.pause(id, true)
        }
        const second = follow(await open())
        await eventually(async () => {
          expect(first.held()).toHaveLength(1)
          expect(second.held()).toHaveLength(1)
        }, 60_000)
        const kept = ids.find(({ partition }) => first.held()[0] === `${topic}-${partition}`)!
        one.pause(kept, false)
        await cluster.append(topic, kept.partition, values(5))
        expect(await readTo(one, 0, 5)).toHaveLength(5)
        first.end()
        second.end()
      })
    }, 150_000)

    it('reads each codec, and batches larger than a poll', async () => {
      await withTopic(1, async (topic, open) => {
        const expected: string[] = []
        for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const) {
          const some = values(50, `${codec} ${'x'.repeat(500)} `)
          await cluster.producer.produceBatches(topic, 0, [batchOf(some, { codec })])
          expected.push(...some)
        }
        const source = await open()
        const [id] = await assigned(source, 1)
        await source.seek(id!, 0)
        expect((await readTo(source, 0, 250)).map(({ value }) => value)).toEqual(expected)
      })
    })
  })
}

describe('a partition without records', () => {
  it('does not hold up the others while the broker waits for some (fault 33)', async () => {
    const topic = `faults.${run}.idle`
    await cluster.createTopic(topic, 2)
    for (const value of values(20)) await cluster.producer.produceBatches(topic, 0, [batchOf([value])])
    // Longer than the test may take.
    const source = await createKafkaSource({ brokers, topics: [topic], waitMs: 300_000 })
    const [busy, idle] = await assigned(source, 2)
    await source.seek(busy!, 0)
    await source.seek(idle!, 0)
    const read: string[] = []
    while (read.length < 20) {
      source.pause(busy!, true)
      // Asks for the idle one alone.
      const waiting = source.poll(1, never)
      await waitFor(20, never)
      source.pause(busy!, false)
      for (const one of [...(await waiting), ...(await source.poll(1, never))]) {
        read.push(...valuesOf(one).map(({ value }) => value))
      }
    }
    expect(read).toEqual(values(20))
    await cluster.producer.produceBatches(topic, 1, [batchOf(['late'])])
    expect((await source.poll(1000, never)).flatMap(valuesOf)).toEqual([{ offset: 0, value: 'late' }])
    await source.close()
    await cluster.deleteTopic(topic)
  }, 30_000)
})

describe('the session of a kafkajs member', () => {
  it('is asked of the broker, and one that it refuses is told', async () => {
    const topic = `faults.${run}.session`
    await cluster.createTopic(topic, 1)
    const options = { brokers, topics: [topic], groupId: `g-${topic}`, joinTimeoutMs: 2000 }
    // Brokers take 6 s and more.
    const source = await createKafkaJsSource({ ...options, sessionTimeoutMs: 5000 })
    await expect(assigned(source, 1)).rejects.toMatchObject({
      code: 'SOURCE_UNAVAILABLE',
      message: expect.stringContaining('session timeout'),
    })
    await source.close()
    const other = await createKafkaJsSource({ ...options, sessionTimeoutMs: 6000, joinTimeoutMs: 30_000 })
    expect(await assigned(other, 1)).toHaveLength(1)
    await other.close()
    await cluster.deleteTopic(topic)
  }, 60_000)
})
