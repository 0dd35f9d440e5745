import type { Contract } from '@sluice/schemas'
import { contract } from '../log-to-parquet/event-log.ts'

/** Where late rows go: beside the others by the same folders, or one file per flush and day of ingestion. */
export const latePatterns = {
  'same folders': 'late/{table}/{partitions}/',
  'by ingest date': 'late/{table}/ingest_date={ingest_date}/',
} as const

export type LatePattern = keyof typeof latePatterns

/** What the process of a run is told, as JSON in its first argument. */
export interface PartitionsJob {
  readonly records: number
  readonly brokers: string
  readonly topic: string
  readonly root: string
  readonly late: LatePattern
  readonly byCell: boolean
  readonly budgetBytes: number
  readonly maxOpenFiles: number
}

/** UserEvent v2 by cell (the session, one of a fixed number), or by date and hour as it is. */
export function contractOfPartitions(topic: string, byCell: boolean): Contract {
  const partitionBy = byCell
    ? ([{ field: 'session_id', transform: 'value', as: 'cell' }] as const)
    : contract.partitionBy
  return { ...contract, topic, partitionBy }
}
