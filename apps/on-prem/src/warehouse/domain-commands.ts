import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  addDeadLetterCommands,
  AppError,
  createCommandSet,
  describeLake,
  describePartitions,
  describeVerification,
  ingestConfigWith,
  observedIngest,
  openLake,
  produceFeeds,
  produceFlagPaths,
  queryLake,
  readLakeState,
  tableContractsOf,
  verifyLake,
  withIngestFlags,
  withProduceFlags,
  type AddCommand,
  type CommandContext,
} from '@sluice/app-kit'
import { renderTable, type Command } from '@sluice/runtime'
import { quoteIdentifier } from '@sluice/schemas'
import { onPremConfig, type OnPremConfig } from '../config.ts'
import { createBucket } from '../parts/store.ts'
import { withWarehouse } from '../parts/warehouse.ts'
import { describeSilver, verifySilver, type SilverRule } from '../silver/verify-silver.ts'
import type { Snapshot } from '../silver/snapshot-table.ts'
import { inTransaction } from './run-sql.ts'
import { describeWarehouseVerification, verifyWarehouse, type WarehouseRule } from './verify-warehouse.ts'
import type { WarehouseApp } from './warehouse-app.ts'

export type DomainContext = CommandContext<OnPremConfig, WarehouseApp>
export type DomainAdd = AddCommand<OnPremConfig, WarehouseApp>

/** What differs between the domains that land in lake and warehouse. */
export interface DomainWords {
  readonly name: string
  readonly description: string
  /** A partition commits at least this often while records come, ms. */
  readonly commitEveryMs: number
  readonly open: (config: OnPremConfig) => WarehouseApp
  readonly silver: (app: WarehouseApp, signal: AbortSignal) => Promise<Snapshot | undefined>
  readonly silverRule: SilverRule
  readonly warehouseRule: WarehouseRule
  /** Commands of the domain's own. */
  readonly addJobs: (parent: Command, add: DomainAdd) => void
  /** What `demo` does after silver. */
  readonly demoJob: (context: DomainContext) => Promise<void>
}

/** The commands of one domain, below its name: `on-prem telco ingest`. */
export function addDomain(program: Command, words: DomainWords, env: NodeJS.ProcessEnv): void {
  const parent = program.command(words.name).description(words.description)
  const pace = { rotateInterval: words.commitEveryMs, rotateIdle: words.commitEveryMs }
  const add: DomainAdd = createCommandSet<OnPremConfig, WarehouseApp>(parent, {
    name: `on-prem-${words.name}`,
    schema: onPremConfig.extend({ ingest: ingestConfigWith(pace) }),
    config: (output) => output as OnPremConfig,
    flagPaths: produceFlagPaths,
    env,
    open: words.open,
  })
  add(parent, 'init', 'make topic, bucket and folders', (context) => init(context))
  withProduceFlags(
    add(parent, 'produce', 'simulate the feed, with faults and a ledger of the truth', (context) => produce(context)),
  )
  withIngestFlags(
    add(
      parent,
      'ingest',
      'land in lake and warehouse what the topic holds, exactly once; again changes nothing',
      (context, { follow }) => observedIngest(context, { follow: follow === true }).then(() => undefined),
    ).option('-f, --follow', 'go on after the end of the log is reached'),
  )
  add(parent, 'silver', 'make a snapshot of silver from what has landed', (context) => silver(words, context))
  words.addJobs(parent, add)
  add(parent, 'show-data', 'what landed: lake, silver, warehouse, and the conservation equation', (context) =>
    showData(words, context),
  )
  add(parent, 'sql', 'query the lake with DuckDB', async ({ app, signal, print }, _flags, [query]) => {
    const { files } = await readLakeState(app, signal, false)
    if (files.length === 0) throw new AppError('LAKE_EMPTY', 'nothing has landed yet')
    using lake = await openLake(app, files, signal)
    print(await queryLake(lake, query!))
  }).argument('<query>', 'over bronze, late_ tables and dead_letters (try `show tables`)')
  add(parent, 'verify', 'hold lake, silver and warehouse against the ledger and each other', (context, { quick }) =>
    verify(words, context, quick !== true),
  ).option('--quick', 'trust the digests the store keeps instead of reading every object')
  add(parent, 'status', 'progress and lag of each partition', async ({ app, signal, print }) => {
    print(describePartitions((await readLakeState(app, signal, false)).partitions))
  })
  add(parent, 'clean', 'remove topic, lake, warehouse schema and ledger of the embedded profile', (context) =>
    clean(context),
  )
  withIngestFlags(
    withProduceFlags(
      add(parent, 'demo', 'init, produce, ingest, silver, jobs, show-data, verify', async (context) => {
        await init(context)
        await produce(context)
        await observedIngest(context, { follow: false })
        await silver(words, context)
        await words.demoJob(context)
        await showData(words, context)
        await verify(words, context, true)
      }),
    ),
  )
  addDeadLetterCommands(parent, add)
}

async function init({ app, config, print }: DomainContext): Promise<void> {
  const made = await app.topics.create(config.produce.partitions)
  const bucket = config.store.kind === 's3' && (await createBucket(config))
  print(
    `ready: ${made.length > 0 ? `made topic ${made.join(', ')}` : 'the topic is there'}${bucket ? `, made bucket ${config.store.bucket}` : ''}\n`,
  )
}

async function produce({ app, config, signal, print }: DomainContext): Promise<void> {
  const { count, seed, rate, bad } = config.produce
  const output = await app.topics.openOutput()
  try {
    const feeds = app.contracts.map(({ topic }) => topic)
    const summary = await produceFeeds({ app, feeds, output, count, seed, rate, faults: { bad }, signal })
    print(
      `produced ${summary.records.toLocaleString('en-US')} records, seed ${summary.seed}, up to ${timeOf(summary.simulatedTo)}\n`,
    )
  } finally {
    await output.close()
  }
}

async function silver(words: DomainWords, { app, signal, print }: DomainContext): Promise<void> {
  const snapshot = await words.silver(app, signal)
  if (snapshot === undefined) throw new AppError('LAKE_EMPTY', 'nothing has landed yet')
  print(describeSilver({ ok: true, snapshot, behind: 0, diff: undefined }))
}

async function showData(words: DomainWords, { app, config, signal, print }: DomainContext): Promise<void> {
  const { files, totals } = await readLakeState(app, signal, false)
  print(describeLake(tableContractsOf(app), files, totals))
  print(`\n${describeSilver(await verifySilver(app, words.silverRule, signal))}\n`)
  print(
    await withWarehouse(config, (connector) =>
      inTransaction(connector, signal, async (session) => {
        const { rows } = await session.query(
          'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = $1 ORDER BY table_name',
          [app.schema],
        )
        const tables: { name: string; rows: number }[] = []
        for (const row of rows) {
          const name = String(row['name'])
          const counted = await session.query(
            `SELECT count(*)::text AS n FROM ${quoteIdentifier(app.schema)}.${quoteIdentifier(name)}`,
          )
          tables.push({ name, rows: Number(counted.rows[0]!['n']) })
        }
        return `${renderTable(
          [
            { title: `warehouse: ${app.schema}`, value: ({ name }) => name },
            { title: 'rows', value: (table) => table.rows },
          ],
          tables,
        )}\n`
      }),
    ),
  )
}

async function verify(words: DomainWords, { app, signal, print }: DomainContext, deep: boolean): Promise<void> {
  const lake = await verifyLake(app, signal, deep)
  print(describeVerification(lake))
  const snapshot = await verifySilver(app, words.silverRule, signal)
  print(describeSilver(snapshot))
  const warehouse = await verifyWarehouse(app, words.warehouseRule, signal)
  print(describeWarehouseVerification(warehouse))
  if (!lake.ok || !snapshot.ok || !warehouse.ok) {
    throw new AppError('VERIFY_FAILED', 'lake, silver and warehouse are not what the ledger says')
  }
}

async function clean({ app, config, print }: DomainContext): Promise<void> {
  await app.topics.remove()
  await withWarehouse(config, async (connector) => {
    const session = await connector.session(new AbortController().signal)
    try {
      await session.query(`DROP SCHEMA IF EXISTS ${quoteIdentifier(app.schema)} CASCADE`)
    } finally {
      session.release(false)
    }
  })
  for (const path of [app.ledger, `${app.ledger}.summary.json`]) await rm(path, { force: true })
  if (config.store.kind === 'local') {
    for (const folder of ['log', 'lake']) await rm(join(config.dataDir, folder), { recursive: true, force: true })
  }
  print(
    `removed topic, warehouse schema and ledger of ${app.schema}${config.store.kind === 'local' ? ', log and lake' : '; objects in the bucket stay'}\n`,
  )
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString()
}
