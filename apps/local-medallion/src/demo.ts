import {
  AppError,
  describeLake,
  describeVerification,
  observedIngest,
  openLake,
  queryLake,
  readLakeState,
  verifyLake,
  type CommandContext,
} from '@sluice/app-kit'
import type { BakeryApp } from './bakery-app.ts'
import type { AppConfig } from './config.ts'
import { removeAll } from './places.ts'
import { produceEvents } from './produce.ts'

const EXAMPLE_QUERY = `select store_id, count(*) as receipts, sum(total) as revenue
from sales_events where sale_type = 'SALE' group by store_id order by revenue desc limit 3`

/** The main job from nothing: simulate, land, show, query, prove. Removes what an earlier demo left. */
export async function runDemo(context: CommandContext<AppConfig, BakeryApp>): Promise<void> {
  const { config, app, signal, print } = context
  await removeAll(app.places)
  print('1. produce: six bakery feeds into the embedded log, about 1 % of it bad on purpose\n')
  const started = Date.now()
  const { records } = await produceEvents(config, app, signal)
  print(
    `   ${records.toLocaleString('en-US')} records in ${seconds(started)}\n\n2. ingest: log -> decode in workers -> Parquet, dead letters, offsets\n`,
  )
  const ingestStarted = Date.now()
  await observedIngest(context, { follow: false })
  print(`   landed in ${seconds(ingestStarted)}\n\n3. show-data\n`)
  const state = await readLakeState(app, signal, false)
  print(describeLake(app.contracts, state.files, state.totals))
  print(`\n4. sql: ${EXAMPLE_QUERY.replaceAll('\n', ' ')}\n`)
  {
    using lake = await openLake(app, state.files, signal)
    print(await queryLake(lake, EXAMPLE_QUERY))
  }
  print('\n5. verify: every record against the ledger of the simulator\n')
  const result = await verifyLake(app, signal, true)
  print(describeVerification(result))
  if (!result.ok) throw new AppError('VERIFY_FAILED', 'the lake is not what the ledger says')
  print(
    `\nEverything is in ${app.places.root}. Go on with: make sluice ARGS="sql 'show tables'" | "dlq list" | "status"\n`,
  )
}

const seconds = (since: number) => `${((Date.now() - since) / 1000).toFixed(1)} s`
