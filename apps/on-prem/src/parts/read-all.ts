import type { LakeApp } from '@sluice/app-kit'
import {
  createDecodeService,
  createIngestWorkers,
  createPipeline,
  createSchemaResolver,
  type RunSummary,
  type SinkBatch,
  type PartitionId,
} from '@sluice/ingest-core'
import type { Logger } from '@sluice/runtime'
import type { Contract } from '@sluice/schemas'
import { createReadingSink } from './reading-sink.ts'

export interface ReadAllOptions {
  readonly app: LakeApp
  /** Default: those of the app. A reader of an older version brings its own. */
  readonly contracts?: readonly Contract[]
  readonly workers: number
  readonly budgetBytes: number
  /** Go on at the end of the log, until `signal`. */
  readonly follow: boolean
  readonly log: Logger
  readonly signal: AbortSignal
  readonly onOpen?: (partition: PartitionId) => void
  readonly onBatch: (batch: SinkBatch) => void
}

/** Reads every record of the app's topics from the start, decoded in workers as the ingest does, into a callback. */
export async function readAll(options: ReadAllOptions): Promise<RunSummary> {
  const { app, follow, log, signal, onOpen, onBatch } = options
  const contracts = options.contracts ?? app.contracts
  await using open = new AsyncDisposableStack()
  const source = await app.openSource({ kind: 'look', follow })
  open.defer(() => source.close())
  const workers = createIngestWorkers({ contracts, size: options.workers })
  open.defer(() => workers.close())
  const { registry, close } = app.openRegistry()
  open.defer(close)
  const { schemaChecks } = app
  const schemas = createSchemaResolver({ registry, ...(schemaChecks === undefined ? {} : { checks: schemaChecks }) })
  const pipeline = createPipeline({
    source,
    sink: createReadingSink({ onBatch, ...(onOpen === undefined ? {} : { onOpen }) }),
    contracts,
    decoder: createDecodeService({ workers, contracts, schemas }),
    // Only rows count here: what is bad is counted and passed over.
    circuitBreaker: { maxShare: 1 },
    rotation: { intervalMs: 1000, idleMs: 1000 },
    budgetBytes: options.budgetBytes,
    startPolicy: 'earliest',
    logger: log,
    signal,
  })
  // Awaited here: what was opened is closed when this function is left.
  return await pipeline.run({ until: follow ? 'aborted' : 'caught-up' })
}
