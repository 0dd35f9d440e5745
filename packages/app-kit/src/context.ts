import { createLogger, loadConfig, onShutdown, type Command, type Logger } from '@sluice/runtime'
import type { z } from 'zod'
import type { CommonConfig } from './config.ts'
import type { LakeApp } from './lake-app.ts'

export type Flags = Readonly<Record<string, unknown>>

/** What every command gets. */
export interface CommandContext<C extends CommonConfig = CommonConfig, A extends LakeApp = LakeApp> {
  readonly config: C
  readonly app: A
  readonly log: Logger
  readonly signal: AbortSignal
  readonly print: (text: string) => void
}

export type Action<C extends CommonConfig, A extends LakeApp> = (
  context: CommandContext<C, A>,
  flags: Flags,
  args: readonly string[],
) => Promise<void>

/** Adds one command whose action gets a context; options and arguments are added to what comes back. */
export type AddCommand<C extends CommonConfig, A extends LakeApp> = (
  parent: Command,
  name: string,
  description: string,
  action: Action<C, A>,
) => Command

export interface CommandSetOptions<C extends CommonConfig, A extends LakeApp> {
  /** Appears in log lines. */
  readonly name: string
  readonly schema: z.ZodObject
  /** Checked once by `schema`; says what its output is. */
  readonly config: (output: unknown) => C
  /** Words on the command line, in camel case, to keys of the configuration. */
  readonly flagPaths: Readonly<Record<string, string>>
  /** Read when a command runs, so that help works in any environment. */
  readonly env: () => Readonly<Record<string, string | undefined>>
  readonly open: (config: C) => A
}

/**
 * The frame of an app's commands: each reads configuration in layers (defaults, file, `SLUICE_...`, flags), opens the app
 * by it, logs to stderr, and stops at the first signal.
 */
export function createCommandSet<C extends CommonConfig, A extends LakeApp>(
  program: Command,
  options: CommandSetOptions<C, A>,
): AddCommand<C, A> {
  const known = program.options.some(({ long }) => long === '--data-dir')
  // Several domains of one program share them.
  if (!known) {
    program
      .option('-c, --config <file>', 'configuration file, YAML or JSON')
      .option('-d, --data-dir <folder>', 'where everything on this machine is kept')
      .option('--log-level <level>', 'trace, debug, info, warn, error or silent')
  }
  const flagPaths: Readonly<Record<string, string>> = {
    dataDir: 'dataDir',
    logLevel: 'logLevel',
    workers: 'ingest.workers',
    metricsPort: 'ingest.metricsPort',
    ...options.flagPaths,
  }

  async function withContext(flags: Flags, work: (context: CommandContext<C, A>) => Promise<void>): Promise<void> {
    const config = options.config(
      loadConfig(options.schema, {
        file: flags['config'] as string | undefined,
        env: configurationIn(options.env()),
        envPrefix: 'SLUICE_',
        flags: Object.fromEntries(Object.entries(flagPaths).map(([word, path]) => [path, flags[word]])),
      }),
    )
    const log = createLogger({ name: options.name, level: config.logLevel, format: config.logFormat })
    using shutdown = onShutdown({
      graceMs: config.ingest.shutdownGrace + 5_000,
      onSignal: (signal) => log.warn({ signal }, 'draining; the same signal again exits at once'),
    })
    const print = (text: string): void => void process.stdout.write(text)
    await work({ config, app: options.open(config), log, signal: shutdown.signal, print })
  }

  return (parent, name, description, action) => {
    const command = parent.command(name).description(description)
    return command.action(() => {
      const flags: Flags = { ...command.optsWithGlobals<Flags>() }
      return withContext(flags, (context) => action(context, flags, command.args))
    })
  }
}

/** Variables with our prefix that belong to the tools of this repository: an app started beside them is not misconfigured. */
const toolVariables = new Set(['SLUICE_CACHE', 'SLUICE_TEST_SERVICES'])

function configurationIn(env: Readonly<Record<string, string | undefined>>): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !toolVariables.has(name)))
}
