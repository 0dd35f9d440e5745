/**
 * Ours, in a process of its own: the whole pipeline as an app wires it. CRCs and rules checked, dead letters and offsets
 * decided by the commit chain, files and folders fsynced. Arguments: records, workers. The workers live as long as the
 * process; all else is made anew for each run.
 */
import { availableParallelism } from 'node:os'
import {
  createDecodeService,
  createFileSink,
  createIngestWorkers,
  createLocalStore,
  createPipeline,
  createSchemaResolver,
  createSegmentLogSource,
  letHeapGrow,
} from '@sluice/ingest-core'
import { createFileRegistry } from '@sluice/schemas'
import { serveRuns } from './contender.ts'
import { contract, placesFor } from './event-log.ts'

const places = placesFor(Number(process.argv[2]))
// One more than cores: three partitions on two threads would leave one thread with twice the work of the other.
const size = Number(process.argv[3] ?? availableParallelism() + 1)
const contracts = [contract]
letHeapGrow()
const workers = createIngestWorkers({ contracts, size })
const format = { format: 'parquet', options: { compression: 'zstd' } } as const

async function ingest(): Promise<number> {
  const store = createLocalStore({ root: places.lake })
  await store.open(new AbortController().signal)
  const source = await createSegmentLogSource({ root: places.log, follow: false })
  const sink = createFileSink({
    store,
    sinkId: 'bench',
    owner: 'bench',
    tables: [{ contract }],
    file: format,
    host: workers.fileSets,
  })
  const schemas = createSchemaResolver({ registry: createFileRegistry(places.registry), checks: 1 })
  const decoder = createDecodeService({ workers, contracts, schemas })
  // Closes source and sink.
  const pipeline = createPipeline({ source, sink, contracts, decoder, startPolicy: 'earliest' })
  const { outcome, topics } = await pipeline.run({ until: 'caught-up' })
  await store.close()
  const counts = topics[contract.topic]
  if (outcome !== 'caught-up' || counts === undefined || counts.consumed !== counts.stored) {
    throw new Error(`not every record became a row: ${outcome} ${JSON.stringify(counts)}`)
  }
  return counts.stored
}

serveRuns(ingest, () => workers.close())
