/**
 * Ours, in a process of its own: source, decode workers, sink, as an app wires them. Upsert with the fence, the guard and
 * dead letters. Arguments: records, brokers, PostgreSQL URL, topic, settings as JSON. Each run is a new sink on a new schema.
 */
import { createDecodeService, createIngestWorkers, createPipeline, createSchemaResolver } from '@sluice/ingest-core'
import { createFileRegistry } from '@sluice/schemas'
import { createPgConnector, createPostgresSink } from '@sluice/sink-postgres'
import { createKafkaSource } from '@sluice/source-kafka'
import { serveRuns } from '../log-to-parquet/contender.ts'
import type { RunOutcome } from '../log-to-parquet/contender.ts'
import { ordersIn, registryFolder } from './order-events.ts'
import { smallMemory } from './settings.ts'
import type { Settings } from './settings.ts'

const [records, brokers, connectionString, topic, given] = process.argv.slice(2)
const settings = { ...smallMemory, ...(JSON.parse(given ?? '{}') as Partial<Settings>) }
const contract = ordersIn(topic!)
const contracts = [contract]
const workers = createIngestWorkers({
  contracts,
  size: 1,
  resourceLimits: { maxYoungGenerationSizeMb: settings.youngMb, maxOldGenerationSizeMb: 512 },
})
const connection = createPgConnector({ connectionString: connectionString!, max: settings.connections })
const signal = AbortSignal.timeout(3_600_000)

async function land(): Promise<RunOutcome> {
  const session = await connection.session(signal)
  await session.query('DROP SCHEMA IF EXISTS sluice_bench CASCADE; CREATE SCHEMA sluice_bench')
  session.release(false)
  const sink = createPostgresSink({
    connection,
    sinkId: 'bench',
    owner: 'bench',
    schema: 'sluice_bench',
    tables: [{ contract, mode: 'upsert', lineage: 'position', direct: settings.direct === 1 }],
    flushRows: settings.flushRows,
  })
  const registry = createFileRegistry(registryFolder(Number(records)))
  const decoder = createDecodeService({ workers, contracts, schemas: createSchemaResolver({ registry, checks: 1 }) })
  const pipeline = createPipeline({
    source: await createKafkaSource({ brokers: brokers!.split(','), topics: [contract.topic] }),
    sink,
    contracts,
    decoder,
    startPolicy: 'earliest',
    pollBytes: settings.pollBytes,
    budgetBytes: settings.budgetBytes,
    chunksAhead: settings.chunksAhead,
  })
  const { outcome, topics, commits, peakBytes } = await pipeline.run({ until: 'caught-up' })
  const counts = topics[contract.topic]
  if (outcome !== 'caught-up' || counts === undefined || counts.consumed !== counts.stored) {
    throw new Error(`not every record became a row: ${outcome} ${JSON.stringify(counts)}`)
  }
  return { rows: counts.stored, more: { commits, peakBudgetBytes: peakBytes } }
}

serveRuns(land, async () => {
  await workers.close()
  await connection.close()
})
