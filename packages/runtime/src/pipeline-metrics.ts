import type { CommitInfo, CommitReceipt, CutReason, PipelineStatus } from '@sluice/ingest-core'

export interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** What is known when metrics are read. */
export interface Reading {
  readonly status: PipelineStatus
  /** ms since epoch. */
  readonly now: number
  readonly stalled: boolean
  readonly limits: LabelLimits
}

/**
 * Labels are what configuration names, never what data holds, so that their number is bounded (input 34): topics beside
 * the app's own are `other`, and with more partitions than `maxPartitions` the series are one per topic.
 */
export interface LabelLimits {
  readonly topics: ReadonlySet<string>
  readonly maxPartitions: number
}

export interface GaugeDefinition {
  readonly name: string
  /** `counter` only rises while the process lives. */
  readonly kind: 'gauge' | 'counter'
  readonly help: string
  readonly labels: readonly string[]
  read(reading: Reading): Iterable<Sample>
}

export interface CommitMetricDefinition {
  readonly name: string
  readonly kind: 'histogram' | 'counter'
  readonly help: string
  readonly labels: readonly string[]
  /** Upper bounds of a histogram's buckets. */
  readonly buckets: readonly number[]
  read(receipt: CommitReceipt, info: CommitInfo, topic: string): Iterable<Sample>
}

const decided = ['stored', 'late', 'duplicate', 'filtered', 'deadLettered'] as const
const outcomeLabels = {
  stored: 'stored',
  late: 'late',
  duplicate: 'duplicate',
  filtered: 'filtered',
  deadLettered: 'dead_lettered',
} as const
const partitionStates = ['opening', 'running', 'backing-off', 'paused', 'stopped', 'closed'] as const
const seconds = (ms: number): number => Math.max(0, ms / 1000)

export function topicLabel(limits: LabelLimits, topic: string): string {
  return limits.topics.has(topic) ? topic : 'other'
}

/** Sums per topic, so that no topic shows twice. */
function* byTopic<T>(reading: Reading, all: Readonly<Record<string, T>>, value: (each: T) => number): Iterable<Sample> {
  const sums = new Map<string, number>()
  for (const [topic, each] of Object.entries(all)) {
    const label = topicLabel(reading.limits, topic)
    sums.set(label, (sums.get(label) ?? 0) + value(each))
  }
  for (const [topic, sum] of sums) yield { labels: { topic }, value: sum }
}

type Partition = PipelineStatus['partitions'][number]

/** One series per partition, or per topic when there are too many; `merge` then says how. */
function* byPartition(
  { status, limits }: Reading,
  merge: (a: number, b: number) => number,
  value: (each: Partition) => number | null,
): Iterable<Sample> {
  const single = status.partitions.length <= limits.maxPartitions
  const merged = new Map<string, Sample>()
  for (const each of status.partitions) {
    const known = value(each)
    if (known === null) continue
    const topic = topicLabel(limits, each.partition.topic)
    const labels = { topic, partition: single ? String(each.partition.partition) : 'all' }
    const key = `${topic}/${labels.partition}`
    const before = merged.get(key)
    merged.set(key, { labels, value: before === undefined ? known : merge(before.value, known) })
  }
  yield* merged.values()
}

const sum = (a: number, b: number): number => a + b

/** Age of the oldest record that is not durable, as far as it is known: buffered ones by their time, unread ones by the last commit. */
function lagMs({ lag, oldestPending, lastCommit }: Partition, now: number): number | null {
  if (oldestPending !== null) return now - oldestPending
  if (lag === null) return null
  if (lag === 0) return 0
  return lastCommit === null ? null : now - lastCommit.at
}

/** Read from the status of a pipeline at each scrape. */
export const gaugeDefinitions: readonly GaugeDefinition[] = [
  {
    name: 'sluice_records_total',
    kind: 'counter',
    help: 'Records by what a commit decided about them, since the start of the process',
    labels: ['topic', 'outcome'],
    *read(reading) {
      for (const outcome of decided) {
        for (const { labels, value } of byTopic(reading, reading.status.topics, (counts) => counts[outcome])) {
          yield { labels: { ...labels, outcome: outcomeLabels[outcome] }, value }
        }
      }
    },
  },
  {
    name: 'sluice_in_flight_records',
    kind: 'gauge',
    help: 'Records taken from the source and not yet decided by a commit',
    labels: ['topic'],
    read: (reading) => byTopic(reading, reading.status.topics, ({ inFlight }) => inFlight),
  },
  {
    name: 'sluice_lag_records',
    kind: 'gauge',
    help: 'Records in the log beyond what the sink has made durable',
    labels: ['topic', 'partition'],
    read: (reading) => byPartition(reading, sum, ({ lag }) => lag),
  },
  {
    name: 'sluice_lag_seconds',
    kind: 'gauge',
    help: 'Age of the oldest record that is not durable yet; 0 without lag',
    labels: ['topic', 'partition'],
    *read(reading) {
      for (const { labels, value } of byPartition(reading, Math.max, (each) => lagMs(each, reading.now))) {
        yield { labels, value: seconds(value) }
      }
    },
  },
  {
    name: 'sluice_watermark_seconds',
    kind: 'gauge',
    help: 'Newest event time decoded, seconds since 1970',
    labels: ['topic', 'partition'],
    *read(reading) {
      for (const { labels, value } of byPartition(reading, Math.max, ({ watermark }) => watermark)) {
        yield { labels, value: value / 1000 }
      }
    },
  },
  {
    name: 'sluice_partitions',
    kind: 'gauge',
    help: 'Assigned partitions by state',
    labels: ['state'],
    *read({ status }) {
      for (const state of partitionStates) {
        yield { labels: { state }, value: status.partitions.filter((each) => each.state === state).length }
      }
    },
  },
  {
    name: 'sluice_budget_bytes',
    kind: 'gauge',
    help: 'Memory on the byte budget: limit, used now, peak of the run',
    labels: ['kind'],
    *read({ status }) {
      for (const kind of ['limit', 'used', 'peak'] as const) yield { labels: { kind }, value: status.budget[kind] }
    },
  },
  {
    name: 'sluice_circuit_open',
    kind: 'gauge',
    help: '1 while a topic is paused because too many of its records are bad',
    labels: ['topic'],
    read: (reading) => byTopic(reading, reading.status.circuits, ({ open }) => (open ? 1 : 0)),
  },
  {
    name: 'sluice_bad_share',
    kind: 'gauge',
    help: 'Share of refused records among the last ones, 0 to 1',
    labels: ['topic'],
    read: (reading) => byTopic(reading, reading.status.circuits, ({ badShare }) => badShare),
  },
  {
    name: 'sluice_source_failing',
    kind: 'gauge',
    help: '1 while the source as a whole cannot be read',
    labels: [],
    *read({ status }) {
      yield { labels: {}, value: status.source === null ? 0 : 1 }
    },
  },
  {
    name: 'sluice_stalled',
    kind: 'gauge',
    help: '1 when the pipeline neither moves nor waits for something it names',
    labels: [],
    *read({ stalled }) {
      yield { labels: {}, value: stalled ? 1 : 0 }
    },
  },
]

const timeBuckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]
const KiB = 1024
const sizeBuckets = [1, 16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144].map((n) => n * KiB)
const cutReasons: readonly CutReason[] = [
  'bytes',
  'rows',
  'time',
  'idle',
  'memory',
  'caught-up',
  'shutdown',
  'recovery',
]

/** Fed by each commit. */
export const commitDefinitions: readonly CommitMetricDefinition[] = [
  {
    name: 'sluice_commits_total',
    kind: 'counter',
    help: 'Commits by what made them due (rotation reason)',
    labels: ['topic', 'reason'],
    buckets: [],
    *read({ reason }, _info, topic) {
      yield { labels: { topic, reason: cutReasons.includes(reason) ? reason : 'other' }, value: 1 }
    },
  },
  {
    name: 'sluice_commit_seconds',
    kind: 'histogram',
    help: 'How long a commit took: encoding the rest, files, dead letters, progress',
    labels: ['topic'],
    buckets: timeBuckets,
    *read(_receipt, { tookMs }, topic) {
      yield { labels: { topic }, value: seconds(tookMs) }
    },
  },
  {
    name: 'sluice_landing_seconds',
    kind: 'histogram',
    help: 'From the record time of the oldest record of a commit until it was durable',
    labels: ['topic'],
    buckets: timeBuckets,
    *read(_receipt, { at, oldestRecord }, topic) {
      if (oldestRecord !== null) yield { labels: { topic }, value: seconds(at - oldestRecord) }
    },
  },
  {
    name: 'sluice_file_bytes',
    kind: 'histogram',
    help: 'Sizes of the files that commits wrote',
    labels: ['topic'],
    buckets: sizeBuckets,
    *read({ files }, _info, topic) {
      for (const { bytes } of files) yield { labels: { topic }, value: bytes }
    },
  },
]

/** Names of all metrics of a pipeline, as dashboards and alerts write them (histograms without their suffixes). */
export const pipelineMetricNames: readonly string[] = [...gaugeDefinitions, ...commitDefinitions].map(
  ({ name }) => name,
)

/** Counts one commit; `topic` is the label. */
export type RecordCommit = (receipt: CommitReceipt, info: CommitInfo, topic: string) => void
