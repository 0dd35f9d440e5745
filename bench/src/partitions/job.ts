import type { Contract } from '@sluice/schemas'
import { contract } from '../log-to-parquet/event-log.ts'

/** What the process that fills a topic is told, as JSON in its first argument. */
export interface TopicJob {
  readonly topic: string
  readonly brokers: string
  readonly records: number
  readonly cells: number
  readonly late: boolean
}

/** What the process of a run is told, as JSON in its first argument. */
export interface PartitionsJob {
  readonly brokers: string
  readonly topic: string
  readonly root: string
  readonly byCell: boolean
  readonly budgetBytes: number
}

/** UserEvent v2 by cell (the session, one of a fixed number), or by date and hour as it is. */
export function contractOfPartitions(topic: string, byCell: boolean): Contract {
  const partitionBy = byCell
    ? ([{ field: 'session_id', transform: 'value', as: 'cell' }] as const)
    : contract.partitionBy
  return { ...contract, topic, partitionBy }
}
