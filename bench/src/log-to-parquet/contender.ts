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
}

/** A way to do the job, in a process of its own, so that memory and processor time are its own. */
export interface Contender {
  run(): Promise<RunReport>
  /** Safe to call twice. */
  close(): Promise<void>
}

/** Starts `module`, which calls `serveRuns`. */
export function startContender(module: URL, args: readonly string[]): Contender {
  const child = fork(module, [...args])
  const gone = new Promise<number | null>((resolve) => child.on('exit', resolve))
  return {
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
export function serveRuns(work: () => Promise<number>, end: () => Promise<void>): void {
  process.on('message', () => {
    void (async () => {
      const start = performance.now()
      const cpu = process.cpuUsage()
      const rows = await work()
      const used = process.cpuUsage(cpu)
      const report: RunReport = {
        rows,
        seconds: (performance.now() - start) / 1000,
        cpuSeconds: (used.user + used.system) / 1e6,
        peakRss: process.resourceUsage().maxRSS * 1024,
      }
      process.send!(report)
    })()
  })
  process.on('disconnect', () => void end())
}
