import { waitFor } from '@sluice/ingest-core'
import type { LogBounds, PartitionId } from '@sluice/ingest-core'
import type { Cluster, ClusterPartition, ClusterState } from '../connection/cluster.ts'
import { codes, isDenied, isPassing } from '../connection/codes.ts'
import { listBounds } from '../wire/list-offsets.ts'
import { nameOf } from './refusals.ts'
import type { Refusals } from './refusals.ts'

/**
 * Who the topics of a source are. Cluster id and topic ids are pinned when first seen: a name under which something else
 * turns up later is never followed (faults 27, 28).
 */
export interface Directory {
  /** Looks at the metadata, at most `maxAgeMs` old. @throws SourceError */
  refresh(maxAgeMs: number): Promise<void>
  /** Topics asked for that do not exist, as last seen. */
  missing(): readonly string[]
  /** All partitions of the topics, as last seen, under their pinned ids. */
  partitions(): readonly PartitionId[]
  /** The partition a group means: by topic id (also one of a topic that took the name over) or by name. */
  find(topic: string, partition: number): PartitionId | undefined
  /** Leader as last seen; undefined while there is none. */
  leader(partition: PartitionId): ClusterPartition | undefined
  /** Why the partition is not what it was, as last seen. @throws SourceError SOURCE_REPLACED, SOURCE_UNAVAILABLE */
  check(partition: PartitionId): void
  /** Asks the leader. @throws SourceError */
  bounds(partition: PartitionId, readCommitted: boolean): Promise<LogBounds>
}

interface Pinned {
  readonly id: string
  /** Since when the topic is not in the metadata; a broker that has just started may not know it yet. */
  absentSince: number | null
}

const absenceMs = 2000
const attempts = 20

export function createDirectory(cluster: Cluster, topics: readonly string[], refusals: Refusals): Directory {
  const pinned = new Map<string, Pinned>()
  let clusterId: string | undefined
  let state: ClusterState | undefined

  async function refresh(maxAgeMs: number): Promise<void> {
    let seen: ClusterState
    try {
      seen = await cluster.state(topics, maxAgeMs)
    } catch (error) {
      throw refusals.from(error)
    }
    clusterId ??= seen.clusterId
    state = seen
    for (const name of topics) {
      const topic = seen.topics.get(name)
      const code = topic?.errorCode ?? codes.UNKNOWN_TOPIC_OR_PARTITION
      if (isDenied(code)) throw refusals.denied(`topic ${name}: not authorised to read it`)
      const known = pinned.get(name)
      if (topic !== undefined && code === codes.NONE) {
        if (known === undefined) pinned.set(name, { id: topic.id, absentSince: null })
        else known.absentSince = null
      } else if (known !== undefined && !isPassing(code)) known.absentSince ??= Date.now()
    }
  }

  const present = (name: string) => {
    const topic = state?.topics.get(name)
    return topic?.errorCode === codes.NONE ? topic : undefined
  }

  function check(partition: PartitionId): void {
    if (state === undefined) return
    if (state.clusterId !== partition.clusterId) {
      throw refusals.replaced(
        partition,
        `cluster ${partition.clusterId} is gone, its brokers now are cluster ${state.clusterId}`,
      )
    }
    const topic = present(partition.topic)
    const known = pinned.get(partition.topic)
    if (topic !== undefined && topic.id !== partition.topicId) {
      throw refusals.replaced(partition, `the topic was deleted; another one with id ${topic.id} has its name`)
    }
    if (topic !== undefined || known === undefined || known.absentSince === null) return
    if (Date.now() - known.absentSince >= absenceMs) throw refusals.replaced(partition, 'the topic was deleted')
    throw refusals.unavailable(`${nameOf(partition)}: the topic is not in the metadata`, undefined, partition)
  }

  return {
    refresh,
    missing: () => topics.filter((name) => present(name) === undefined && !pinned.has(name)),
    partitions: () =>
      topics.flatMap((name) => {
        const known = pinned.get(name)
        const topic = present(name)
        if (known === undefined || clusterId === undefined) return []
        const count = topic?.id === known.id ? topic.partitions.length : 0
        return Array.from({ length: count }, (_, partition) => ({
          clusterId: clusterId!,
          topicId: known.id,
          topic: name,
          partition,
        }))
      }),
    find(topic, partition) {
      for (const [name, { id }] of pinned) {
        const now = present(name)
        if (topic !== name && topic !== id && topic !== now?.id) continue
        return { clusterId: clusterId ?? '', topicId: id, topic: name, partition }
      }
      return undefined
    },
    leader({ topic, topicId, partition }) {
      const now = present(topic)
      const found = now?.id === topicId ? now.partitions[partition] : undefined
      return found === undefined || found.leader < 0 ? undefined : found
    },
    check,
    async bounds(partition, readCommitted) {
      let why = 'it has no leader'
      for (let attempt = 0; attempt < attempts; attempt++) {
        // A topic deleted a moment ago must not pass for the one that took its name.
        await refresh(attempt === 0 ? 100 : 0)
        check(partition)
        const leader = this.leader(partition)
        if (leader !== undefined) {
          try {
            const link = await cluster.link(leader.leader)
            const { start, end } = await listBounds(link, partition.topic, partition.partition, -1, readCommitted)
            const code = start.errorCode !== codes.NONE ? start.errorCode : end.errorCode
            if (code === codes.NONE) return { start: start.offset, end: end.offset }
            if (isDenied(code)) throw refusals.denied(`${nameOf(partition)}: not authorised`, undefined, partition)
            why = `protocol error ${code}`
          } catch (error) {
            throw refusals.from(error)
          }
        }
        await waitFor(Math.min(25 * 2 ** attempt, 500), new AbortController().signal)
      }
      throw refusals.unavailable(`${nameOf(partition)}: its bounds cannot be read: ${why}`, undefined, partition)
    },
  }
}
