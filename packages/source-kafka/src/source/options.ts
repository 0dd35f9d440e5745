import type { KafkaConnectionOptions } from '../connection/options.ts'
import { KafkaError } from '../errors.ts'

/** Which partitions a source reads. */
export type KafkaAssignment =
  /** Members of a consumer group share them; the default with a `groupId`. */
  | { readonly kind: 'group'; readonly instanceId?: string; readonly rebalanceTimeoutMs?: number }
  /** All, or those listed; nobody else is asked. The default without a `groupId`. */
  | { readonly kind: 'static'; readonly partitions?: Readonly<Record<string, readonly number[]>> }

export interface KafkaSourceOptions extends KafkaConnectionOptions {
  readonly topics: readonly string[]
  /** Consumer group: shares partitions (unless `assignment` is static) and holds the offsets that lag is measured by. */
  readonly groupId?: string
  readonly assignment?: KafkaAssignment
  /** `read_uncommitted` also reads records of open and aborted transactions. Default `read_committed`. */
  readonly isolation?: 'read_committed' | 'read_uncommitted'
  /** How long a broker, and a poll, waits when nothing is there, ms. Default 100. */
  readonly waitMs?: number
  /** How often to look for new partitions and for a replaced topic, ms. Default 5000. */
  readonly refreshMs?: number
  /** How long to wait for the group's first assignment, ms. Default 60,000. */
  readonly joinTimeoutMs?: number
  /** How long brokers may fail before a poll says so, ms. Default 5000. */
  readonly patienceMs?: number
}

export interface ResolvedSourceOptions {
  readonly topics: readonly string[]
  readonly groupId: string | undefined
  readonly assignment: KafkaAssignment
  readonly readCommitted: boolean
  readonly waitMs: number
  readonly refreshMs: number
  readonly joinTimeoutMs: number
  readonly patienceMs: number
}

/** @throws KafkaError KAFKA_OPTIONS_INVALID */
export function resolveSourceOptions(options: KafkaSourceOptions): ResolvedSourceOptions {
  const { topics, groupId, waitMs = 100, refreshMs = 5000, joinTimeoutMs = 60_000, patienceMs = 5000 } = options
  const assignment = options.assignment ?? (groupId === undefined ? { kind: 'static' } : { kind: 'group' })
  const invalid = (text: string): KafkaError => new KafkaError('KAFKA_OPTIONS_INVALID', text)
  if (topics.length === 0) throw invalid('topics: name at least one')
  if (new Set(topics).size < topics.length) throw invalid('topics: each only once')
  if (groupId === '') throw invalid('groupId is empty')
  if (assignment.kind === 'group' && groupId === undefined) throw invalid('assignment by group needs a groupId')
  const foreign = assignment.kind === 'static' ? Object.keys(assignment.partitions ?? {}) : []
  for (const topic of foreign)
    if (!topics.includes(topic)) throw invalid(`assignment: ${topic} is not among the topics`)
  for (const [name, value] of Object.entries({ waitMs, refreshMs, joinTimeoutMs, patienceMs })) {
    if (!Number.isFinite(value) || value <= 0) throw invalid(`${name} should be a number above 0`)
  }
  return {
    topics: [...topics],
    groupId,
    assignment,
    readCommitted: (options.isolation ?? 'read_committed') === 'read_committed',
    waitMs,
    refreshMs,
    joinTimeoutMs,
    patienceMs,
  }
}
