import { runCommand } from './command.ts'
import type { CheckResult } from './result.ts'

/** A check that is one program: passes once when it exits with 0, else fails once with everything it printed. */
async function commandCheck(
  root: string,
  program: string,
  args: readonly string[],
  env?: NodeJS.ProcessEnv,
): Promise<CheckResult> {
  const end = await runCommand(program, args, { cwd: root, ...(env && { env: { ...process.env, ...env } }) })
  if (end.code === 0) return { passed: 1, failures: [] }
  return {
    passed: 0,
    failures: [`${program} ${args.join(' ')} ended with ${end.code ?? 'a signal'}\n${end.output.trim()}`],
  }
}

export const checkLint = (root: string) => commandCheck(root, 'eslint', ['.', '--max-warnings', '0'])

export const checkFormat = (root: string) => commandCheck(root, 'prettier', ['--check', '.', '--log-level', 'warn'])

export const checkTypes = (root: string) => commandCheck(root, 'tsc', ['-p', 'tsconfig.json', '--pretty', 'false'])
