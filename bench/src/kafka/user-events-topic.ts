import { mkdirSync } from 'node:fs'
import { encodeRecordBatch } from '@sluice/ingest-core'
import type { Codec } from '@sluice/ingest-core'
import { createFileRegistry } from '@sluice/schemas'
import { createKafkaProducer, createKafkaSource } from '@sluice/source-kafka'
import { contract, eventChunks, partitions } from '../log-to-parquet/event-log.ts'
import type { ChangeValues } from '../log-to-parquet/event-log.ts'
import { registryFolder } from './user-events-contract.ts'

/** The id of UserEvent v2 in the registry of the benchmarks. */
export function registerUserEvents(): Promise<number> {
  mkdirSync(registryFolder, { recursive: true })
  return createFileRegistry(registryFolder).register(contract.subject, contract.schema)
}

/** Records of one batch: about 256 KiB before compression. */
const perBatch = 2000

/**
 * A topic of 3 partitions with `records` events, kept for ever: the events are older than a broker keeps records by default. One
 * that is there and whole is used again.
 */
export async function ensureTopic(
  topic: string,
  brokers: string,
  records: number,
  codec: Codec,
  change?: ChangeValues,
): Promise<void> {
  const schemaId = await registerUserEvents()
  const producer = createKafkaProducer({ brokers: brokers.split(',') })
  try {
    if (!(await producer.createTopic(topic, { partitions, config: { 'retention.ms': '-1' } }))) {
      const there = await endOf(topic, brokers)
      if (there === records) return
      throw new Error(`topic ${topic} holds ${there} records instead of ${records}: stop the instance of the services`)
    }
    for (const chunk of eventChunks(records, schemaId, change)) {
      const perPartition = Map.groupBy(chunk, ({ partition }) => partition)
      await Promise.all(
        [...perPartition].map(([partition, events]) =>
          producer.produceBatches(
            topic,
            partition,
            Array.from({ length: Math.ceil(events.length / perBatch) }, (_, at) => {
              const part = events.slice(at * perBatch, (at + 1) * perBatch)
              return encodeRecordBatch({ baseOffset: 0, records: part, codec, level: 1 })
            }),
          ),
        ),
      )
    }
  } finally {
    await producer.close()
  }
}

async function endOf(topic: string, brokers: string): Promise<number> {
  const source = await createKafkaSource({ brokers: brokers.split(','), topics: [topic] })
  try {
    for await (const { assigned } of source.assignments(new AbortController().signal)) {
      const bounds = await Promise.all(assigned.map((partition) => source.bounds(partition)))
      return bounds.reduce((sum, { end }) => sum + end, 0)
    }
    return 0
  } finally {
    await source.close()
  }
}

/** Joins a group once: a broker makes its topic of offsets when the first group of its life comes, which is nobody's first file. */
export async function wakeCoordinator(topic: string, brokers: string): Promise<void> {
  const source = await createKafkaSource({
    brokers: brokers.split(','),
    topics: [topic],
    groupId: `wake-${process.pid}`,
    assignment: { kind: 'group' },
  })
  try {
    for await (const { assigned } of source.assignments(new AbortController().signal)) if (assigned.length > 0) return
  } finally {
    await source.close()
  }
}
