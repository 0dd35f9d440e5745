import { execFileSync, spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** A process that can be told from a later one with the same id: the id and when it started, as the system words it. */
export interface ProcessId {
  readonly pid: number
  readonly startedAt: string
}

/** When the process with this id started, in the system's own words; undefined when there is none (or only a zombie). */
export function processStart(pid: number): string | undefined {
  if (existsSync('/proc/self/stat')) {
    try {
      // The command's name, in brackets, may hold blanks and brackets itself: count fields after the last one.
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\)\s+/s, '')
        .split(' ')
      return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19]
    } catch (error) {
      if (isGone(error)) return undefined
      throw error
    }
  }
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined
  } catch (error) {
    // ps ends with 1 when no process has the id; anything else is a real failure.
    if ((error as { status?: number }).status === 1) return undefined
    throw error
  }
}

const isGone = (error: unknown) => ['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')

export function isAlive(process: ProcessId): boolean {
  return processStart(process.pid) === process.startedAt
}

/**
 * Starts a program that outlives this process: its own session, no stdin, stdout and stderr appended to `logFile`.
 * @throws the system's error when the program cannot be started.
 */
export async function startDetached(
  program: string,
  args: readonly string[],
  options: {
    cwd: string
    env: NodeJS.ProcessEnv
    logFile: string
    user?: { readonly uid: number; readonly gid: number }
  },
): Promise<ProcessId> {
  const log = openSync(options.logFile, 'a')
  try {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: options.env,
      detached: true,
      ...options.user,
      stdio: ['ignore', log, log],
    })
    await new Promise<void>((done, failed) => {
      child.once('spawn', done)
      child.once('error', failed)
    })
    child.unref()
    const pid = child.pid!
    return { pid, startedAt: processStart(pid) ?? 'ended at once' }
  } finally {
    closeSync(log)
  }
}

/** Sends a signal to that very process. @returns false when it is gone, even if its id has been given to another one */
export function signalProcess(target: ProcessId, signal: NodeJS.Signals): boolean {
  if (!isAlive(target)) return false
  try {
    process.kill(target.pid, signal)
    return true
  } catch (error) {
    if (isGone(error)) return false
    throw error
  }
}

/** How often it is looked whether a process stands still, and for how long at most, ms. */
const stillEveryMs = 5
const stillWithinMs = 5_000

/**
 * Waits until each thread of a process that was sent SIGSTOP stands still: the signal is on its way when `kill` returns, and a busy server goes on
 * to answer. Where threads cannot be looked at (no /proc), and for one that is gone or woken meanwhile, it does not wait for ever.
 */
export async function untilStill({ pid }: ProcessId): Promise<void> {
  const folder = `/proc/${pid}/task`
  const isStill = (thread: string): boolean => /\) [TtZX] /.test(readFileSync(`${folder}/${thread}/stat`, 'utf8'))
  for (let waited = 0; existsSync(folder) && waited < stillWithinMs; waited += stillEveryMs) {
    try {
      if (readdirSync(folder).every(isStill)) return
    } catch (error) {
      // A thread that ended between the two looks.
      if (!isGone(error)) throw error
    }
    await sleep(stillEveryMs)
  }
}

/**
 * Ends a process politely, then firmly: `polite`, `graceMs` of patience, SIGKILL. Does nothing when that very process is gone.
 * One that was stopped by SIGSTOP is woken, so that it can end politely, too.
 */
export async function stopProcess(
  target: ProcessId,
  graceMs = 15_000,
  polite: NodeJS.Signals = 'SIGTERM',
): Promise<void> {
  for (const [signal, patience] of [
    [polite, graceMs],
    ['SIGKILL', 5_000],
  ] as const) {
    if (!signalProcess(target, signal)) return
    signalProcess(target, 'SIGCONT')
    const until = Date.now() + patience
    while (Date.now() < until) {
      if (!isAlive(target)) return
      await sleep(50)
    }
  }
  if (isAlive(target)) throw new Error(`process ${target.pid} did not end after SIGKILL`)
}
