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
import type { OnPremConfig } from '../config.ts'
import { usesKafka } from '../parts/kafka.ts'
import { analyse } from './analytics.ts'
import { initShop, produceShop, removeShop } from './life.ts'
import { migrate } from './migrate.ts'
import type { ShopApp } from './shop-app.ts'

const EXAMPLE_QUERY = `select category, count(*) as purchases, round(sum(price), 2) as revenue
from user_events where event_type = 'PURCHASE' and category is not null group by category order by revenue desc`

/** The whole life once: version 1, ingest, migration to version 2 while it runs, more events, query, prove, analyse. */
export async function runShopDemo(context: CommandContext<OnPremConfig, ShopApp>): Promise<void> {
  const { config, app, signal, print } = context
  await removeShop(config, app, signal)
  print(`1. init: ${usesKafka(config) ? 'Kafka, registry and object store' : 'embedded log, registry and lake'}\n`)
  print(`   ${await initShop(config, app, signal)}\n`)
  print('\n2. produce: half of the events in version 1\n')
  const half = Math.ceil(config.produce.count / 2)
  print(`   ${await produceShop(config, app, { count: half, version: 1, signal })}\n`)
  print('\n3. ingest what is there\n')
  await observedIngest(context, { follow: false })
  print('\n4. migrate to version 2\n')
  await migrate(context, { dualWriteMs: 3_000, rate: 500, mode: 'FULL_TRANSITIVE', checkOnly: false })
  print('\n5. produce the other half in version 2, and ingest\n')
  print(`   ${await produceShop(config, app, { count: config.produce.count - half, signal })}\n`)
  await observedIngest(context, { follow: false })
  print('\n6. show-data\n')
  const state = await readLakeState(app, signal, false)
  print(describeLake(app.contracts, state.files, state.totals))
  print(`\n7. sql: ${EXAMPLE_QUERY.replaceAll('\n', ' ')}\n`)
  {
    using lake = await openLake(app, state.files, signal)
    print(await queryLake(lake, EXAMPLE_QUERY))
  }
  print('\n8. analytics: a consumer that reads both versions\n')
  await analyse(context, { follow: false, json: false, idleMs: 30_000 })
  print('\n9. verify: every record against the ledger of the simulator\n')
  const result = await verifyLake(app, signal, true)
  print(describeVerification(result))
  if (!result.ok) throw new AppError('VERIFY_FAILED', 'the lake is not what the ledger says')
}
