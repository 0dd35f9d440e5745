import type { Writable } from 'node:stream'
import type { FirstOffsets, Output } from '@sluice/generators'
import type { KafkaConfig } from './kafka-config.ts'

/** What a target is opened for. */
export interface TargetContext {
  /** Partitions by topic. */
  readonly topics: Readonly<Record<string, number>>
  /** Where offsets go on for targets that do not know it themselves. */
  readonly firstOffsets: FirstOffsets
  readonly stdout: Writable
  readonly kafka: KafkaConfig
  readonly signal: AbortSignal
}

export interface OpenTarget extends Output {
  /** Next offset by topic and partition; left out by targets that keep none. */
  readonly nextOffsets?: Readonly<Record<string, readonly number[]>>
}
