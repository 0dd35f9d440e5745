import {
  createDecodeService,
  createFileSink,
  createIngestWorkers,
  createMemorySource,
  createPipeline,
  createSchemaResolver,
  type IngestWorkers,
  type ObjectStore,
  type RunSummary,
  type Sink,
} from '@sluice/ingest-core'
import type { Contract, SchemaRegistry } from '@sluice/schemas'

export const never = new AbortController().signal

/** JSON topics have no schema ids: nobody asks. */
const noRegistry: SchemaRegistry = {
  getById: () => Promise.resolve(undefined),
  register: () => Promise.reject(new Error('not used')),
  latest: () => Promise.resolve(undefined),
}

export interface Sent {
  readonly partition: number
  readonly key: string
  readonly value: unknown
  readonly timestamp?: number
}

export function openWorkers(contract: Contract): IngestWorkers {
  return createIngestWorkers({ contracts: [contract], size: 1 })
}

/** Lands records that were sent so far, as the app does; again with more of them goes on behind the last run. */
export async function land(options: {
  /** Of the pipeline. */
  readonly contract: Contract
  readonly workers: IngestWorkers
  readonly sink: Sink
  readonly sent: readonly Sent[]
  readonly partitions?: number
}): Promise<RunSummary> {
  const { contract, workers, sink, sent, partitions = 1 } = options
  const source = createMemorySource({ topic: contract.topic, partitions, waitMs: 1 })
  for (const { partition, key, value, timestamp = 1_767_600_000_000 } of sent) {
    const bytes = value === null ? null : Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
    source.append(partition, [{ key: Buffer.from(key), value: bytes, timestamp, headers: [] }])
  }
  const schemas = createSchemaResolver({ registry: noRegistry })
  const pipeline = createPipeline({
    source,
    sink,
    contracts: [contract],
    decoder: createDecodeService({ workers, contracts: [contract], schemas }),
    startPolicy: 'earliest',
    circuitBreaker: { maxShare: 1 },
  })
  return pipeline.run({ until: 'caught-up' })
}

export function bronzeSink(store: ObjectStore, table: Contract, host: IngestWorkers): Sink {
  return createFileSink({ store, sinkId: 'bronze', owner: 'tests', tables: [{ contract: table }], host: host.fileSets })
}
