import { Command, CommanderError } from 'commander'

export type { Command }

export interface CliOptions {
  readonly name: string
  readonly description: string
  readonly version: string
  /** Adds options and subcommands; actions may be async and may throw. */
  readonly setUp: (program: Command) => void
  readonly stderr?: (text: string) => void
}

/**
 * Parses `argv` (without node and script) and runs the chosen command.
 * @returns exit code: 0 done, 2 a mistake in words or configuration, else the `exitCode` of the error, or 1
 */
export async function runCli(options: CliOptions, argv: readonly string[]): Promise<number> {
  const write = options.stderr ?? ((text: string) => void process.stderr.write(text))
  const program = new Command(options.name)
  program.description(options.description).version(options.version).showHelpAfterError('(--help lists the words)')
  program.exitOverride().configureOutput({ writeErr: write })
  options.setUp(program)
  for (const command of descendantsOf(program)) command.exitOverride().configureOutput({ writeErr: write })
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    write(`${options.name}: ${describeError(error)}\n`)
    return exitCodeOf(error)
  }
}

function descendantsOf(command: Command): Command[] {
  return command.commands.flatMap((child) => [child, ...descendantsOf(child)])
}

function exitCodeOf(error: unknown): number {
  const code = (error as { exitCode?: unknown } | null)?.exitCode
  return typeof code === 'number' ? code : 1
}

/** Code, message and the messages of its causes, one per line; a stack only for errors without a code (our bugs). */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = (error as { code?: unknown }).code
  const head = typeof code === 'string' ? `${code}: ${error.message}` : (error.stack ?? error.message)
  return error.cause === undefined ? head : `${head}\n  because ${describeError(error.cause)}`
}
