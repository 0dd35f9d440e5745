import type { Pipeline, RunSummary } from '@sluice/ingest-core'
import { createMetricsRegistry, observePipeline, openTelemetryMeter, serveMetrics } from '@sluice/runtime'
import type { CommandContext } from './context.ts'
import { ingest, type IngestOptions } from './ingest.ts'

/** Runs the pipeline, with its metrics and health served when a port is given. */
export async function observedIngest(
  context: Pick<CommandContext, 'app' | 'config' | 'log' | 'signal'>,
  options: Pick<IngestOptions, 'follow' | 'hooks'>,
): Promise<RunSummary> {
  const { app, config, log, signal } = context
  let pipeline: Pipeline | undefined
  let heldUpBy: string | undefined
  const registry = createMetricsRegistry()
  const meter = await openTelemetryMeter()
  const observer = observePipeline({
    status: () => pipeline?.status(),
    topics: app.contracts.map(({ topic }) => topic),
    registry,
    ...(meter === undefined ? {} : { meter }),
    stallAfterMs: config.ingest.stallAfter,
    heldUpBy: () => heldUpBy,
  })
  const port = config.ingest.metricsPort
  await using _server = port === undefined ? undefined : await serveMetrics({ port, registry, health: observer.health })
  const summary = await ingest(app, config.ingest, {
    ...options,
    signal,
    log,
    onPipeline: (made) => (pipeline = made),
    onReceipt: observer.onReceipt,
    onHeldUp: (by) => (heldUpBy = by),
  })
  log.info({ outcome: summary.outcome, commits: summary.commits, topics: summary.topics }, 'ingest ended')
  return summary
}
