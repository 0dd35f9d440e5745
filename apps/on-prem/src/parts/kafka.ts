import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { Admin } from '@platformatic/kafka'
import type { LakeApp } from '@sluice/app-kit'
import { createLakeLetterFeed, type Source } from '@sluice/ingest-core'
import {
  createDeadLetterRelay,
  createKafkaSource,
  type KafkaConnectionOptions,
  type KafkaSasl,
  type KafkaSourceOptions,
} from '@sluice/source-kafka'
import type { OnPremConfig } from '../config.ts'

const clientId = 'sluice-on-prem'

/** True when the profile has a Kafka cluster. */
export function usesKafka({ kafka }: Pick<OnPremConfig, 'kafka'>): boolean {
  return kafka.brokers.length > 0
}

/** How every client of the app reaches the cluster. */
export function kafkaConnection({ kafka }: Pick<OnPremConfig, 'kafka'>): KafkaConnectionOptions {
  const ca = authoritiesOf(kafka)
  const sasl = saslOf(kafka)
  return {
    brokers: kafka.brokers,
    clientId,
    ...(ca === undefined ? {} : { tls: ca }),
    ...(sasl === undefined ? {} : { sasl }),
  }
}

/** The same for the administration client of `@platformatic/kafka`: topics and their settings. */
export function openKafkaAdmin({ kafka }: Pick<OnPremConfig, 'kafka'>, retries?: number): Admin {
  const ca = authoritiesOf(kafka)
  const sasl = saslOf(kafka)
  return new Admin({
    clientId,
    bootstrapBrokers: [...kafka.brokers],
    ...(retries === undefined ? {} : { retries }),
    ...(ca === undefined ? {} : { tls: { ...ca, rejectUnauthorized: true } }),
    ...(sasl === undefined ? {} : { sasl: adminSasl(sasl) }),
  })
}

function adminSasl(sasl: KafkaSasl): NonNullable<ConstructorParameters<typeof Admin>[0]['sasl']> {
  const text = (secret: string | { reveal(): string }): string =>
    typeof secret === 'string' ? secret : secret.reveal()
  if (sasl.mechanism === 'OAUTHBEARER')
    return { mechanism: sasl.mechanism, token: async () => text(await sasl.token()) }
  const { mechanism, username, password } = sasl
  return { mechanism, username, password: () => text(password) }
}

/** Undefined when the cluster is not spoken to by TLS; without a file the CAs are those of Node. */
function authoritiesOf({ tls, caFile }: OnPremConfig['kafka']): { ca?: string } | undefined {
  if (caFile !== undefined) return { ca: readFileSync(caFile, 'utf8') }
  return tls ? {} : undefined
}

function saslOf({ mechanism, username, password, tokenFile }: OnPremConfig['kafka']): KafkaSasl | undefined {
  if (mechanism === 'OAUTHBEARER') {
    if (tokenFile === undefined) throw new TypeError('kafka.mechanism OAUTHBEARER needs kafka.tokenFile')
    // Somebody renews the file; each connection takes what is there.
    return { mechanism, token: async () => (await readFile(tokenFile, 'utf8')).trim() }
  }
  return username !== undefined && password !== undefined ? { mechanism, username, password } : undefined
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
