import type { LakePlace } from '../kafka/lake-place.ts'

/** What a contender is told, as JSON in its first argument. */
export interface Job {
  readonly records: number
  readonly brokers: string
  readonly topic: string
  readonly place: LakePlace
  /** Ours only: settings to try. */
  readonly settings: Settings
}

export interface Settings {
  readonly workers?: number
  readonly pollBytes?: number
  readonly budgetBytes?: number
  readonly rotateRows?: number
  readonly firstRows?: number
  readonly rotateMs?: number
  readonly chunksAhead?: number
  readonly assignment?: 'group' | 'static'
  readonly youngMb?: number
  readonly oldMb?: number
  /** Per cent for `letHeapGrow`; 0 leaves V8 alone. */
  readonly heapGrowth?: number
}

export const jobOf = (argument: string | undefined): Job => JSON.parse(argument!) as Job
