import type { Cluster } from '../connection/cluster.ts'

/** A partition as groups name it: by the topic's name or id, whichever the protocol speaks. */
export interface GroupPartition {
  readonly topic: string
  readonly partition: number
}

export interface MembershipEvents {
  /** The complete set from now on. Whatever is not in it is given up at once. */
  assigned(partitions: readonly GroupPartition[]): void
  /** The group went on without this member (session expired, fenced): everything is taken away and must be dropped. */
  lost(): void
  /** Why there is no membership at the moment, or null when there is one again. */
  trouble(error: Error | null): void
}

export interface GroupPosition {
  readonly topic: string
  readonly partition: number
  readonly next: number
}

/** One member of one consumer group. */
export interface Membership {
  /** Whether `GroupPartition.topic` is a topic id. */
  readonly byTopicId: boolean
  start(events: MembershipEvents): void
  /** Commits offsets as this member: a lag gauge. @throws KafkaError */
  commit(positions: readonly GroupPosition[]): Promise<void>
  /** Gives everything up and leaves, within a few seconds. Safe to call twice. */
  leave(): Promise<void>
}

export interface MembershipOptions {
  readonly cluster: Cluster
  readonly groupId: string
  readonly topics: readonly string[]
  /** Static membership: the same name keeps its partitions over a restart. */
  readonly instanceId?: string
  /** How long the group waits for a member to give partitions up, ms. */
  readonly rebalanceTimeoutMs: number
}
