import { fork } from 'node:child_process'

/** One run, as the process that made it reports it. */
export interface RunReport {
  readonly rows: number
  /** From the first look at the log to the last file written, s. */
  readonly seconds: number
  /** Processor time of all threads in that time, s. */
  readonly cpuSeconds: number
  /** Of the process since its start, bytes. */
  readonly peakRss: number
  /** Processor time of all threads since the process began, s. */
  readonly cpuSecondsInAll: number
  /** When the run ended, ms since epoch. */
  readonly endedAt: number
  /** When the first file of the run was committed, ms since epoch; null when the way does not say. */
  readonly firstFileAt: number | null
  /** What else a way has to say, by name. */
  readonly more: Readonly<Record<string, number>>
}

/** What one run did; a number alone is its rows. */
export interface RunOutcome {
  readonly rows: number
  readonly firstFileAt?: number
  readonly more?: Readonly<Record<string, number>>
}

/** A way to do the job, in a process of its own, so that memory and processor time are its own. */
export interface Contender {
  /** Just before the process was started, ms since epoch. */
  readonly startedAt: number
  run(): Promise<RunReport>
  /** Safe to call twice. */
  close(): Promise<void>
}

/** Starts `module`, which calls `serveRuns`; `flags` are for Node, `env` is added to the environment. */
export function startContender(
  module: URL,
  args: readonly string[],
  flags: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Contender {
  const startedAt = Date.now()
  const child = fork(module, [...args], {
    execArgv: [...process.execArgv, ...flags],
    env: { ...process.env, ...env },
  })
  const gone = new Promise<number | null>((resolve) => child.on('exit', resolve))
  return {
    startedAt,
    async run() {
      const report = new Promise<RunReport>((resolve) =>
        child.once('message', (message) => resolve(message as RunReport)),
      )
      child.send('run')
      const first = await Promise.race([report, gone])
      if (typeof first === 'object' && first !== null) return first
      throw new Error(`${module.pathname} ended with ${String(first)}`)
    },
    async close() {
      if (child.connected) child.disconnect()
      await gone
    },
  }
}

/** In the child: runs `work`, which answers with the rows it wrote, whenever the parent asks; `end` when it has enough. */
export function serveRuns(work: () => Promise<number | RunOutcome>, end: () => Promise<void>): void {
  process.on('message', () => {
    void (async () => {
      const start = performance.now()
      const cpu = process.cpuUsage()
      const outcome = await work()
      const { rows, firstFileAt = null, more = {} } = typeof outcome === 'number' ? { rows: outcome } : outcome
      const used = process.cpuUsage(cpu)
      const inAll = process.cpuUsage()
      const report: RunReport = {
        rows,
        firstFileAt,
        more,
        endedAt: Date.now(),
        cpuSecondsInAll: (inAll.user + inAll.system) / 1e6,
        seconds: (performance.now() - start) / 1000,
        cpuSeconds: (used.user + used.system) / 1e6,
        peakRss: process.resourceUsage().maxRSS * 1024,
      }
      process.send!(report)
    })()
  })
  process.on('disconnect', () => void end())
}
