import {
  auditChain,
  listCommittedFiles,
  type AuditReport,
  type CommittedFile,
  type PartitionId,
} from '@sluice/ingest-core'
import type { Reached } from '@sluice/generators'
import { explained } from './errors.ts'
import { topicsOf, type LakeApp } from './lake-app.ts'
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

/**
 * Reads where log and lake stand; changes nothing. `deep` reads every object and compares digests.
 * @throws AppError SOURCE_MISSING
 */
export async function readLakeState(app: LakeApp, signal: AbortSignal, deep: boolean): Promise<LakeState> {
  const store = await app.openStore(signal)
  try {
    const { sinkId } = app
    const partitions = await readBounds(app, signal)
    const audit = await auditChain(store, { sinkId, deep, signal })
    const files = await listCommittedFiles(store, { sinkId, signal })
    const states = partitions.map(({ partition, start, end }) => {
      const known = audit.partitions.find(
        (each) => each.topicId === partition.topicId && each.partition === partition.partition,
      )
      // Progress that was made after the bounds were read is no negative lag.
      const next = known?.next ?? null
      return { partition, start, end: Math.max(end, next ?? 0), next, flushes: known?.flushes ?? 0 }
    })
    const reached = audit.partitions.map(({ topic, partition, next }) => ({ topic, partition, next }))
    const totals = topicsOf(app).map((topic) => totalsOf(topic, audit, states))
    return { files, audit, partitions: states, totals, reached }
  } finally {
    await store.close()
  }
}

/** Log start and end of every partition of the app's topics. */
export async function readBounds(
  app: LakeApp,
  signal: AbortSignal,
): Promise<{ partition: PartitionId; start: number; end: number }[]> {
  const source = await app.openSource({ kind: 'look' })
  try {
    const partitions: { partition: PartitionId; start: number; end: number }[] = []
    for await (const { assigned } of source.assignments(signal)) {
      for (const partition of assigned) partitions.push({ partition, ...(await source.bounds(partition)) })
      break
    }
    return partitions
  } catch (error) {
    throw explained(error)
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
