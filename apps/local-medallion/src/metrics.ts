import type { PipelineStatus } from '@sluice/ingest-core'
import { createMetricsRegistry, type Health } from '@sluice/runtime'
import { Gauge, type Registry } from 'prom-client'

const OUTCOMES = ['consumed', 'stored', 'late', 'duplicate', 'filtered', 'deadLettered', 'inFlight'] as const

/**
 * Metrics of a pipeline, read from its status at each scrape. Labels are topics and partitions of the app's own contracts,
 * never taken from data, so their number is bounded (input 34).
 */
export function registerPipelineMetrics(status: () => PipelineStatus | undefined): Registry {
  const registry = createMetricsRegistry()
  const gauge = (
    name: string,
    help: string,
    labelNames: string[],
    collect: (gauge: Gauge, now: PipelineStatus) => void,
  ) =>
    new Gauge({
      name,
      help,
      labelNames,
      registers: [registry],
      collect() {
        const now = status()
        if (now !== undefined) collect(this, now)
      },
    })
  gauge(
    'sluice_records',
    'Records by outcome since the start of the process',
    ['topic', 'outcome'],
    (each, { topics }) => {
      for (const [topic, counts] of Object.entries(topics)) {
        for (const outcome of OUTCOMES) each.set({ topic, outcome }, counts[outcome])
      }
    },
  )
  gauge('sluice_lag_records', 'Records in the log beyond the sink', ['topic', 'partition'], (each, { partitions }) => {
    for (const { partition, lag } of partitions) {
      if (lag !== null) each.set({ topic: partition.topic, partition: partition.partition }, lag)
    }
  })
  gauge('sluice_budget_bytes', 'Memory on the byte budget', ['kind'], (each, { budget }) => {
    for (const kind of ['limit', 'used', 'peak'] as const) each.set({ kind }, budget[kind])
  })
  return registry
}

/** Not ready while any partition is being opened or in trouble; not live once the pipeline has ended. */
export function healthOf(status: PipelineStatus | undefined): Health {
  if (status === undefined) return { live: true, ready: false, detail: 'starting' }
  const troubled = status.partitions.filter(({ state }) => state !== 'running' && state !== 'closed')
  const ready = status.running && troubled.length === 0
  const detail = troubled
    .map(({ partition, state }) => `${partition.topic}[${partition.partition}] is ${state}`)
    .join('; ')
  return { live: status.running, ready, ...(detail === '' ? {} : { detail }) }
}
