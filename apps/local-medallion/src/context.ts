import type { Pipeline } from '@sluice/ingest-core'
import { serveMetrics, type Logger } from '@sluice/runtime'
import type { AppConfig } from './config.ts'
import { ingest } from './ingest.ts'
import { healthOf, registerPipelineMetrics } from './metrics.ts'
import type { Places } from './places.ts'

/** What every command gets. */
export interface CommandContext {
  readonly config: AppConfig
  readonly places: Places
  readonly log: Logger
  readonly signal: AbortSignal
  readonly print: (text: string) => void
}

/** Runs the pipeline, with its metrics served when a port is given. */
export async function ingestWithMetrics(context: CommandContext, follow: boolean): Promise<void> {
  const { config, places, log, signal } = context
  let pipeline: Pipeline | undefined
  const registry = registerPipelineMetrics(() => pipeline?.status())
  const port = config.ingest.metricsPort
  await using _server =
    port === undefined ? undefined : await serveMetrics({ port, registry, health: () => healthOf(pipeline?.status()) })
  const summary = await ingest(config, places, { follow, signal, log, onPipeline: (made) => (pipeline = made) })
  log.info({ outcome: summary.outcome, commits: summary.commits, topics: summary.topics }, 'ingest ended')
}
