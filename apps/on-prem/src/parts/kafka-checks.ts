import type { HealthCheck } from '@sluice/runtime'
import { createKafkaSource } from '@sluice/source-kafka'
import type { OnPremConfig } from '../config.ts'
import { kafkaConnection, openKafkaAdmin } from './kafka.ts'

const topicResource = 2
const dayMs = 86_400_000

/** Brokers and topics of a cluster, for `doctor`. */
export function kafkaChecks(config: OnPremConfig, topics: readonly string[]): HealthCheck[] {
  return [brokers(config, topics), retention(config, topics)]
}

function brokers(config: OnPremConfig, topics: readonly string[]): HealthCheck {
  return {
    name: 'kafka: brokers and topics',
    async run(signal) {
      const source = await createKafkaSource({ ...kafkaConnection(config), topics })
      try {
        for await (const { assigned } of source.assignments(signal)) {
          const of = topics.map(
            (topic) => `${topic} (${assigned.filter((each) => each.topic === topic).length} partitions)`,
          )
          return { outcome: 'ok', found: `${config.kafka.brokers.join(', ')} leads to ${of.join(', ')}` }
        }
        return { outcome: 'fail', found: 'the cluster answers with no topics', advice: 'run `init`' }
      } catch (error) {
        if ((error as { code?: unknown }).code !== 'SOURCE_TOPIC_UNKNOWN') throw error
        return { outcome: 'fail', found: (error as Error).message, advice: 'run `init`' }
      } finally {
        await source.close()
      }
    },
  }
}

/** How long records stay: an outage of the app that lasts longer loses them. */
function retention(config: OnPremConfig, topics: readonly string[]): HealthCheck {
  return {
    name: 'kafka: retention',
    async run() {
      const admin = openKafkaAdmin(config, 1)
      try {
        const described = await admin.describeConfigs({
          resources: topics.map((resourceName) => ({
            resourceType: topicResource,
            resourceName,
            configurationKeys: ['retention.ms', 'retention.bytes', 'cleanup.policy'],
          })),
        })
        const of = described.map(({ resourceName, configs }) => {
          const value = (name: string): string => configs.find((each) => each.name === name)?.value ?? ''
          return {
            topic: resourceName,
            ms: Number(value('retention.ms')),
            bytes: Number(value('retention.bytes')),
            policy: value('cleanup.policy'),
          }
        })
        const found = of.map(({ topic, ms, bytes }) => `${topic}: ${limitText(ms, bytes)}`).join('; ')
        const compacted = of.filter(({ policy }) => policy.includes('compact'))
        if (compacted.length > 0) {
          const names = compacted.map(({ topic }) => topic).join(', ')
          return {
            outcome: 'warn',
            found: `${names} is compacted`,
            advice: 'events that share a key are removed before they land: use cleanup.policy=delete',
          }
        }
        if (of.some(({ ms }) => ms >= 0 && ms < dayMs)) {
          return { outcome: 'warn', found, advice: 'raise retention.ms above the longest outage you want to survive' }
        }
        return { outcome: 'ok', found }
      } finally {
        await admin.close()
      }
    },
  }
}

function limitText(ms: number, bytes: number): string {
  const time = ms < 0 ? 'for ever' : `${(ms / dayMs).toFixed(1)} days`
  return bytes < 0 ? time : `${time}, at most ${bytes} bytes per partition`
}
