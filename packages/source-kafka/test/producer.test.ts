import { splitRecordBatches } from '@sluice/ingest-core'
import { createKafkaOutput, createKafkaProducer, createKafkaSource, type KafkaProducer } from '@sluice/source-kafka'
import { testServices, type TestServices } from '@sluice-tools/services'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { assigned, never } from './reading.ts'

let services: TestServices
let brokers: string[]

beforeAll(async () => {
  services = await testServices(['kafka'])
  brokers = services.env['KAFKA_BROKERS']!.split(',')
}, 300_000)
afterAll(() => services.release())

/** Timestamps of the first record that can be read from a topic of one partition. */
async function timestampOf(topic: string): Promise<number> {
  const source = await createKafkaSource({ brokers, topics: [topic], waitMs: 20 })
  try {
    const [partition] = await assigned(source, 1)
    await source.seek(partition!, 0)
    for (;;) {
      for (const fetched of await source.poll(1 << 20, never)) {
        if (fetched.kind !== 'batches') throw new Error('expected record batches')
        const { slab } = splitRecordBatches(fetched.bytes, { from: 0, maxInflatedBytes: 2 ** 20 })
        if (slab.length > 0) return slab.timestamps[0]!
      }
    }
  } finally {
    await source.close()
  }
}

describe('record time', () => {
  const longAgo = Date.UTC(2001, 0, 1)
  const record = { partition: 0, key: null, value: new Uint8Array([1]), timestamp: longAgo }

  it("is the record's own by default, the time of sending when asked for, and so from simulators", async () => {
    const started = Date.now()
    const topic = (kind: string): string => `record-time-${kind}-${started}`
    const use = async (producer: KafkaProducer, name: string): Promise<void> => {
      await producer.createTopic(name, { partitions: 1, config: { 'retention.ms': '-1' } })
      await producer.send(name, [record])
      await producer.close()
    }
    await use(createKafkaProducer({ brokers }), topic('given'))
    await use(createKafkaProducer({ brokers, recordTime: 'sent' }), topic('sent'))
    const output = createKafkaOutput({ brokers, createTopics: { partitions: 1 } })
    await output.write(topic('output'), [record])
    await output.close()

    expect(await timestampOf(topic('given'))).toBe(longAgo)
    expect(await timestampOf(topic('sent'))).toBeGreaterThanOrEqual(started)
    expect(await timestampOf(topic('output'))).toBeGreaterThanOrEqual(started)
  })
})
