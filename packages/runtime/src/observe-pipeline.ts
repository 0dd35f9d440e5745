import type { CommitInfo, CommitReceipt, PipelineStatus } from '@sluice/ingest-core'
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { Health } from './metrics.ts'
import { registerMeter, type MeterLike } from './open-telemetry.ts'
import { describeStall, pipelineHealth } from './pipeline-health.ts'
import {
  commitDefinitions,
  gaugeDefinitions,
  topicLabel,
  type LabelLimits,
  type Reading,
  type RecordCommit,
} from './pipeline-metrics.ts'

export interface ObserveOptions {
  /** `undefined` until the pipeline exists. */
  readonly status: () => PipelineStatus | undefined
  /** Topics that get series of their own; all others share one. */
  readonly topics: readonly string[]
  /** Prometheus; see `createMetricsRegistry`. */
  readonly registry?: Registry
  /** OpenTelemetry; see `openTelemetryMeter`. */
  readonly meter?: MeterLike
  /** Without a sign of life for this long, health is red, ms. Default 120,000: above the deadline of a sink's write. */
  readonly stallAfterMs?: number
  /** What commits are held up for by decision; see `HealthOptions`. */
  readonly heldUpBy?: () => string | undefined
  /** More assigned partitions than this are shown as one series per topic. Default 500. */
  readonly maxPartitionSeries?: number
  readonly now?: () => number
}

export interface PipelineObserver {
  /** For `serveMetrics`. */
  readonly health: () => Health
  /** For `createPipeline`; counts what a commit did. */
  readonly onReceipt: (receipt: CommitReceipt, info: CommitInfo) => void
}

/**
 * Metrics and health of a pipeline, for Prometheus and OpenTelemetry alike. Gauges are read from the pipeline's status when
 * somebody looks; commits are counted as they happen.
 */
export function observePipeline(options: ObserveOptions): PipelineObserver {
  const { status, registry, meter, stallAfterMs = 120_000, maxPartitionSeries = 500, now = Date.now } = options
  const healthOptions = (at: number) => ({ now: at, since, stallAfterMs, heldUpBy: options.heldUpBy?.() })
  const limits: LabelLimits = { topics: new Set(options.topics), maxPartitions: maxPartitionSeries }
  const since = now()

  function reading(): Reading | undefined {
    const current = status()
    if (current === undefined) return undefined
    const at = now()
    return {
      status: current,
      now: at,
      limits,
      stalled: describeStall(current, healthOptions(at)) !== undefined,
    }
  }

  const recorders = [
    ...(registry === undefined ? [] : [registerPrometheus(registry, reading)]),
    ...(meter === undefined ? [] : [registerMeter(meter, reading)]),
  ]
  return {
    health: () => pipelineHealth(status(), healthOptions(now())),
    onReceipt(receipt, info) {
      const topic = topicLabel(limits, receipt.partition.topic)
      for (const record of recorders) record(receipt, info, topic)
    },
  }
}

function registerPrometheus(registry: Registry, reading: () => Reading | undefined): RecordCommit {
  const registers = [registry]
  for (const { name, help, labels, kind, read } of gaugeDefinitions) {
    const base = { name, help, labelNames: [...labels], registers }
    if (kind === 'gauge') {
      new Gauge({
        ...base,
        collect() {
          const now = reading()
          this.reset() // series of partitions that went elsewhere must not stay
          if (now !== undefined) for (const sample of read(now)) this.set({ ...sample.labels }, sample.value)
        },
      })
    } else {
      new Counter({
        ...base,
        collect() {
          const now = reading()
          if (now === undefined) return
          this.reset() // the pipeline counts; what is shown is its sum
          for (const sample of read(now)) this.inc({ ...sample.labels }, sample.value)
        },
      })
    }
  }
  const records = commitDefinitions.map(({ name, help, labels, kind, buckets, read }): RecordCommit => {
    const base = { name, help, labelNames: [...labels], registers }
    if (kind === 'counter') {
      const counter = new Counter(base)
      return (...commit) => {
        for (const sample of read(...commit)) counter.inc({ ...sample.labels }, sample.value)
      }
    }
    const histogram = new Histogram({ ...base, buckets: [...buckets] })
    return (...commit) => {
      for (const sample of read(...commit)) histogram.observe({ ...sample.labels }, sample.value)
    }
  })
  return (...commit) => {
    for (const record of records) record(...commit)
  }
}
