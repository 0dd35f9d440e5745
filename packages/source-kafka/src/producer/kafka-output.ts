import type { LogRecord } from '@sluice/ingest-core'
import { createKafkaProducer } from './producer.ts'
import type { KafkaProducerOptions, ProduceReceipt, TopicSettings } from './producer.ts'

export interface KafkaOutputOptions extends KafkaProducerOptions {
  /** Creates a topic at its first write when it is missing. Default: a missing topic is KAFKA_TOPIC_UNKNOWN. */
  readonly createTopics?: TopicSettings
}

/** A record with its partition chosen, as simulators make them. */
export interface KafkaOutRecord extends LogRecord {
  readonly partition: number
}

/**
 * The `Output` of `@sluice/generators`, so that simulators write to Kafka. Records carry the time of sending (`recordTime`):
 * simulated events may be older than the topic's retention.
 */
export interface KafkaOutput {
  /**
   * Resolves when all in-sync replicas have the records. The offsets of a partition follow `baseOffset` without holes as
   * long as nobody else writes to it.
   */
  write(topic: string, records: readonly KafkaOutRecord[]): Promise<readonly ProduceReceipt[]>
  /** Safe to call twice. */
  close(): Promise<void>
}

/** @throws KafkaError KAFKA_OPTIONS_INVALID */
export function createKafkaOutput(options: KafkaOutputOptions): KafkaOutput {
  const { createTopics } = options
  const producer = createKafkaProducer({ recordTime: 'sent', ...options })
  const created = new Map<string, Promise<boolean>>()
  return {
    async write(topic, records) {
      if (createTopics !== undefined) {
        let creating = created.get(topic)
        if (creating === undefined) {
          creating = producer.createTopic(topic, createTopics)
          created.set(topic, creating)
          creating.catch(() => created.delete(topic))
        }
        await creating
      }
      return producer.send(topic, records)
    },
    close: () => producer.close(),
  }
}
