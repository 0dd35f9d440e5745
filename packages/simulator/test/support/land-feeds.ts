import {
  createCanonicalRow,
  diffLedger,
  hashRow,
  type LedgerDiff,
  type Outcome,
  type Reached,
} from '@sluice/generators'
import {
  auditChain,
  createDecodeService,
  createFileSink,
  createIngestWorkers,
  createMemoryStore,
  createPipeline,
  createSchemaResolver,
  createSegmentLogSource,
  listCommittedFiles,
  type ObjectStore,
  type RunSummary,
  type SchemaResolver,
  type Source,
} from '@sluice/ingest-core'
import type { Contract } from '@sluice/schemas'
import { type FeedLog, maxRecordBytes } from './feed-log.ts'
import { rowReader } from './row-from-json.ts'

const sinkId = 'bronze'

export interface LandOptions {
  readonly contracts: readonly Contract[]
  /** Default: the segment log. */
  readonly source?: Source
  /** Default: a store in memory. */
  readonly store?: ObjectStore
  /** Module of the worker threads; default: that of the pipeline. */
  readonly workerUrl?: URL
  /** Wraps what decides about schema ids. */
  readonly resolver?: (resolver: SchemaResolver) => SchemaResolver
}

export interface Landed {
  readonly summary: RunSummary
  readonly diff: LedgerDiff
}

/** Segment log -> pipeline with worker threads -> file sink, then every record against the ledger. */
export async function landAndCompare(
  feedLog: Pick<FeedLog, 'log' | 'registry' | 'ledger'>,
  options: LandOptions,
): Promise<Landed> {
  const { contracts, store = createMemoryStore(), workerUrl, resolver = (same: SchemaResolver) => same } = options
  const topics = contracts.map(({ topic }) => topic)
  const signal = new AbortController().signal
  await store.open(signal)
  const workers = createIngestWorkers({
    contracts,
    size: 1,
    limits: { maxRecordBytes },
    ...(workerUrl === undefined ? {} : { url: workerUrl }),
  })
  try {
    const pipeline = createPipeline({
      source: options.source ?? (await createSegmentLogSource({ root: feedLog.log, topics, follow: false, waitMs: 5 })),
      sink: createFileSink({
        store,
        sinkId,
        owner: 'simulator-tests',
        tables: contracts.map((contract) => ({ contract })),
        layout: { data: 'data/{table}/{date}/', late: 'late/{table}/{date}/', dead: 'dead/{topic}/' },
        file: { format: 'jsonl' },
        host: workers.fileSets,
      }),
      decoder: createDecodeService({
        workers,
        contracts,
        schemas: resolver(createSchemaResolver({ registry: feedLog.registry, checks: 1 })),
      }),
      contracts,
      startPolicy: 'earliest',
      circuitBreaker: { maxShare: 1 },
    })
    const summary = await pipeline.run({ until: 'caught-up' })
    const audit = await auditChain(store, { sinkId, signal })
    const reached: Reached[] = audit.partitions.map(({ topic, partition, next }) => ({ topic, partition, next }))
    const ledger = feedLog.ledger.filter(({ topic }) => topics.includes(topic))
    return { summary, diff: await diffLedger({ ledger, outcomes: outcomesOf(store, contracts, signal), reached }) }
  } finally {
    await workers.close()
    await store.close()
  }
}

/** What became of each record, from the files that count: rows of both lanes and dead letters. */
async function* outcomesOf(
  store: ObjectStore,
  contracts: readonly Contract[],
  signal: AbortSignal,
): AsyncGenerator<Outcome> {
  const readers = new Map(
    contracts.map(({ topic, schema }) => {
      const [read, canonical] = [rowReader(schema), createCanonicalRow(schema)]
      return [topic, (json: Record<string, unknown>) => hashRow(canonical(read(json)))]
    }),
  )
  for (const { kind, topic, key } of await listCommittedFiles(store, { sinkId, signal })) {
    const text = new TextDecoder().decode(await store.get(key, signal))
    for (const line of text.split('\n').slice(0, -1)) {
      const json = JSON.parse(line) as Record<string, unknown>
      if (kind === 'dead') {
        const [partition, offset, code] = [Number(json['partition']), Number(json['offset']), String(json['code'])]
        yield { topic, partition, offset, outcome: 'dead-letter', code, rowHash: null }
      } else {
        const [partition, offset] = [Number(json['_partition']), Number(json['_offset'])]
        const outcome = kind === 'late' ? 'late' : 'stored'
        yield { topic, partition, offset, outcome, code: null, rowHash: readers.get(topic)!(json) }
      }
    }
  }
}
