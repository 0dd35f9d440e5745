import {
  auditChain,
  createSegmentLogSource,
  listCommittedFiles,
  type AuditReport,
  type CommittedFile,
  type PartitionId,
} from '@sluice/ingest-core'
import type { Reached } from '@sluice/generators'
import { openLakeStore } from './ingest.ts'
import { SINK_ID, type Places } from './places.ts'
import { bakeryFeeds } from './produce.ts'
import type { TopicTotals } from './show-data.ts'

/** One partition as the log and the commit chain see it. */
export interface PartitionState {
  readonly partition: PartitionId
  /** Log start and end. */
  readonly start: number
  readonly end: number
  /** Sink progress; null before the first commit. */
  readonly next: number | null
  readonly flushes: number
}

export interface LakeState {
  readonly files: readonly CommittedFile[]
  readonly audit: AuditReport
  readonly partitions: readonly PartitionState[]
  readonly totals: readonly TopicTotals[]
  readonly reached: readonly Reached[]
}

/** Reads where log and lake stand; changes nothing. `deep` reads every object and compares digests. */
export async function readLakeState(places: Places, signal: AbortSignal, deep: boolean): Promise<LakeState> {
  const store = await openLakeStore(places, signal)
  try {
    const audit = await auditChain(store, { sinkId: SINK_ID, deep, signal })
    const files = await listCommittedFiles(store, { sinkId: SINK_ID, signal })
    const partitions = await readPartitions(places, audit, signal)
    const reached = audit.partitions.map(({ topic, partition, next }) => ({ topic, partition, next }))
    return { files, audit, partitions, totals: bakeryFeeds.map((topic) => totalsOf(topic, audit, partitions)), reached }
  } finally {
    await store.close()
  }
}

async function readPartitions(places: Places, audit: AuditReport, signal: AbortSignal): Promise<PartitionState[]> {
  const source = await createSegmentLogSource({ root: places.log, topics: bakeryFeeds, follow: false })
  try {
    const partitions: PartitionState[] = []
    for await (const { assigned } of source.assignments(signal)) {
      for (const partition of assigned) {
        const known = audit.partitions.find(
          (each) => each.topicId === partition.topicId && each.partition === partition.partition,
        )
        const bounds = await source.bounds(partition)
        partitions.push({ partition, ...bounds, next: known?.next ?? null, flushes: known?.flushes ?? 0 })
      }
      break
    }
    return partitions
  } finally {
    await source.close()
  }
}

/** Conservation of one topic; redeliveries never enter the chain, so none are counted at rest. */
function totalsOf(topic: string, audit: AuditReport, partitions: readonly PartitionState[]): TopicTotals {
  const chains = audit.partitions.filter((each) => each.topic === topic)
  const sum = (name: 'consumed' | 'stored' | 'late' | 'filtered' | 'deadLettered') =>
    chains.reduce((total, { counts }) => total + counts[name], 0)
  const inFlight = partitions
    .filter(({ partition }) => partition.topic === topic)
    .reduce((total, { start, end, next }) => total + end - (next ?? start), 0)
  return {
    topic,
    consumed: sum('consumed') + inFlight,
    stored: sum('stored'),
    late: sum('late'),
    duplicate: 0,
    filtered: sum('filtered'),
    deadLettered: sum('deadLettered'),
    inFlight,
  }
}
