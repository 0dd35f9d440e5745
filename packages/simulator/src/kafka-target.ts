import { readFile } from 'node:fs/promises'
import type * as Driver from '@sluice/source-kafka'
import type { KafkaConnectionOptions } from '@sluice/source-kafka'
import { SimulatorError } from './errors.ts'
import type { KafkaConfig } from './kafka-config.ts'
import type { OpenTarget, TargetContext } from './open-target.ts'

/** The driver is an optional peer, so that nobody else pays for it. */
async function loadDriver(): Promise<typeof Driver> {
  try {
    return await import('@sluice/source-kafka')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause
    throw new SimulatorError('TARGET_UNAVAILABLE', 'kafka:// needs @sluice/source-kafka and @platformatic/kafka', {
      cause,
    })
  }
}

async function connectionOf(
  driver: typeof Driver,
  brokers: string,
  config: KafkaConfig,
): Promise<KafkaConnectionOptions> {
  const { tls, caFile, mechanism, username, password, connectionString } = config
  if (connectionString !== undefined) {
    const { sasl, tls: byDefault } = driver.eventHubsConnection(connectionString)
    return { brokers: brokers.split(','), sasl, tls: caFile === undefined ? byDefault : { ca: await readFile(caFile) } }
  }
  if ((username === undefined) !== (password === undefined)) {
    throw new SimulatorError('TARGET_INVALID', 'kafka.username and kafka.password go together')
  }
  return {
    brokers: brokers.split(','),
    ...(caFile === undefined ? { tls } : { tls: { ca: await readFile(caFile) } }),
    ...(username === undefined || password === undefined ? {} : { sasl: { mechanism, username, password } }),
  }
}

/**
 * Writes to Kafka through an idempotent producer with acks=all. Topics are made when missing; one that exists must have the
 * partitions asked for, because records are keyed to them.
 * @throws {SimulatorError} TARGET_UNAVAILABLE, TARGET_INVALID, PARTITIONS_DIFFER
 * @throws {KafkaError} as the driver says
 */
export async function openKafkaTarget(address: string, context: TargetContext): Promise<OpenTarget> {
  const driver = await loadDriver()
  const connection = await connectionOf(driver, address, context.kafka)
  const { deliveryTimeout: deliveryTimeoutMs } = context.kafka
  // Simulated events may be older than the topic's retention, and a broker deletes by the time in the record.
  const producer = driver.createKafkaProducer({ ...connection, deliveryTimeoutMs, recordTime: 'sent' })
  try {
    for (const [topic, partitions] of Object.entries(context.topics)) {
      if (await producer.createTopic(topic, { partitions })) continue
      const known = await producer.partitions(topic)
      if (known === partitions) continue
      throw new SimulatorError('PARTITIONS_DIFFER', `${topic} has ${known} partitions, not ${partitions}`)
    }
    const nextOffsets = await endsOf(driver, connection, context)
    return {
      nextOffsets,
      write: (topic, records) => producer.send(topic, records),
      close: () => producer.close(),
    }
  } catch (error) {
    await producer.close()
    throw error
  }
}

/** Log ends by topic and partition, which say what a ledger must know. */
async function endsOf(
  driver: typeof Driver,
  connection: KafkaConnectionOptions,
  { topics, signal }: TargetContext,
): Promise<Record<string, number[]>> {
  const wanted = Object.values(topics).reduce((sum, partitions) => sum + partitions, 0)
  const source = await driver.createKafkaSource({ ...connection, topics: Object.keys(topics) })
  const ends: Record<string, number[]> = Object.fromEntries(Object.keys(topics).map((topic) => [topic, []]))
  try {
    let seen = 0
    for await (const { assigned } of source.assignments(signal)) {
      for (const partition of assigned) {
        ends[partition.topic]![partition.partition] = (await source.bounds(partition)).end
        seen++
      }
      if (seen >= wanted) break
    }
    return ends
  } finally {
    await source.close()
  }
}
