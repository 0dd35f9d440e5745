import { rm } from 'node:fs/promises'
import { ingestWithMetrics, type CommandContext } from './context.ts'
import { AppError } from './errors.ts'
import { bakeryContracts } from './ingest.ts'
import { openLake } from './lake.ts'
import { readLakeState } from './lake-state.ts'
import { produceEvents } from './produce.ts'
import { describeLake } from './show-data.ts'
import { queryLake } from './sql.ts'
import { describeVerification, verifyLake } from './verify.ts'

const EXAMPLE_QUERY = `select store_id, count(*) as receipts, sum(total) as revenue
from sales_events where sale_type = 'SALE' group by store_id order by revenue desc limit 3`

/** The main job from nothing: simulate, land, show, query, prove. Removes what an earlier demo left. */
export async function runDemo(context: CommandContext): Promise<void> {
  const { config, places, signal, print } = context
  for (const folder of [places.log, places.lake, places.registry, places.ledger, `${places.ledger}.summary.json`]) {
    await rm(folder, { recursive: true, force: true })
  }
  print('1. produce: six bakery feeds into the embedded log, about 1 % of it bad on purpose\n')
  const started = Date.now()
  const { records } = await produceEvents(config, places, signal)
  print(
    `   ${records.toLocaleString('en-US')} records in ${seconds(started)}\n\n2. ingest: log -> decode in workers -> Parquet, dead letters, offsets\n`,
  )
  const ingestStarted = Date.now()
  await ingestWithMetrics(context, false)
  print(`   landed in ${seconds(ingestStarted)}\n\n3. show-data\n`)
  const state = await readLakeState(places, signal, false)
  print(describeLake(bakeryContracts, state.files, state.totals))
  print(`\n4. sql: ${EXAMPLE_QUERY.replaceAll('\n', ' ')}\n`)
  {
    using lake = await openLake(places.lake, bakeryContracts, state.files)
    print(await queryLake(lake, EXAMPLE_QUERY))
  }
  print('\n5. verify: every record against the ledger of the simulator\n')
  const result = await verifyLake(places, signal, true)
  print(describeVerification(result))
  if (!result.ok) throw new AppError('VERIFY_FAILED', 'the lake is not what the ledger says')
  print(`\nEverything is in ${places.root}. Go on with: make sluice ARGS="sql 'show tables'" | "dlq list" | "status"\n`)
}

const seconds = (since: number) => `${((Date.now() - since) / 1000).toFixed(1)} s`
