import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Contract, SchemaRegistry } from '@sluice/schemas'
import type { ObjectStore } from '../src/contracts/object-store.ts'
import { createDeadLetters } from '../src/dead-letters/dead-letters.ts'
import type { DeadLetters, DeadLettersOptions } from '../src/dead-letters/dead-letters.ts'
import { createDecodeService } from '../src/decode/decode-service.ts'
import { createSchemaResolver } from '../src/decode/schema-resolver.ts'
import { openSegmentLog } from '../src/log/segment-log.ts'
import type { SegmentLog } from '../src/log/segment-log.ts'
import type { PipelineOptions, RunSummary } from '../src/pipeline/options.ts'
import { createPipeline } from '../src/pipeline/pipeline.ts'
import type { Pipeline } from '../src/pipeline/pipeline.ts'
import { createFileSink } from '../src/sink/file-sink.ts'
import type { FileSinkOptions } from '../src/sink/file-sink-options.ts'
import { createSegmentLogSource } from '../src/sources/segment-log-source.ts'
import { createLocalStore } from '../src/stores/local-store.ts'
import { createIngestWorkers } from '../src/workers/ingest-workers.ts'
import type { IngestWorkers, IngestWorkersOptions } from '../src/workers/ingest-workers.ts'
import { testRegistry, userEvents } from './pipeline-events.ts'

export const sinkId = 'test-sink'
export const never = new AbortController().signal

/** A folder with a segment log and a lake, both real, on the local disk. */
export interface TestLake {
  readonly root: string
  readonly log: SegmentLog
  readonly store: ObjectStore
  readonly registry: ReturnType<typeof testRegistry>
  dispose(): Promise<void>
}

export async function openTestLake(partitions = 1): Promise<TestLake> {
  const root = await mkdtemp(join(tmpdir(), 'sluice-e2e-'))
  const log = await openSegmentLog({ root: join(root, 'log'), fsync: 'roll', batchBytes: 2_000 })
  await log.createTopic(userEvents.topic, { partitions })
  const store = createLocalStore({ root: join(root, 'lake'), durable: false })
  await store.open(never)
  return {
    root,
    log,
    store,
    registry: testRegistry(),
    async dispose() {
      await log.close()
      await store.close()
      await rm(root, { recursive: true, force: true })
    },
  }
}

export interface Parts {
  readonly pipeline: Pipeline
  readonly workers: IngestWorkers
}

export interface PartOptions {
  readonly pipeline?: Partial<PipelineOptions>
  readonly sink?: Partial<FileSinkOptions>
  readonly workers?: Partial<IngestWorkersOptions>
  /** Workers that outlive the run. */
  readonly shared?: IngestWorkers
  readonly registry?: SchemaRegistry
  /** Default: UserEvent alone. */
  readonly contracts?: readonly Contract[]
  /** Default: files are encoded in the workers. */
  readonly inline?: boolean
}

/** The real parts, put together as an app does. */
export async function assemble(
  lake: Pick<TestLake, 'root' | 'store' | 'registry'>,
  options: PartOptions = {},
): Promise<Parts> {
  const { contracts = [userEvents] } = options
  const workers = options.shared ?? openTestWorkers(options.workers)
  const schemas = createSchemaResolver({ registry: options.registry ?? lake.registry, recheckMs: 1 })
  const sink = createFileSink({
    store: lake.store,
    sinkId,
    owner: 'tests',
    tables: contracts.map((contract) => ({ contract })),
    file: { format: 'jsonl' },
    ...(options.inline !== true && { host: workers.fileSets }),
    ...options.sink,
  })
  const pipeline = createPipeline({
    source: await createSegmentLogSource({ root: join(lake.root, 'log'), follow: false, waitMs: 5 }),
    sink,
    contracts,
    decoder: createDecodeService({ workers, contracts, schemas }),
    startPolicy: 'earliest',
    pollBytes: 20_000,
    backOff: { firstMs: 1, maxMs: 10 },
    circuitBreaker: { maxShare: 1 },
    ...options.pipeline,
  })
  return { pipeline, workers }
}

/** Runs until caught up; closes the workers unless they are shared. */
export async function runOnce(lake: TestLake, options: PartOptions = {}): Promise<RunSummary> {
  const { pipeline, workers } = await assemble(lake, options)
  try {
    return await pipeline.run({ until: 'caught-up' })
  } finally {
    if (options.shared === undefined) await workers.close()
  }
}

export function openTestWorkers(options: Partial<IngestWorkersOptions> = {}): IngestWorkers {
  return createIngestWorkers({ contracts: [userEvents], size: 1, limits: { maxRecordBytes: 65_536 }, ...options })
}

export interface LakeContent {
  /** `partition:offset` of each row in data and late files, sorted. */
  readonly rows: string[]
  /** `partition:offset code` of each dead letter, sorted. */
  readonly dead: string[]
  readonly keys: string[]
}

/** What lies in the lake, from the files alone. */
export async function contentOf(store: ObjectStore): Promise<LakeContent> {
  const rows: string[] = []
  const dead: string[] = []
  const keys: string[] = []
  for await (const { key } of store.list('', never)) {
    keys.push(key)
    if (!key.endsWith('.jsonl')) continue
    const lines = new TextDecoder()
      .decode(await store.get(key, never))
      .split('\n')
      .slice(0, -1)
    for (const line of lines) {
      const row = JSON.parse(line) as Record<string, unknown>
      if (key.startsWith('dead-letter-queue/'))
        dead.push(`${String(row['partition'])}:${String(row['offset'])} ${String(row['code'])}`)
      else rows.push(`${String(row['_partition'])}:${String(row['_offset'])}`)
    }
  }
  return { rows: rows.sort(), dead: dead.sort(), keys }
}

/** Dead-letter operations over the lake. */
export function openDeadLetters(
  lake: Pick<TestLake, 'store' | 'registry'>,
  workers: IngestWorkers,
  extra: Partial<DeadLettersOptions> = {},
): DeadLetters {
  const { contracts = [userEvents] } = extra
  const schemas = createSchemaResolver({ registry: lake.registry, recheckMs: 1 })
  const decoder = createDecodeService({ workers, contracts, schemas })
  return createDeadLetters({ store: lake.store, sinkId, contracts, decoder, schemas, ...extra })
}
