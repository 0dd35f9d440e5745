import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { SeenReceipt } from './auditor.ts'
import {
  warmArgument,
  type Failpoint,
  type WorkerLine,
  type WorkerOrder,
  type WorkerSetting,
} from './worker-protocol.ts'

const program = fileURLToPath(new URL('./worker.ts', import.meta.url))
const conditions = ['--conditions=sluice-source']
const preload = new URL('./worker-preload.ts', import.meta.url).href

/** What differs from one life of a worker to another. */
export interface LifeOptions {
  /** See `CHAOS_CLOCK` in worker-preload.ts, ms. */
  readonly clockShiftMs?: number
}

/** A trap at a named point: the first worker to come there springs it, and for the others it is taken away. */
export interface Trap {
  /** Who sprang it; undefined when it was taken away before. */
  readonly sprung: Promise<Worker | undefined>
  remove(): void
}

/** One life of a worker process. */
export interface Worker {
  readonly id: number
  /** Runs, and is not stopped. */
  readonly awake: boolean
  signal(signal: NodeJS.Signals): void
  /** Resolves when it has ended. */
  readonly ended: Promise<void>
}

/** How a life ended. */
export interface WorkerEnd {
  readonly id: number
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** Somebody asked it to end by SIGTERM. */
  readonly asked: boolean
  readonly stderr: string
}

/** The worker processes of a run. One that ends without being asked to is started again, as a supervisor does. */
export interface Crew {
  hire(options?: LifeOptions): Worker
  /** Those that run and are not stopped, oldest first. */
  awake(): Worker[]
  /** For all workers there are, and those that are hired while it is set. */
  trap(failpoint: Failpoint): Trap
  /** Kills one and starts another in its place. */
  replace(worker: Worker, options?: LifeOptions): Worker
  /** Asks one to end; nobody takes its place. */
  dismiss(worker: Worker): void
  /** Wakes those that are stopped. */
  wakeAll(): void
  /** Asks all to end, kills those that do not within `graceMs`. */
  close(graceMs: number): Promise<void>
  readonly receipts: readonly SeenReceipt[]
  readonly ends: readonly WorkerEnd[]
  readonly halts: readonly { readonly code: string; readonly message: string }[]
  /** Codes of trouble that workers met and dealt with, with how many lives met them. */
  readonly troubles: ReadonlyMap<string, number>
}

/** A supervisor does not start what ends at once as fast as it can. */
const restartMs = 500

interface Life extends Worker {
  readonly child: ChildProcess
  stopped: boolean
  asked: boolean
  told(order: WorkerOrder): void
}

/** Fills the compile cache of workers (`NODE_COMPILE_CACHE`): a worker that is killed leaves nothing in it. */
export function warmUp(environment: Readonly<Record<string, string>>): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...conditions, '--import', preload, program, warmArgument], {
      stdio: 'inherit',
      env: { ...process.env, ...environment, NODE_NO_WARNINGS: '1' },
    })
    child.once('error', reject)
    child.once('close', (code) => (code === 0 ? resolve() : reject(new Error(`a worker ended with ${code}`))))
  })
}

export function createCrew(setting: WorkerSetting, environment: Readonly<Record<string, string>>): Crew {
  const lives = new Set<Life>()
  const receipts: SeenReceipt[] = []
  const ends: WorkerEnd[] = []
  const halts: { code: string; message: string }[] = []
  const troubles = new Map<string, number>()
  const traps = new Map<number, { readonly failpoint: Failpoint; readonly sprung: (by?: Worker) => void }>()
  let closing = false
  let count = 0
  let trapCount = 0

  function hire(options: LifeOptions = {}): Life {
    const { clockShiftMs } = options
    const id = count++
    const child = spawn(process.execPath, [...conditions, '--import', preload, program, JSON.stringify(setting)], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: {
        ...process.env,
        ...environment,
        NODE_NO_WARNINGS: '1',
        ...(clockShiftMs !== undefined && { CHAOS_CLOCK: String(clockShiftMs) }),
      },
    })
    let stderr = ''
    child.stderr!.on('data', (chunk: Buffer) => (stderr = (stderr + chunk.toString()).slice(-4000)))
    createInterface({ input: child.stdout! }).on('line', (text) => hear(JSON.parse(text) as WorkerLine))
    const ended = Promise.withResolvers<void>()
    const life: Life = {
      id,
      child,
      stopped: false,
      asked: false,
      get awake() {
        return lives.has(life) && !life.stopped
      },
      ended: ended.promise,
      signal(signal) {
        if (!lives.has(life)) return
        if (signal === 'SIGSTOP') life.stopped = true
        if (signal === 'SIGCONT') life.stopped = false
        child.kill(signal)
      },
      told: (order) => void child.stdin!.write(`${JSON.stringify(order)}\n`),
    }
    lives.add(life)
    // It may end while it is told something.
    child.stdin!.on('error', () => undefined)
    for (const [trap, { failpoint }] of traps) life.told({ trap, failpoint })
    child.once('close', (code, signal) => {
      lives.delete(life)
      ends.push({ id, code, signal, asked: life.asked, stderr })
      ended.resolve()
      if (life.asked || closing) return
      setTimeout(() => void (closing || hire()), restartMs)
    })

    function hear(line: WorkerLine): void {
      if (line.kind === 'receipt') receipts.push(line)
      if (line.kind === 'halted') halts.push({ code: line.code, message: line.message })
      if (line.kind === 'trouble') troubles.set(line.code, (troubles.get(line.code) ?? 0) + 1)
      if (line.kind === 'point') {
        if (line.signal === 'SIGSTOP') life.stopped = true
        removeTrap(line.trap, life)
      }
    }
    return life
  }

  function removeTrap(trap: number, by?: Worker): void {
    const { sprung } = traps.get(trap) ?? {}
    traps.delete(trap)
    for (const life of lives) life.told({ trap, failpoint: null })
    sprung?.(by)
  }

  return {
    hire,
    trap(failpoint) {
      const trap = trapCount++
      const sprung = Promise.withResolvers<Worker | undefined>()
      traps.set(trap, { failpoint, sprung: sprung.resolve })
      for (const life of lives) life.told({ trap, failpoint })
      return { sprung: sprung.promise, remove: () => removeTrap(trap) }
    },
    awake: () => [...lives].filter(({ stopped, asked }) => !stopped && !asked),
    replace(worker, options) {
      const life = worker as Life
      // Its place is taken at once, so nobody else is to be hired for it.
      life.asked = true
      life.child.kill('SIGKILL')
      return hire(options)
    },
    dismiss(worker) {
      const life = worker as Life
      life.asked = true
      life.child.kill('SIGTERM')
    },
    wakeAll() {
      for (const life of lives) if (life.stopped) life.signal('SIGCONT')
    },
    async close(graceMs) {
      closing = true
      const all = [...lives]
      for (const life of all) {
        life.signal('SIGCONT')
        life.asked = true
        life.child.kill('SIGTERM')
      }
      const late = setTimeout(() => all.forEach(({ child }) => child.kill('SIGKILL')), graceMs)
      await Promise.all(all.map(({ ended }) => ended))
      clearTimeout(late)
    },
    receipts,
    ends,
    halts,
    troubles,
  }
}
