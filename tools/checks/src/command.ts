import { spawn } from 'node:child_process'

/** How a command ended; `output` is stdout and stderr as they came. `code` is null when a signal ended it. */
export interface CommandEnd {
  readonly code: number | null
  readonly output: string
}

/**
 * Runs a program without a shell and without stdin and waits for its end.
 * A program that cannot be started ends with code 127 and the reason as output; it never looks like success.
 * @param options.timeoutMs the program gets SIGKILL after this time (default 10 minutes)
 */
export function runCommand(
  program: string,
  args: readonly string[],
  options: { cwd: string; env?: NodeJS.ProcessEnv; timeoutMs?: number },
): Promise<CommandEnd> {
  return new Promise((done) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: options.timeoutMs ?? 600_000,
      killSignal: 'SIGKILL',
    })
    const chunks: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.on('error', (error) => done({ code: 127, output: `${program}: ${error.message}` }))
    child.on('close', (code) => done({ code, output: Buffer.concat(chunks).toString('utf8') }))
  })
}
