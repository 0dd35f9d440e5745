import type { FileFormat } from '@sluice/ingest-core'
import type { Contract } from '@sluice/schemas'
import type { Bucket } from '../kafka/lake-place.ts'
import { contract } from '../log-to-parquet/event-log.ts'

/** What is measured: how an event is written in Kafka, and how in the lake. */
export const lanes = {
  'avro-parquet': { format: 'avro', file: { format: 'parquet', options: { compression: 'zstd' } } },
  'json-parquet': { format: 'json', file: { format: 'parquet', options: { compression: 'zstd' } } },
  'json-jsonl': { format: 'json', file: { format: 'jsonl' } },
} as const satisfies Record<string, { readonly format: Contract['format']; readonly file: FileFormat }>

export type LaneName = keyof typeof lanes
export const laneNames = Object.keys(lanes) as LaneName[]

export function contractOfLane(lane: LaneName, topic: string): Contract {
  return { ...contract, topic, format: lanes[lane].format }
}

/** What the process of a lane is told, as JSON in its first argument. */
export interface LaneJob {
  readonly lane: LaneName
  readonly brokers: string
  readonly topic: string
  readonly bucket: Bucket
  readonly rotateMs: number
}

/** A commit, as the process of a lane reports it. */
export interface LaneCommit {
  readonly partition: number
  readonly start: number
  readonly end: number
  readonly rows: number
  readonly files: number
  /** When the sink had made it durable, ms since epoch. */
  readonly at: number
}

export type LaneMessage =
  | { readonly kind: 'ready' }
  | ({ readonly kind: 'commit' } & LaneCommit)
  | { readonly kind: 'ended'; readonly consumed: number; readonly stored: number; readonly peakRss: number }
