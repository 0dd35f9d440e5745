import { rm } from 'node:fs/promises'
import {
  addDeadLetterCommands,
  addDoctorCommand,
  AppError,
  createCommandSet,
  describeLake,
  describePartitions,
  describeVerification,
  ingestConfigWith,
  observedIngest,
  openLake,
  openLakeFiles,
  produceFeeds,
  produceFlagPaths,
  queryLake,
  readLakeState,
  tableContractsOf,
  topicsOf,
  verifyLake,
  withIngestFlags,
  withProduceFlags,
  type AddCommand,
  type CommandContext,
  type LakeFiles,
} from '@sluice/app-kit'
import type { ObjectStore } from '@sluice/ingest-core'
import { renderTable, type Command } from '@sluice/runtime'
import { quoteIdentifier } from '@sluice/schemas'
import { onPremConfig, type OnPremConfig } from '../config.ts'
import { usesKafka } from '../parts/kafka.ts'
import { serviceChecks, warehouseCheck } from '../parts/service-checks.ts'
import { createBucket, removeObjects } from '../parts/store.ts'
import { withWarehouse } from '../parts/warehouse.ts'
import { describeSilver, verifySilver, type SilverRule } from '../silver/verify-silver.ts'
import type { Snapshot } from '../silver/snapshot-table.ts'
import { JobError } from './errors.ts'
import { inTransaction } from './run-sql.ts'
import { describeWarehouseVerification, verifyWarehouse, type WarehouseRule } from './verify-warehouse.ts'
import type { WarehouseApp } from './warehouse-app.ts'

export type DomainContext = CommandContext<OnPremConfig, WarehouseApp>
export type DomainAdd = AddCommand<OnPremConfig, WarehouseApp>

/** What a silver job reads from and writes to. */
export interface SilverInput {
  readonly store: ObjectStore
  readonly files: LakeFiles
  readonly sinkId: string
}

/** What differs between the domains that land in lake and warehouse. */
export interface DomainWords {
  readonly name: string
  readonly description: string
  /** A partition commits at least this often while records come, ms. */
  readonly commitEveryMs: number
  readonly open: (config: OnPremConfig) => WarehouseApp
  readonly silver: (input: SilverInput, signal: AbortSignal) => Promise<Snapshot | undefined>
  readonly silverRule: SilverRule
  readonly warehouseRule: WarehouseRule
  /** Commands of the domain's own. */
  readonly addJobs: (parent: Command, add: DomainAdd) => void
  /** What `demo` does after silver. */
  readonly demoJob: (context: DomainContext) => Promise<void>
}

/** Read when a command runs. */
export type DomainEnvironment = () => Readonly<Record<string, string | undefined>>

/** The commands of one domain, below its name: `on-prem telco ingest`. */
export function addDomain(program: Command, words: DomainWords, env: DomainEnvironment): void {
  const parent = program.command(words.name).description(words.description)
  const pace = { rotateInterval: words.commitEveryMs, rotateIdle: words.commitEveryMs }
  const add: DomainAdd = createCommandSet<OnPremConfig, WarehouseApp>(program, {
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
  add(parent, 'clean', 'remove topic, objects, warehouse schema and local data', async (context, { yes }) => {
    if (isReal(context.config) && yes !== true) {
      throw new JobError('CONFIRMATION_NEEDED', 'this deletes a topic, objects and a schema of real services')
    }
    await clean(words, context)
  }).option('--yes', 'also when they are of real services')
  addDoctorCommand(parent, add, ({ app }) => [...serviceChecks(app.config, app), warehouseCheck(app.config)])
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
  const store = await app.openStore(signal)
  let snapshot: Snapshot | undefined
  try {
    snapshot = await words.silver({ store, files: openLakeFiles(app, store), sinkId: app.sinkId }, signal)
  } finally {
    await store.close()
  }
  if (snapshot === undefined) throw new AppError('LAKE_EMPTY', 'nothing has landed yet')
  print(describeSilver({ ok: true, snapshot, behind: 0, diff: undefined }))
}

async function showData(words: DomainWords, { app, signal, print }: DomainContext): Promise<void> {
  const { files, totals } = await readLakeState(app, signal, false)
  print(describeLake(tableContractsOf(app), files, totals))
  print(`\n${describeSilver(await verifySilver(app, words.silverRule, signal))}\n`)
  print(
    await withWarehouse(app.config, (connector) =>
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

function isReal(config: OnPremConfig): boolean {
  return usesKafka(config) || config.store.kind === 's3' || config.postgres.url !== undefined
}

async function clean(words: DomainWords, { app, signal, print }: DomainContext): Promise<void> {
  const { config } = app
  await app.topics.remove()
  await withWarehouse(config, async (connector) => {
    const session = await connector.session(signal)
    try {
      await session.query(`DROP SCHEMA IF EXISTS ${quoteIdentifier(app.schema)} CASCADE`)
    } finally {
      session.release(false)
    }
  })
  if (config.store.kind === 's3') await removeObjects(config, ownPrefixes(words, app), signal)
  await rm(config.dataDir, { recursive: true, force: true })
  print(`removed topic, objects, warehouse schema and local data of ${app.schema}\n`)
}

/** Rows of both lanes, silver, dead letters, the commit chain, and its marks of topic, schemas and owner. */
function ownPrefixes({ name, silverRule: { table } }: DomainWords, app: WarehouseApp): string[] {
  const letters = topicsOf(app).map((topic) => `dead-letter-queue/${topic}/`)
  const chains = ['', '_topics/', '_schemas/'].map((folder) => `_ingest/${folder}${app.sinkId}/`)
  return [`${name}/`, `${table}/`, `_snapshots/${table}/`, ...letters, ...chains, `_ingest/_owners/${name}%2F`]
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString()
}
