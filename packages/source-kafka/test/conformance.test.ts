import { afterAll, beforeAll } from 'vitest'
import { codecs } from '@sluice/ingest-core'
import { describeSource } from '@sluice/ingest-core/conformance'
import type { SourceSubject } from '@sluice/ingest-core/conformance'
import { createKafkaSource } from '../src/index.ts'
import { createKafkaJsSource } from '../src/kafkajs/index.ts'
import { openCluster } from './admin.ts'
import type { TestCluster } from './admin.ts'
import { testServices } from '@sluice-tools/services'
import type { TestServices } from '@sluice-tools/services'

let services: TestServices
let brokers: string[]
let cluster: TestCluster
let lives = 0

beforeAll(async () => {
  services = await testServices(['kafka'])
  brokers = services.env.KAFKA_BROKERS!.split(',')
  cluster = openCluster(brokers)
}, 300_000)

afterAll(async () => {
  await cluster.deleteTopic('conformance.readings')
  await cluster.close()
  await services.release()
})

/** Every test gets a new life of the one topic: what tells them apart is the topic id. Each append uses another codec. */
function subject(kind: 'static' | 'group' | 'kafkajs'): SourceSubject {
  return {
    retention: true,
    async make({ topic, partitions }) {
      lives += 1
      if (lives === 1) await cluster.createTopic(topic, partitions)
      else await cluster.recreateTopic(topic, partitions)
      let appends = 0
      const options = { brokers, topics: [topic], waitMs: 20 }
      const groupId = `conformance-${lives}`
      const source =
        kind === 'kafkajs'
          ? await createKafkaJsSource({ ...options, groupId })
          : await createKafkaSource({ ...options, ...(kind === 'group' && { groupId }) })
      return {
        source,
        async append(partition, values) {
          await cluster.append(topic, partition, values, codecs[appends++ % codecs.length]!)
        },
        deleteRecordsBefore: (partition, offset) => cluster.deleteRecordsBefore(topic, partition, offset),
        async close() {},
      }
    },
  }
}

describeSource('kafka, static assignment', subject('static'))
describeSource('kafka, consumer group', subject('group'))
describeSource('kafkajs, consumer group', subject('kafkajs'))
