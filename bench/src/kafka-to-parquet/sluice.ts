/**
 * Ours, in a process of its own: the pipeline as an app wires it, member of a consumer group. CRCs and rules checked, dead letters and
 * offsets decided by the commit chain, files synced. The workers live as long as the process; all else is made anew for each run.
 */
import { enableCompileCache } from 'node:module'
import { jobOf } from './job.ts'

// As the entry of an app does: what was compiled in an earlier start is not compiled again.
enableCompileCache()
const ingestCore = await import('@sluice/ingest-core')
const { createDecodeService, createFileSink, createPipeline, createSchemaResolver, pipelineDefaults } = ingestCore
const { contractOf, registryFolder } = await import('../kafka/user-events-contract.ts')

const { brokers, topic, place, settings } = jobOf(process.argv[2])
const contract = contractOf(topic)
const contracts = [contract]
const { youngMb, oldMb, heapGrowth } = settings
if (heapGrowth !== 0) ingestCore.letHeapGrow(heapGrowth)
const workers = ingestCore.createIngestWorkers({
  contracts,
  ...(settings.workers !== undefined && { size: settings.workers }),
  ...(youngMb !== undefined && {
    resourceLimits: { maxYoungGenerationSizeMb: youngMb, maxOldGenerationSizeMb: oldMb ?? 512 },
  }),
})
// The threads load their code while this one loads its clients.
workers.start()
const { createFileRegistry } = await import('@sluice/schemas')
const { createKafkaSource } = await import('@sluice/source-kafka')
const { openPlace, prefixOf } = await import('../kafka/lake-place.ts')
const { serveRuns } = await import('../log-to-parquet/contender.ts')
let runs = 0

async function ingest() {
  const run = `run${(runs += 1)}`
  const groupId = `bench-${process.pid}-${run}`
  const [source, store] = await Promise.all([
    createKafkaSource({
      brokers: brokers.split(','),
      topics: [topic],
      groupId,
      assignment: { kind: settings.assignment ?? 'group' },
    }),
    openPlace(place),
  ])
  const prefix = [prefixOf(place), run].filter(Boolean).join('/')
  const sink = createFileSink({
    store,
    sinkId: 'bench',
    owner: groupId,
    prefix,
    tables: [{ contract }],
    file: { format: 'parquet', options: { compression: 'zstd' } },
    host: workers.fileSets,
  })
  const schemas = createSchemaResolver({ registry: createFileRegistry(registryFolder), checks: 1 })
  let firstFileAt: number | undefined
  const { pollBytes, budgetBytes, chunksAhead, rotateRows, firstRows, rotateMs } = settings
  const pipeline = createPipeline({
    source,
    sink,
    contracts,
    decoder: createDecodeService({ workers, contracts, schemas }),
    startPolicy: 'earliest',
    pollBytes: pollBytes ?? pipelineDefaults.pollBytes,
    budgetBytes: budgetBytes ?? pipelineDefaults.budgetBytes,
    chunksAhead: chunksAhead ?? pipelineDefaults.chunksAhead,
    rotation: {
      rows: rotateRows ?? pipelineDefaults.rotation.rows,
      firstRows: firstRows ?? pipelineDefaults.rotation.firstRows,
      intervalMs: rotateMs ?? pipelineDefaults.rotation.intervalMs,
    },
    onReceipt() {
      firstFileAt ??= Date.now()
    },
  })
  const { outcome, topics, commits, peakBytes, receipts } = await pipeline.run({ until: 'caught-up' })
  await store.close()
  const counts = topics[topic]
  if (outcome !== 'caught-up' || counts === undefined || counts.consumed !== counts.stored + counts.late) {
    throw new Error(`not every record became a row: ${outcome} ${JSON.stringify(counts)}`)
  }
  const files = receipts.reduce((sum, receipt) => sum + receipt.files.length, 0)
  return {
    rows: counts.stored + counts.late,
    ...(firstFileAt !== undefined && { firstFileAt }),
    more: { commits, files, peakBudgetBytes: peakBytes },
  }
}

serveRuns(ingest, () => workers.close())
