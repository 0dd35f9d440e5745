import type { Counts, SinkHookPoint } from '@sluice/ingest-core'
import type { Driver } from './schedule.ts'

/** What a worker process is told, as JSON in its first argument. */
export interface WorkerSetting {
  readonly driver: Driver
  readonly brokers: readonly string[]
  readonly topic: string
  readonly groupId: string
  /** How long the group waits for a member that is silent, as the broker has it for the raw driver. */
  readonly sessionMs: number
  readonly registryUrl: string
  readonly store: StoreSetting
  readonly format: 'parquet' | 'jsonl'
  readonly rotateRows: number
}

/** Where a worker ends or is stopped, and at which of its passes from now on. */
export interface Failpoint {
  readonly point: SinkHookPoint
  readonly nth: number
  readonly signal: 'SIGKILL' | 'SIGSTOP'
}

/** What a running worker is told, one JSON object per line of its input. Null takes the trap away. */
export interface WorkerOrder {
  readonly trap: number
  readonly failpoint: Failpoint | null
}

export type StoreSetting =
  | { readonly kind: 'local'; readonly root: string }
  | {
      readonly kind: 's3'
      readonly endpoint: string
      readonly bucket: string
      readonly region: string
      readonly accessKeyId: string
      readonly secretAccessKey: string
      readonly multipartAbove: number
    }

/** What a worker process says, one JSON object per line. */
export type WorkerLine =
  | {
      readonly kind: 'receipt'
      readonly partition: number
      readonly start: number
      readonly end: number
      readonly counts: Counts
    }
  /** In a trap, right before the signal. */
  | { readonly kind: 'point'; readonly trap: number; readonly signal: 'SIGKILL' | 'SIGSTOP' }
  /** A partition needs somebody's decision; the process ends so that it is started again. */
  | { readonly kind: 'halted'; readonly partition: number; readonly code: string; readonly message: string }
  /** Trouble that the pipeline deals with by itself; each code once. */
  | { readonly kind: 'trouble'; readonly code: string }

/** How a worker ends when a partition is halted. */
export const haltedExit = 3

/** In place of a setting: load everything, do nothing. */
export const warmArgument = 'warm'
