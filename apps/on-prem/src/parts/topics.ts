import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError, type LakeApp } from '@sluice/app-kit'
import type { Output } from '@sluice/generators'
import { createSegmentLogSource, openSegmentLog, type Source } from '@sluice/ingest-core'
import { createKafkaOutput, createKafkaProducer } from '@sluice/source-kafka'
import type { OnPremConfig } from '../config.ts'
import { kafkaConnection, openKafkaAdmin, openKafkaSource, usesKafka } from './kafka.ts'

/** The topics of an app, in Kafka or in the embedded log. */
export interface Topics {
  /** Makes those that are missing. @returns the ones it made */
  create(partitions: number): Promise<string[]>
  /** Where simulators write. */
  openOutput(): Promise<Output>
  openSource: LakeApp['openSource']
  /** Deletes the topics with all records. */
  remove(): Promise<void>
}

/** `extra` is a topic to make and remove with the others that nobody reads here; the embedded log has none. */
export function topicsOf(config: OnPremConfig, names: readonly string[], extra?: string): Topics {
  return usesKafka(config) ? kafkaTopics(config, names, extra) : logTopics(config, names)
}

function kafkaTopics(config: OnPremConfig, names: readonly string[], extra: string | undefined): Topics {
  const all = extra === undefined ? names : [...names, extra]
  const connection = kafkaConnection(config)
  return {
    async create(partitions) {
      const { replicationFactor } = config.kafka
      const producer = createKafkaProducer(connection)
      try {
        const made: string[] = []
        for (const name of all) {
          const settings = { partitions, ...(replicationFactor === undefined ? {} : { replicationFactor }) }
          if (await producer.createTopic(name, settings)) made.push(name)
        }
        return made
      } finally {
        await producer.close()
      }
    },
    openOutput: () => Promise.resolve(createKafkaOutput(connection)),
    openSource: (purpose): Promise<Source> => openKafkaSource(config, names, purpose.kind),
    async remove() {
      const admin = openKafkaAdmin(config)
      try {
        const present = await admin.listTopics()
        const topics = all.filter((name) => present.includes(name))
        if (topics.length > 0) await admin.deleteTopics({ topics })
      } finally {
        await admin.close()
      }
    },
  }
}

function logTopics(config: OnPremConfig, names: readonly string[]): Topics {
  const root = logFolder(config)
  const openLog = () => openSegmentLog({ root, codec: 'zstd', level: 1, fsync: 'roll' })
  return {
    async create(partitions) {
      const log = await openLog()
      try {
        const made: string[] = []
        for (const name of names) {
          if (log.topics().has(name)) continue
          await log.createTopic(name, { partitions })
          made.push(name)
        }
        return made
      } finally {
        await log.close()
      }
    },
    async openOutput() {
      const log = await openLog()
      return { write: (topic, records) => log.write(topic, records), close: () => log.close() }
    },
    async openSource(purpose) {
      try {
        await access(root)
      } catch (cause) {
        throw new AppError('SOURCE_MISSING', `there is no log in ${root}`, { cause })
      }
      const follow = purpose.follow === true
      return createSegmentLogSource({ root, topics: names, follow })
    },
    // The folder goes with the rest of the data folder.
    remove: () => Promise.resolve(),
  }
}

export function logFolder({ dataDir }: Pick<OnPremConfig, 'dataDir'>): string {
  return join(dataDir, 'log')
}
