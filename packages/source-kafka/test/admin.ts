import { Admin } from '@platformatic/kafka'
import { encodeRecordBatch, waitFor } from '@sluice/ingest-core'
import type { Codec, RecordBatchInput } from '@sluice/ingest-core'
import { createKafkaProducer } from '../src/index.ts'
import type { KafkaProducer } from '../src/index.ts'

const never = new AbortController().signal
/** The broker chooses the replicas. */
const wherever = null as unknown as []

/** What tests do to a cluster behind the back of the source. */
export interface TestCluster {
  readonly producer: KafkaProducer
  readonly admin: Admin
  createTopic(topic: string, partitions: number, config?: Readonly<Record<string, string>>): Promise<void>
  deleteTopic(topic: string): Promise<void>
  /** Gives the topic a new life. */
  recreateTopic(topic: string, partitions: number): Promise<void>
  addPartitions(topic: string, count: number): Promise<void>
  deleteRecordsBefore(topic: string, partition: number, offset: number): Promise<void>
  append(topic: string, partition: number, values: readonly string[], codec?: Codec): Promise<number>
  close(): Promise<void>
}

export function batchOf(values: readonly string[], extra: Partial<RecordBatchInput> = {}): Uint8Array {
  const records = values.map((value) => ({ key: null, value: Buffer.from(value), timestamp: Date.now() }))
  return encodeRecordBatch({ baseOffset: 0, records, ...extra })
}

/** Tries until it works: what was changed in the cluster takes a moment to be known everywhere. */
export async function eventually<T>(run: () => Promise<T>, ms = 30_000): Promise<T> {
  const until = Date.now() + ms
  for (;;) {
    try {
      return await run()
    } catch (error) {
      if (Date.now() > until) throw error
      await waitFor(50, never)
    }
  }
}

export function openCluster(brokers: readonly string[]): TestCluster {
  const admin = new Admin({ clientId: 'test-admin', bootstrapBrokers: [...brokers], retries: 5 })
  let producer = createKafkaProducer({ brokers, codec: 'none' })
  const cluster: TestCluster = {
    get producer() {
      return producer
    },
    admin,
    async createTopic(topic, partitions, config = {}) {
      await eventually(async () => {
        if (!(await producer.createTopic(topic, { partitions, config }))) throw new Error(`${topic} is still there`)
      })
    },
    async deleteTopic(topic) {
      await admin.deleteTopics({ topics: [topic] })
    },
    async recreateTopic(topic, partitions) {
      await cluster.deleteTopic(topic)
      // Sequence numbers begin anew with the topic.
      await producer.close()
      producer = createKafkaProducer({ brokers, codec: 'none' })
      await cluster.createTopic(topic, partitions)
    },
    async addPartitions(topic, count) {
      await admin.createPartitions({ topics: [{ name: topic, count, assignments: wherever }] })
    },
    async deleteRecordsBefore(topic, partition, offset) {
      await admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition, offset: BigInt(offset) }] }] })
    },
    async append(topic, partition, values, codec = 'none') {
      const { baseOffset } = await producer.produceBatches(topic, partition, [batchOf(values, { codec })])
      return baseOffset
    },
    async close() {
      await producer.close()
      await admin.close()
    },
  }
  return cluster
}
