import { testServices, type TestServices } from '@sluice-tools/services'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createKafkaProducer, createKafkaSource, KafkaError } from '../src/index.ts'
import type { KafkaProducer } from '../src/index.ts'
import { batchOf, eventually, openCluster, type TestCluster } from './admin.ts'
import { createKafkaFront, type KafkaFront, type ProduceFate } from './kafka-front.ts'
import { assigned, readTo } from './reading.ts'

let services: TestServices
let brokers: string[]
let cluster: TestCluster

beforeAll(async () => {
  services = await testServices(['kafka'])
  brokers = services.env.KAFKA_BROKERS!.split(',')
  cluster = openCluster(brokers)
}, 300_000)
afterAll(async () => {
  await cluster.close()
  await services.release()
})

let front: KafkaFront
let topic: string
let producer: KafkaProducer
let topics = 0
/** More attempts than one fit in, and a test does not wait long. */
const deliveryTimeoutMs = 600

beforeEach(async () => {
  topic = `refusals.${process.pid}.${Date.now()}.${(topics += 1)}`
  await cluster.createTopic(topic, 1)
  front = await createKafkaFront(brokers[0]!)
  producer = createKafkaProducer({ brokers: front.brokers, deliveryTimeoutMs })
})
afterEach(async () => {
  await producer.close({ abandon: true })
  await front.close()
})

const write = (value: string) => producer.produceBatches(topic, 0, [batchOf([value])])

const failure = (work: Promise<unknown>): Promise<KafkaError> =>
  work.then(
    () => expect.fail('it was written'),
    (error: unknown) => {
      expect(error).toBeInstanceOf(KafkaError)
      return error as KafkaError
    },
  )

/** All that the log holds, past the front. */
async function held(): Promise<string[]> {
  const source = await createKafkaSource({ brokers, topics: [topic], waitMs: 20 })
  const [id] = await assigned(source, 1)
  await source.seek(id!, 0)
  const { end } = await source.bounds(id!)
  const records = await readTo(source, 0, end)
  await source.close()
  return records.map(({ value }) => value)
}

const unknownTopic: ProduceFate = { kind: 'refuse', code: 3 }
const notLeader: ProduceFate = { kind: 'refuse', code: 6 }
const pass: ProduceFate = { kind: 'pass' }

describe('a leader that does not know the topic', () => {
  it('is asked again while the metadata has the topic: it may be new', async () => {
    front.decide(unknownTopic, unknownTopic, pass)
    expect(await write('one')).toEqual({ partition: 0, baseOffset: 0, end: 1 })
    expect(front.produced).toBe(3)
    expect(await held()).toEqual(['one'])
  })

  it('is given up after the delivery time, with nothing written, and the producer can go on', async () => {
    front.decide(unknownTopic)
    const error = await failure(write('one'))
    expect(error).toMatchObject({ code: 'KAFKA_UNAVAILABLE', message: `${topic}-0: its leader does not know it` })
    expect(await held()).toEqual([])
    front.decide(pass)
    await write('two')
    expect(await held()).toEqual(['two'])
  })

  it('is not asked again once the metadata has it no longer', async () => {
    producer = createKafkaProducer({ brokers: front.brokers, deliveryTimeoutMs: 600_000 })
    await write('one')
    await cluster.deleteTopic(topic)
    // The first request goes by old metadata, so that a leader says it.
    await eventually(async () => {
      const error = await failure(write('two'))
      expect(error).toMatchObject({ code: 'KAFKA_TOPIC_UNKNOWN', message: `the cluster has no topic ${topic}` })
    })
  })
})

describe('an attempt that may have been written', () => {
  it.each<[string, ProduceFate]>([
    ['its answer is lost', { kind: 'lose' }],
    ['its replicas did not confirm in time', { kind: 'take', code: 7 }],
    ['too few replicas were left after it', { kind: 'take', code: 20 }],
    ['the disk failed at it', { kind: 'take', code: 56 }],
    ['the broker failed at it', { kind: 'take', code: -1 }],
  ])('stays in doubt whatever later attempts meet, so nothing takes its place: %s', async (_name, fate) => {
    front.decide(fate, notLeader)
    const error = await failure(write('one'))
    expect(error.code).toBe('KAFKA_PRODUCE_UNKNOWN')
    expect(error.message).toMatch(/: 1 records may be written or not; at last: \S/)
    front.decide(pass)
    // Under the same sequence number a broker would take it for the first one, and say that it has it.
    expect(await failure(write('two'))).toMatchObject({ code: 'KAFKA_PRODUCER_BROKEN' })
    expect(await held()).toEqual(['one'])
  })

  it('stays in doubt when a later attempt is refused for good', async () => {
    front.decide({ kind: 'lose' }, { kind: 'refuse', code: 29 })
    expect(await failure(write('one'))).toMatchObject({
      code: 'KAFKA_PRODUCE_UNKNOWN',
      cause: { code: 'KAFKA_DENIED' },
    })
    expect(await held()).toEqual(['one'])
  })

  it('is written once when a later attempt gets through', async () => {
    front.decide({ kind: 'lose' }, notLeader, { kind: 'take', code: 56 }, pass)
    expect(await write('one')).toEqual({ partition: 0, baseOffset: 0, end: 1 })
    expect(await write('two')).toEqual({ partition: 0, baseOffset: 1, end: 2 })
    expect(await held()).toEqual(['one', 'two'])
  })
})

describe('a close that abandons', () => {
  it('ends what a refusal would hold for the delivery time', async () => {
    producer = createKafkaProducer({ brokers: front.brokers, deliveryTimeoutMs: 600_000 })
    front.decide(notLeader)
    const writing = failure(write('one'))
    await eventually(() => Promise.resolve(expect(front.produced).toBeGreaterThan(1)))
    const polite = producer.close()
    await producer.close({ abandon: true })
    await polite
    expect(['KAFKA_UNAVAILABLE', 'KAFKA_CLOSED']).toContain((await writing).code)
    expect(await held()).toEqual([])
  })

  it('ends the wait for an answer that does not come', async () => {
    producer = createKafkaProducer({ brokers: front.brokers, requestTimeoutMs: 600_000 })
    front.decide({ kind: 'keep' })
    const writing = failure(write('one'))
    await eventually(async () => expect(await held()).toEqual(['one']))
    await producer.close({ abandon: true })
    expect((await writing).code).toBe('KAFKA_PRODUCE_UNKNOWN')
  })
})
