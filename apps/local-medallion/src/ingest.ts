import {
  createDecodeService,
  createFileSink,
  createIngestWorkers,
  createLocalStore,
  createPipeline,
  createSchemaLedger,
  createSchemaResolver,
  createSegmentLogSource,
  type ObjectStore,
  type Pipeline,
  type RunSummary,
  type SinkHooks,
} from '@sluice/ingest-core'
import { createProgress, type Logger } from '@sluice/runtime'
import { contracts, createFileRegistry, type Contract } from '@sluice/schemas'
import type { AppConfig } from './config.ts'
import { AppError } from './errors.ts'
import { OWNER, PIPELINE, PIPELINE_VERSION, SINK_ID, type Places } from './places.ts'
import { bakeryFeeds } from './produce.ts'

/** Contracts of the bakery's six topics. */
export const bakeryContracts: readonly Contract[] = Object.values(contracts).filter(({ topic }) =>
  bakeryFeeds.includes(topic),
)

export interface IngestOptions {
  /** Go on after the end of the log is reached, until `signal`. */
  readonly follow: boolean
  readonly signal: AbortSignal
  readonly log: Logger
  /** Called once the pipeline exists; for status and metrics. */
  readonly onPipeline?: (pipeline: Pipeline) => void
  /** Failpoints of the sink, for tests of crashes. */
  readonly hooks?: SinkHooks
}

/** The lake of the app: a folder. */
export async function openLakeStore(places: Places, signal: AbortSignal): Promise<ObjectStore> {
  const store = createLocalStore({ root: places.lake })
  await store.open(signal)
  return store
}

/**
 * Lands what the log holds beyond the sink's progress: segment log, decode in workers, Parquet files, dead letters and offsets
 * in one commit chain. Running it again with nothing new changes nothing.
 * @throws {AppError} INGEST_INCOMPLETE when a partition stopped or is paused
 */
export async function ingest(config: AppConfig, places: Places, options: IngestOptions): Promise<RunSummary> {
  const { workers: size, budget, compression, pollBytes } = config.ingest
  const store = await openLakeStore(places, options.signal)
  const workers = createIngestWorkers({ contracts: bakeryContracts, size })
  const source = await createSegmentLogSource({ root: places.log, topics: bakeryFeeds, follow: options.follow })
  const sink = createFileSink({
    store,
    sinkId: SINK_ID,
    owner: OWNER,
    tables: bakeryContracts.map((contract) => ({ contract })),
    file: { format: 'parquet', options: { compression } },
    pipeline: { name: PIPELINE, version: PIPELINE_VERSION },
    host: workers.fileSets,
    ...(options.hooks === undefined ? {} : { hooks: options.hooks }),
  })
  try {
    const pipeline = createPipeline({
      source,
      sink,
      contracts: bakeryContracts,
      decoder: createDecodeService({
        workers,
        contracts: bakeryContracts,
        // One file on one disk: what was registered before a record was written is seen at the first look.
        schemas: createSchemaResolver({
          registry: createFileRegistry(places.registry),
          checks: 1,
          ledger: createSchemaLedger({ store, sinkId: SINK_ID }),
        }),
      }),
      rotation: {
        bytes: config.ingest.rotateBytes,
        rows: config.ingest.rotateRows,
        intervalMs: config.ingest.rotateInterval,
        idleMs: config.ingest.rotateIdle,
      },
      budgetBytes: budget,
      pollBytes,
      startPolicy: config.ingest.start,
      circuitBreaker: { maxShare: config.ingest.maxBadShare },
      drainMs: config.ingest.shutdownGrace,
      logger: options.log,
      signal: options.signal,
    })
    options.onPipeline?.(pipeline)
    using _progress = options.follow ? undefined : showProgress(pipeline)
    const summary = await pipeline.run({ until: options.follow ? 'aborted' : 'caught-up' })
    if (summary.outcome === 'incomplete') throw incomplete(summary)
    return summary
  } finally {
    await sink.close()
    await source.close()
    await workers.close()
    await store.close()
  }
}

function showProgress(pipeline: Pipeline): Disposable {
  let progress: ReturnType<typeof createProgress> | undefined
  const started = Date.now()
  const tick = () => {
    const { partitions } = pipeline.status()
    if (partitions.some(({ lag }) => lag === null)) return
    const done = partitions.reduce((sum, { counts }) => sum + counts.consumed, 0)
    const left = partitions.reduce((sum, { lag }) => sum + (lag ?? 0), 0)
    if (left === 0 && progress === undefined) return
    progress ??= createProgress({ label: 'ingest ', total: done + left, unit: 'events' })
    progress.update(done, `${Math.round((done * 1000) / (Date.now() - started)).toLocaleString('en-US')}/s`)
  }
  const timer = setInterval(tick, 100)
  return {
    [Symbol.dispose]() {
      clearInterval(timer)
      tick()
      progress?.stop()
    },
  }
}

function incomplete(summary: RunSummary): AppError {
  const troubled = summary.partitions.filter(
    ({ state }) => state === 'stopped' || state === 'paused' || state === 'backing-off',
  )
  const lines = troubled.map(({ partition: { topic, partition }, state, error }) => {
    return `${topic}[${partition}] is ${state}${error === null ? '' : `: ${error.code} ${error.message}`}`
  })
  return new AppError('INGEST_INCOMPLETE', lines.join('; '))
}
