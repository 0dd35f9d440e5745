import { join } from 'node:path'
import type { LakeApp } from '@sluice/app-kit'
import { contracts } from '@sluice/schemas'
import type { OnPremConfig } from '../config.ts'
import { kafkaRelay } from '../parts/kafka.ts'
import { openRegistry, usesHttpRegistry } from '../parts/registry.ts'
import { lakeFiles, openStore } from '../parts/store.ts'
import { topicsOf, type Topics } from '../parts/topics.ts'

export const userEvent = contracts['ecommerce.UserEvent']

const SINK_ID = 'ecommerce-raw'

/** Lake `events/raw`, by event_date and event_hour; late events by the day they came. */
const layout = {
  data: 'events/raw/{partitions}/',
  late: 'events/late/ingest_date={ingest_date}/',
  dead: 'dead-letter-queue/{topic}/date={ingest_date}/',
} as const

export interface ShopApp extends LakeApp {
  readonly topics: Topics
}

/** The shop's events: one topic, one table. What is embedded and what is real is the configuration's matter. */
export function openShop(config: OnPremConfig): ShopApp {
  const topics = topicsOf(config, [userEvent.topic], config.kafka.deadLetterTopic)
  return {
    topics,
    contracts: [userEvent],
    sinkId: SINK_ID,
    owner: 'on-prem-ecommerce',
    pipeline: { name: 'ecommerce-raw', version: '1' },
    layout,
    ledger: join(config.dataDir, 'ledger', 'ecommerce.jsonl'),
    // One file on one disk: what was registered before a record was written is seen at the first look.
    ...(usesHttpRegistry(config) ? {} : { schemaChecks: 1 }),
    files: lakeFiles(config),
    openStore: (signal) => openStore(config, signal),
    openSource: (purpose) => topics.openSource(purpose),
    openRegistry: () => openRegistry(config),
    ...kafkaRelay(config, SINK_ID),
  }
}
