import {
  createDecodeService,
  createFanOutSink,
  createFileSink,
  createIngestWorkers,
  createPipeline,
  createSchemaLedger,
  createSchemaResolver,
  type CommitInfo,
  type CommitReceipt,
  type Pipeline,
  type RunSummary,
  type SinkHooks,
} from '@sluice/ingest-core'
import { createProgress, type Logger } from '@sluice/runtime'
import type { IngestConfig } from './config.ts'
import { AppError, explained } from './errors.ts'
import type { LakeApp } from './lake-app.ts'

export interface IngestOptions {
  /** Go on after the end of the log is reached, until `signal`. */
  readonly follow: boolean
  readonly signal: AbortSignal
  readonly log: Logger
  /** Called once the pipeline exists; for status and metrics. */
  readonly onPipeline?: (pipeline: Pipeline) => void
  /** Called after each commit; for metrics. */
  readonly onReceipt?: (receipt: CommitReceipt, info: CommitInfo) => void
  /** Called with what commits are held up by, in words, and with undefined when they are not any more. */
  readonly onHeldUp?: (by: string | undefined) => void
  /** Failpoints of the sink, for tests of crashes. */
  readonly hooks?: SinkHooks
}

/**
 * Lands what the source holds beyond the sink's progress: decode in workers, files, dead letters and offsets in one commit
 * chain. Running it again with nothing new changes nothing.
 * @throws AppError SOURCE_MISSING; INGEST_INCOMPLETE when a partition stopped or is paused
 */
export async function ingest(app: LakeApp, config: IngestConfig, options: IngestOptions): Promise<RunSummary> {
  const { contracts, schemaChecks, layout, tables = contracts.map((contract) => ({ contract })) } = app
  const { follow, signal, log, hooks, onReceipt } = options
  await using open = new AsyncDisposableStack()
  // First of all, so that the threads load their code while source and store connect.
  const workers = createIngestWorkers({ contracts, size: config.workers })
  open.defer(() => workers.close())
  workers.start()
  const source = await app.openSource({ kind: 'ingest', follow })
  open.defer(() => source.close())
  const store = await app.openStore(signal)
  open.defer(() => store.close())
  const relay = app.openRelay?.(store, (error) => {
    options.onHeldUp?.(error === null ? undefined : `the relay of dead letters: ${error.message}`)
    if (error === null) log.info('dead letters are handed on again')
    else log.error({ code: codeOf(error) }, `dead letters cannot be handed on, commits wait: ${error.message}`)
  })
  if (relay !== undefined) {
    const close = (): void => void relay.close()
    // A stop must not wait for it: what is left is for the next run to catch up with.
    signal.addEventListener('abort', close, { once: true })
    open.defer(async () => {
      signal.removeEventListener('abort', close)
      await relay.close()
    })
    const caughtUp = await relay.catchUp()
    if (caughtUp > 0) log.info({ letters: caughtUp }, 'dead letters of an earlier run are handed on')
  }
  const { registry, close } = app.openRegistry()
  open.defer(close)
  const files = createFileSink({
    store,
    sinkId: app.sinkId,
    owner: app.owner,
    tables,
    file: { format: 'parquet', options: { compression: config.compression } },
    pipeline: app.pipeline,
    host: workers.fileSets,
    ...(layout === undefined ? {} : { layout }),
    ...(hooks === undefined ? {} : { hooks }),
  })
  open.defer(() => files.close())
  const further = await app.openFurtherSinks?.()
  if (further !== undefined) open.defer(() => further.close())
  const sink =
    further === undefined ? files : createFanOutSink({ sinks: [{ name: 'lake', sink: files }, ...further.members] })
  open.defer(() => sink.close())
  const pipeline = createPipeline({
    source,
    sink,
    contracts,
    decoder: createDecodeService({
      workers,
      contracts,
      schemas: createSchemaResolver({
        registry,
        ledger: createSchemaLedger({ store, sinkId: app.sinkId }),
        ...(schemaChecks === undefined ? {} : { checks: schemaChecks }),
      }),
    }),
    rotation: {
      bytes: config.rotateBytes,
      rows: config.rotateRows,
      ...(config.rotateFirstRows !== undefined && { firstRows: config.rotateFirstRows }),
      intervalMs: config.rotateInterval,
      idleMs: config.rotateIdle,
    },
    budgetBytes: config.budget,
    pollBytes: config.pollBytes,
    startPolicy: config.start,
    circuitBreaker: { maxShare: config.maxBadShare },
    drainMs: config.shutdownGrace,
    logger: log,
    signal,
    async onReceipt(receipt, info) {
      onReceipt?.(receipt, info)
      await relay?.onReceipt(receipt)
    },
  })
  options.onPipeline?.(pipeline)
  using _progress = follow ? undefined : showProgress(pipeline)
  const summary = await pipeline.run({ until: follow ? 'aborted' : 'caught-up' }).catch((error: unknown) => {
    throw explained(error)
  })
  if (summary.outcome === 'incomplete') throw incomplete(summary)
  return summary
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

const codeOf = (error: Error): string => ('code' in error && typeof error.code === 'string' ? error.code : error.name)
