/** One run from Kafka into a folder, in a process of its own. Files are not synced: what counts here is memory and files. */
import {
  createDecodeService,
  createFileSink,
  createIngestWorkers,
  createLocalStore,
  createPipeline,
  createSchemaResolver,
} from '@sluice/ingest-core'
import { createFileRegistry } from '@sluice/schemas'
import { createKafkaSource } from '@sluice/source-kafka'
import { registryFolder } from '../kafka/user-events-contract.ts'
import { serveRuns } from '../log-to-parquet/contender.ts'
import type { RunOutcome } from '../log-to-parquet/contender.ts'
import { contractOfPartitions } from './job.ts'
import type { PartitionsJob } from './job.ts'

const job = JSON.parse(process.argv[2]!) as PartitionsJob
const contracts = [contractOfPartitions(job.topic, job.byCell)]
const workers = createIngestWorkers({ contracts })

async function ingest(): Promise<RunOutcome> {
  const store = createLocalStore({ root: job.root, durable: false })
  await store.open(AbortSignal.timeout(10_000))
  let files = 0
  const folders = new Set<string>()
  let commits = 0
  const reasons = new Set<string>()
  const pipeline = createPipeline({
    source: await createKafkaSource({ brokers: job.brokers.split(','), topics: [job.topic] }),
    sink: createFileSink({
      store,
      sinkId: 'bench',
      owner: 'bench',
      tables: [{ contract: contracts[0]! }],
      file: { format: 'parquet', options: { compression: 'zstd' } },
      host: workers.fileSets,
    }),
    contracts,
    decoder: createDecodeService({
      workers,
      contracts,
      schemas: createSchemaResolver({ registry: createFileRegistry(registryFolder), checks: 1 }),
    }),
    startPolicy: 'earliest',
    budgetBytes: job.budgetBytes,
    onReceipt(receipt) {
      commits += 1
      reasons.add(receipt.reason)
      files += receipt.files.length
      for (const { key } of receipt.files) if (!key.startsWith('late/')) folders.add(key.replace(/\/[^/]*$/, ''))
    },
  })
  const { outcome, topics, peakBytes } = await pipeline.run({ until: 'caught-up' })
  await store.close()
  const counts = topics[job.topic]
  if (outcome !== 'caught-up' || counts === undefined || counts.consumed !== counts.stored + counts.late) {
    throw new Error(`not every record became a row: ${outcome} ${JSON.stringify(counts)}`)
  }
  return {
    rows: counts.stored + counts.late,
    more: {
      files,
      folders: folders.size,
      late: counts.late,
      commits,
      cutsForMemory: Number(reasons.has('memory')),
      peakBytes,
    },
  }
}

serveRuns(ingest, () => workers.close())
