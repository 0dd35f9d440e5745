import { readFileSync } from 'node:fs'
import type { LakeApp } from '@sluice/app-kit'
import { createLakeLetterFeed, type Source } from '@sluice/ingest-core'
import {
  createDeadLetterRelay,
  createKafkaSource,
  type KafkaConnectionOptions,
  type KafkaSourceOptions,
} from '@sluice/source-kafka'
import type { OnPremConfig } from '../config.ts'

/** True when the profile has a Kafka cluster. */
export function usesKafka({ kafka }: Pick<OnPremConfig, 'kafka'>): boolean {
  return kafka.brokers.length > 0
}

/** How every client of the app reaches the cluster. */
export function kafkaConnection({ kafka }: Pick<OnPremConfig, 'kafka'>): KafkaConnectionOptions {
  const { brokers, tls, caFile, mechanism, username, password } = kafka
  return {
    brokers,
    clientId: 'sluice-on-prem',
    ...(tls || caFile !== undefined ? { tls: caFile === undefined ? true : { ca: readFileSync(caFile, 'utf8') } } : {}),
    ...(username !== undefined && password !== undefined ? { sasl: { mechanism, username, password } } : {}),
  }
}

/** A source over the cluster: a member of the group when it works, all partitions without a group when it only looks. */
export async function openKafkaSource(
  config: Pick<OnPremConfig, 'kafka'>,
  topics: readonly string[],
  purpose: 'ingest' | 'look',
): Promise<Source> {
  const { client, groupId } = config.kafka
  const options: KafkaSourceOptions = { ...kafkaConnection(config), topics }
  if (purpose === 'look') return createKafkaSource(options)
  if (client === 'platformatic') return createKafkaSource({ ...options, groupId })
  const { createKafkaJsSource } = await import('@sluice/source-kafka/kafkajs')
  return createKafkaJsSource({ ...options, groupId })
}

/** Hands decided dead letters on to `kafka.deadLetterTopic`; nothing when there is no such topic. */
export function kafkaRelay(config: Pick<OnPremConfig, 'kafka'>, sinkId: string): Pick<LakeApp, 'openRelay'> {
  const { deadLetterTopic: topic, connectHeaders } = config.kafka
  if (topic === undefined || !usesKafka(config)) return {}
  return {
    openRelay: (store, alarm) =>
      createDeadLetterRelay({
        ...kafkaConnection(config),
        topic,
        connectHeaders,
        feed: createLakeLetterFeed({ store, sinkId, consumer: 'kafka-relay' }),
        alarm,
      }),
  }
}
