import type { Writable } from 'node:stream'
import { listFeeds } from '@sluice/generators'
import { type Command, createProgress, loadConfig, onShutdown, renderTable } from '@sluice/runtime'
import { describeFeed, renderDescription, summariseFeed } from './describe-feed.ts'
import { describeFigures, describePlan, figuresOf } from './describe-run.ts'
import { executeRun } from './execute-run.ts'
import { openRegistry } from './open-registry.ts'
import { planRun, type RunPlan } from './plan-run.ts'
import { rateForms } from './parse-rate.ts'
import { resolveFeeds } from './resolve-feeds.ts'
import { runConfig } from './run-config.ts'
import { targetKinds } from './targets.ts'

/** Where commands write; replaceable in tests. */
export interface CommandStreams {
  readonly stdout: Writable
  readonly stderr: NodeJS.WriteStream
  /** Default: that of the process. */
  readonly env?: Readonly<Record<string, string | undefined>>
}

type Flags = Readonly<Record<string, unknown>>

const graceMs = 10_000

/** Adds `list`, `describe` and `run` to a program. */
export function addCommands(program: Command, streams: CommandStreams): void {
  const { stdout, stderr } = streams
  const print = (text: string) => void stdout.write(text)
  const json = (value: unknown) => print(`${JSON.stringify(value, null, 2)}\n`)

  program
    .command('list')
    .description('every feed that can be simulated')
    .option('--json', 'as JSON')
    .action((flags: Flags) => {
      const feeds = listFeeds().map(summariseFeed)
      if (flags['json'] === true) return json(feeds)
      const columns = [
        { title: 'feed', value: (each: (typeof feeds)[number]) => each.feed },
        { title: 'domain', value: (each: (typeof feeds)[number]) => each.domain },
        { title: 'format', value: (each: (typeof feeds)[number]) => each.format },
        { title: 'versions', value: (each: (typeof feeds)[number]) => each.versions.join(' ') },
        { title: 'key', value: (each: (typeof feeds)[number]) => each.key.join('|') },
        { title: 'what', value: (each: (typeof feeds)[number]) => each.description },
      ]
      print(`${renderTable(columns, feeds)}\n`)
    })

  program
    .command('describe')
    .description('fields, rules, faults and a sample of a feed')
    .argument('<feed>', 'a name from `list`; of a domain for all of its feeds')
    .option('--json', 'as JSON')
    .action((feed: string, flags: Flags) => {
      const described = resolveFeeds([feed]).map(describeFeed)
      if (flags['json'] === true) return json(described.length === 1 ? described[0] : described)
      print(described.map(renderDescription).join('\n'))
    })

  const run = program
    .command('run')
    .description('simulate feeds and write them')
    .argument('<feed...>', 'names from `list`, names of domains, or `all`')
    .option('-c, --config <file>', 'configuration file, YAML or JSON')
    .option('--to <target>', 'where to; can be repeated, the first one gives the offsets of the ledger', collect)
    .option('--rate <rate>', 'events per second, or a profile; default: as fast as possible')
    .option(
      '--speed-up <factor>',
      'simulated seconds per real second, instead of --rate; 1 is the real cadence',
      Number,
    )
    .option('-n, --count <events>', 'stop after so many events', Number)
    .option('--for <time>', 'stop after so much real time, such as 60s')
    .option('--simulated <time>', 'stop after so much simulated time, such as 2d')
    .option('--seed <seed>', 'same seed, same bytes')
    .option('--start <time>', 'simulated start')
    .option('--scale <factor>', 'size of the simulated world', Number)
    .option('--partitions <n>', 'partitions of each topic', Number)
    .option('--faults <shares>', 'default, none, name=share, separated by commas; see `describe`')
    .option('--schema-version <n>', 'schema version to write with', Number)
    .option('--registry <url>', 'registry to register the schemas in: its URL, or the folder of a file registry')
    .option('--ledger <file>', 'write the truth about every record')
    .option('--continue', 'go on where the run of the ledger stopped')
    .option('--max-record-bytes <size>', 'record limit of the pipeline, for the fault `oversized`')
    .option('--dry-run', 'say what would happen, write nothing')
    .option('-q, --quiet', 'no progress')
    .option('--json', 'print the figures as JSON')
    .addHelpText('after', () => forms())
  run.action(async (words: readonly string[], flags: Flags) => {
    const plan = planRun(words, configOf(flags, streams.env))
    if (flags['dryRun'] === true) {
      const registry = await openRegistry(plan.config)
      registry?.close()
      return print(describePlan(plan))
    }
    // Records on standard output must stay alone there.
    const show = (text: string) =>
      void (plan.targets.some(({ kind }) => kind === 'stdout') ? stderr : stdout).write(text)
    using shutdown = onShutdown({ graceMs })
    using progress = flags['quiet'] === true ? undefined : showProgress(plan, stderr)
    const result = await executeRun(plan, {
      stdout,
      signal: shutdown.signal,
      ...(progress === undefined ? {} : { onProgress: progress.update }),
    })
    progress?.[Symbol.dispose]()
    const figures = figuresOf(result, plan)
    show(flags['json'] === true ? `${JSON.stringify(figures)}\n` : describeFigures(figures))
  })
}

function collect(value: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), value]
}

/** Words on the command line that are keys of the configuration. */
const configFlags = Object.keys(runConfig.shape).filter((name) => name !== 'kafka' && name !== 'registryAccess')

function configOf(flags: Flags, env: CommandStreams['env']) {
  return loadConfig(runConfig, {
    file: flags['config'] as string | undefined,
    envPrefix: 'SLUICE_GENERATE_',
    ...(env === undefined ? {} : { env }),
    flags: Object.fromEntries(configFlags.map((name) => [name, flags[name]])),
  })
}

function showProgress(plan: RunPlan, stream: NodeJS.WriteStream) {
  const progress = createProgress({ label: 'generate', total: plan.expected, unit: 'events', stream })
  let stopped = false
  return {
    update({ records, elapsedMs }: { readonly records: number; readonly elapsedMs: number }): void {
      const rate = elapsedMs > 0 ? `${Math.round((records * 1000) / elapsedMs).toLocaleString('en-US')}/s` : ''
      progress.update(records, rate)
    },
    [Symbol.dispose](): void {
      if (!stopped) progress.stop()
      stopped = true
    },
  }
}

function forms(): string {
  const line = (form: string, meaning: string) => `  ${form.padEnd(44)} ${meaning}`
  return [
    '',
    'Targets:',
    ...Object.values(targetKinds).map(({ form, meaning }) => line(form, meaning)),
    '',
    'Rates:',
    ...Object.values(rateForms).map(({ example, meaning }) => line(example, meaning)),
    '',
    'Every option can also come from the file, or from the environment as SLUICE_GENERATE_<OPTION>.',
  ].join('\n')
}
