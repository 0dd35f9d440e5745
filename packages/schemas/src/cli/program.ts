import { Command, CommanderError, Option } from 'commander'
import { compatibilityModes } from '../compatibility/check-compatibility.ts'
import { SchemaError } from '../errors.ts'
import { CliError, exitCodes } from './cli-error.ts'
import { checkCommand, lockCommand } from './check-command.ts'
import { generateCommand } from './generate-command.ts'
import type { Output } from './output.ts'
import { registerCommand } from './register-command.ts'
import { diffCommand, listCommand, showCommand } from './show-commands.ts'

export interface SchemasCliOptions {
  readonly version: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdout: (text: string) => void
  readonly stderr: (text: string) => void
}

/** Runs `sluice-schemas` with arguments (without node and script). @returns exit code, see `exitCodes` */
export async function runSchemasCli(argv: readonly string[], options: SchemasCliOptions): Promise<number> {
  const output: Output = { out: options.stdout, env: options.env }
  const program = createProgram(output, options.version)
  const settings = { writeOut: options.stdout, writeErr: options.stderr }
  for (const command of [program, ...program.commands]) command.exitOverride().configureOutput(settings)
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return output.exitCode ?? exitCodes.ok.code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok.code : exitCodes.usage.code
    options.stderr(`sluice-schemas: ${textOf(error)}\n`)
    return exitCodeOf(error)
  }
}

function createProgram(output: Output, version: string): Command {
  const program = new Command('sluice-schemas')
  program.description('keeps changes of event contracts from breaking their readers').version(version)
  program.enablePositionalOptions().showHelpAfterError('(--help lists the words)')
  program.addHelpText(
    'after',
    `\nExit codes:\n${Object.values(exitCodes)
      .map(({ code, meaning }) => `  ${code}  ${meaning}`)
      .join('\n')}`,
  )
  const contracts = ['--contracts <folder>', 'folder of contracts', 'contracts'] as const
  const json = ['--json', 'print JSON'] as const
  const inside = ['--inside <path>', 'where the contracts are in a tarball or folder'] as const
  const ca = ['--ca <file>', 'PEM file of the authorities to trust'] as const
  const plain = ['--allow-plain-auth', 'send credentials over http to another machine'] as const
  const mode = (): Option =>
    new Option('--mode <mode>', 'for all contracts, instead of what each says').choices(compatibilityModes)

  program
    .command('check')
    .description('refuse what would break readers')
    .requiredOption('--against <what>', 'git ref, folder, tarball of a released package, lock file, or registry URL')
    .option(...contracts)
    .addOption(mode())
    .option(...json)
    .addOption(new Option('--annotations <style>', 'also print problems for a CI').choices(['github']))
    .option(...inside)
    .option(...ca)
    .option(...plain)
    .action((flags: Parameters<typeof checkCommand>[1]) => checkCommand(output, flags))
  program
    .command('lock')
    .description('write down all contracts as released; never changes what was written before')
    .option(...contracts)
    .option('--file <file>', 'the lock file; default released.json in the folder of contracts')
    .action((flags: Parameters<typeof lockCommand>[1]) => lockCommand(output, flags))
  program
    .command('list')
    .description('list contracts and their versions')
    .option(...contracts)
    .option(...json)
    .action((flags: Parameters<typeof listCommand>[1]) => listCommand(output, flags))
  program
    .command('show <contract>')
    .description('show one version, the latest by default')
    .option(...contracts)
    .option('--version <n>', 'which version', wholeNumber)
    .option(...json)
    .action((name: string, flags: Parameters<typeof showCommand>[2]) => showCommand(output, name, flags))
  program
    .command('diff <contract> [from] [to]')
    .description('what changed between two versions, by default the last two, and who can read whom')
    .option(...contracts)
    .option('--against <what>', 'compare with the latest version there instead')
    .option(...json)
    .option(...inside)
    .option(...ca)
    .option(...plain)
    .action((...given: [string, string | undefined, string | undefined, Parameters<typeof diffCommand>[4]]) =>
      diffCommand(output, ...given),
    )
  program
    .command('register [contracts...]')
    .description('register every version of Avro contracts, in order')
    .requiredOption('--registry <url>', 'URL of a registry, or the folder of a file registry')
    .option(...contracts)
    .addOption(
      new Option('--set-mode <mode>', 'have the registry hold the subjects to this mode').choices(compatibilityModes),
    )
    .option('--dry-run', 'ask whether the registry would take them; change nothing')
    .option(...json)
    .option(...ca)
    .option(...plain)
    .action((names: string[], flags: Parameters<typeof registerCommand>[2]) => registerCommand(output, names, flags))
  program
    .command('generate')
    .description('write TypeScript, data dictionary and field ids of the contracts')
    .requiredOption('--out <folder>', 'for TypeScript')
    .option(...contracts)
    .option('--docs <folder>', 'for the data dictionary; none is written without it')
    .option('--check', 'only say what differs; exit code 1 when something does')
    .action((flags: Parameters<typeof generateCommand>[1]) => generateCommand(output, flags))
  return program
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new CliError('usage', `${JSON.stringify(text)} is not a version number`)
  return Number(text)
}

/** Registry troubles mean that no verdict was had; all other troubles with files are the caller's. */
function exitCodeOf(error: unknown): number {
  if (error instanceof CliError) return error.exitCode
  if (!(error instanceof SchemaError))
    return error instanceof TypeError ? exitCodes.usage.code : exitCodes.unavailable.code
  if (error.code === 'REGISTRY_REFUSED') return exitCodes.refused.code
  return error.code.startsWith('REGISTRY_') ? exitCodes.unavailable.code : exitCodes.usage.code
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const known = error instanceof CliError || error instanceof SchemaError
  return known ? error.message : (error.stack ?? error.message)
}
