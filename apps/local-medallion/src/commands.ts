import { access, rm } from 'node:fs/promises'
import type { LetterSelection } from '@sluice/ingest-core'
import { createLogger, loadConfig, onShutdown, type Command } from '@sluice/runtime'
import { appConfig } from './config.ts'
import { ingestWithMetrics, type CommandContext } from './context.ts'
import { runDemo } from './demo.ts'
import { describeLetter, loadFix, summariseLetters, withDeadLetters } from './dlq.ts'
import { AppError } from './errors.ts'
import { bakeryContracts } from './ingest.ts'
import { openLake } from './lake.ts'
import { readLakeState } from './lake-state.ts'
import { placesOf, type Places } from './places.ts'
import { initLog, openLog, produceEvents } from './produce.ts'
import { describeLake } from './show-data.ts'
import { queryLake } from './sql.ts'
import { describePartitions } from './status.ts'
import { describeVerification, verifyLake } from './verify.ts'

type Flags = Readonly<Record<string, unknown>>
type Action = (context: CommandContext, flags: Flags, args: readonly string[]) => Promise<void>

/** Words on the command line to keys of the configuration. */
const flagPaths: Readonly<Record<string, string>> = {
  dataDir: 'dataDir',
  logLevel: 'logLevel',
  count: 'produce.count',
  seed: 'produce.seed',
  rate: 'produce.rate',
  bad: 'produce.bad',
  partitions: 'produce.partitions',
  workers: 'ingest.workers',
  metricsPort: 'ingest.metricsPort',
}

/** Adds the app's commands to a program. */
export function addCommands(program: Command): void {
  program
    .option('-c, --config <file>', 'configuration file, YAML or JSON')
    .option('-d, --data-dir <folder>', 'where everything is kept')
    .option('--log-level <level>', 'trace, debug, info, warn, error or silent')

  const add = adderTo(program)

  add('init', 'make the log with its topics and the empty lake', async ({ places, config, print }) => {
    const log = await openLog(places)
    try {
      await initLog(log, config.produce.partitions)
      print(`ready in ${places.root}: ${[...log.topics().keys()].join(', ')}\n`)
    } finally {
      await log.close()
    }
  })
  withProduceFlags(
    add('produce', 'simulate the six feeds into the log, with faults and a ledger of the truth', async (context) => {
      const summary = await produceEvents(context.config, context.places, context.signal)
      context.print(`produced ${summary.records.toLocaleString('en-US')} records, seed ${summary.seed}\n`)
    }),
  )
  withIngestFlags(
    add('ingest', 'land what the log holds, exactly once; again changes nothing', async (context, { follow }) => {
      await requireLog(context.places)
      await ingestWithMetrics(context, follow === true)
    }).option('-f, --follow', 'go on after the end of the log is reached'),
  )
  add('show-data', 'what landed, per table, and the conservation equation', async ({ places, signal, print }) => {
    await requireLog(places)
    const state = await readLakeState(places, signal, false)
    print(describeLake(bakeryContracts, state.files, state.totals))
  })
  add('sql', 'query the lake with DuckDB', async ({ places, signal, print }, _flags, [query]) => {
    const { files } = await readLakeState(places, signal, false)
    if (files.length === 0) throw new AppError('LAKE_EMPTY', 'nothing has landed yet')
    using lake = await openLake(places.lake, bakeryContracts, files)
    print(await queryLake(lake, query!))
  }).argument('<query>', 'tables: sales_events, late_sales_events, dead_letters, ... (try `show tables`)')
  add(
    'verify',
    'audit the commit chain and compare the lake with the ledger',
    async ({ places, signal, print }, { quick }) => {
      await requireLog(places)
      const result = await verifyLake(places, signal, quick !== true)
      print(describeVerification(result))
      if (!result.ok) throw new AppError('VERIFY_FAILED', 'the lake is not what the ledger says')
    },
  ).option('--quick', 'trust the digests the store keeps instead of reading every object')
  add('status', 'progress and lag of each partition', async ({ places, signal, print }) => {
    await requireLog(places)
    print(describePartitions((await readLakeState(places, signal, false)).partitions))
  })
  add('clean', 'remove log, lake, registry and ledger', async ({ places, print }) => {
    for (const folder of [places.log, places.lake, places.registry, places.ledger, `${places.ledger}.summary.json`]) {
      await rm(folder, { recursive: true, force: true })
    }
    print(`removed log, lake, registry and ledger in ${places.root}\n`)
  })
  withIngestFlags(withProduceFlags(add('demo', 'clean, init, produce, ingest, show-data, verify', runDemo)))
  addDeadLetterCommands(program)
}

/** Adds commands whose action gets configuration, places, log and signal beside its flags. */
function adderTo(parent: Command): (name: string, description: string, action: Action) => Command {
  return (name, description, action) => {
    const command = parent.command(name).description(description)
    return command.action(() => {
      const flags: Flags = { ...command.optsWithGlobals<Flags>() }
      return withContext(flags, (context) => action(context, flags, command.args))
    })
  }
}

function withProduceFlags(command: Command): Command {
  return command
    .option('-n, --count <events>', 'events over all feeds', Number)
    .option('--seed <n>', 'same seed, same bytes', Number)
    .option('--rate <n>', 'events per second; 0 is as fast as possible', Number)
    .option('--bad <share>', 'share of bad records, 0 to 1', Number)
    .option('--partitions <n>', 'partitions of each topic', Number)
}

function withIngestFlags(command: Command): Command {
  return command
    .option('--workers <n>', 'threads that decode and encode', Number)
    .option('--metrics-port <port>', 'serve /metrics, /live and /ready', Number)
}

function addDeadLetterCommands(program: Command): void {
  const dlq = program.command('dlq').description('look at dead letters, try them again, or let them go')
  const add = adderTo(dlq)
  const selecting = (command: Command) =>
    command
      .option('--topic <topic>', 'only letters of this topic')
      .option('--code <code>', 'only letters with this code')
      .option('--since <time>', 'only letters first refused at this time or later', (text) => Date.parse(text))
      .option('--limit <n>', 'at most this many', Number)

  selecting(
    add('list', 'counts by topic, code and state', async ({ places, signal, print }, flags) => {
      const letters = await withDeadLetters(places, signal, (dead) => dead.list(selectionOf(flags), signal))
      print(`${summariseLetters(letters)}\n`)
    }),
  )
  add('show', 'one letter in full', async ({ places, signal, print }, _flags, [key]) => {
    const letter = await withDeadLetters(places, signal, (dead) => dead.show(key!, signal))
    print(`${describeLetter(letter)}\n`)
  }).argument('<key>', 'as listed by `dlq list`')
  selecting(
    add(
      'replay',
      'try letters again; what is good now lands exactly once',
      async ({ places, signal, print }, flags) => {
        const fix = typeof flags['fix'] === 'string' ? { fix: await loadFix(flags['fix']) } : {}
        const dryRun = flags['dryRun'] === true
        const report = await withDeadLetters(places, signal, (dead) =>
          dead.replay({ ...selectionOf(flags), ...fix, dryRun }, signal),
        )
        const skipped = Object.values(report.skipped).reduce((sum, count) => sum + count, 0)
        const verb = dryRun ? 'would land' : 'landed'
        print(
          `${verb} ${report.landed}, still bad ${report.stillBad.length}, skipped ${skipped}, files ${report.files.length}\n`,
        )
      },
    ),
  )
    .option('--dry-run', 'say what would happen, decide nothing')
    .option('--fix <module>', 'JavaScript or TypeScript module whose default export mends a letter')
  selecting(
    add('discard', 'decide that letters are not wanted', async ({ places, signal, print }, flags) => {
      const reason = String(flags['reason'])
      const count = await withDeadLetters(places, signal, (dead) => dead.discard(selectionOf(flags), reason, signal))
      print(`discarded ${count}\n`)
    }),
  ).requiredOption('--reason <text>', 'kept with the decision')
}

function selectionOf(flags: Flags): LetterSelection {
  const { topic, code, since, limit } = flags as { topic?: string; code?: string; since?: number; limit?: number }
  return {
    ...(topic === undefined ? {} : { topic }),
    ...(code === undefined ? {} : { code }),
    ...(since === undefined ? {} : { since }),
    ...(limit === undefined ? {} : { limit }),
  }
}

async function withContext(flags: Flags, work: (context: CommandContext) => Promise<void>): Promise<void> {
  const config = loadConfig(appConfig, {
    file: flags['config'] as string | undefined,
    env: process.env,
    envPrefix: 'SLUICE_BAKERY_',
    flags: Object.fromEntries(Object.entries(flagPaths).map(([word, path]) => [path, flags[word]])),
  })
  const log = createLogger({ name: 'local-medallion', level: config.logLevel, format: config.logFormat })
  using shutdown = onShutdown({
    graceMs: config.ingest.shutdownGrace + 5_000,
    onSignal: (signal) => log.warn({ signal }, 'draining; the same signal again exits at once'),
  })
  const print = (text: string) => void process.stdout.write(text)
  await work({ config, places: placesOf(config.dataDir), log, signal: shutdown.signal, print })
}

async function requireLog(places: Places): Promise<void> {
  try {
    await access(places.log)
  } catch (cause) {
    throw new AppError('LOG_MISSING', `there is no log in ${places.log}`, { cause })
  }
}
