import { Worker } from 'node:worker_threads'
import type { ResourceLimits, Transferable } from 'node:worker_threads'
import { PipelineError } from '../pipeline/errors.ts'
import { WorkerOpError } from './protocol.ts'
import type { WorkerReply, WorkerRequest } from './protocol.ts'

export interface WorkerPoolOptions {
  /** Module run by each worker; it calls `serveWorker`. */
  readonly url: URL
  /** Number of workers, started when first needed. */
  readonly size: number
  /** Handed to each worker as `workerData`; must be cloneable. */
  readonly workerData: unknown
  /** A job that runs longer loses its worker, ms. */
  readonly deadlineMs: number
  readonly resourceLimits: ResourceLimits
}

/** Why a worker was lost while it ran a job. */
export type CrashKind = 'crash' | 'deadline' | 'memory'

/** The worker running the job died or was ended; the job may be at fault. Jobs behind it are unharmed. */
export class WorkerCrash extends Error {
  readonly kind: CrashKind

  constructor(kind: CrashKind, op: string, cause: unknown) {
    super(`a worker ended (${kind}) while it ran ${op}`, { cause })
    this.name = 'WorkerCrash'
    this.kind = kind
  }
}

export interface WorkerJob {
  readonly op: string
  /**
   * Makes the message when the job is given to a worker, so that queued jobs hold no copies. Buffers in `transfer` are gone
   * afterwards, also when the worker dies. Called again for the next worker, where a worker dies before it has begun this job.
   */
  readonly make: () => { readonly args: unknown; readonly transfer: readonly Transferable[] }
  /** Run only on this incarnation of the worker (state lives there); else `WORKER_LOST`. */
  readonly incarnation?: number
  /**
   * Given to the worker while it runs another job. For results that stay in the worker: others would wait in this thread, and
   * hold memory there. Default false.
   */
  readonly ahead?: boolean
}

export interface PoolStats {
  readonly workers: number
  readonly busy: number
  readonly queued: number
  readonly jobs: number
  readonly crashes: number
}

/**
 * A fixed number of worker threads. A key always meets the same worker (affinity), one job at a time, in order; the next one may
 * be in its inbox already. A worker that dies is replaced when its next job comes.
 */
export interface WorkerPool {
  readonly size: number
  /**
   * @throws WorkerCrash when the worker died under this job
   * @throws WorkerOpError an error the handler threw
   * @throws PipelineError POOL_CLOSED, or WORKER_LOST when `incarnation` is gone
   */
  run<T>(key: string, job: WorkerJob): Promise<T>
  /** Incarnation of the worker that serves `key`, started if need be. */
  incarnation(key: string): number
  /** Starts all workers now instead of each when first needed. */
  start(): void
  /** Whether a worker serves `key` now. */
  isRunning(key: string): boolean
  /** Forgets the affinity of a key that is not coming back. */
  release(key: string): void
  stats(): PoolStats
  /** Ends all workers; running and queued jobs fail with POOL_CLOSED. Safe to call twice. */
  close(): Promise<void>
}

interface Pending {
  readonly job: WorkerJob
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

interface Given extends Pending {
  readonly id: number
}

/** Jobs that a worker has at a time. */
const mostGiven = 2

interface Slot {
  worker: Worker | undefined
  incarnation: number
  keys: number
  /** What the worker has: the first runs, the next one waits in its inbox, so that it need not wait for this thread. */
  readonly given: Given[]
  readonly queue: Pending[]
  timer: NodeJS.Timeout | undefined
  ending: CrashKind | undefined
  lastError: unknown
}

export function createWorkerPool(options: WorkerPoolOptions): WorkerPool {
  const slots: Slot[] = Array.from({ length: options.size }, () => ({
    worker: undefined,
    incarnation: 0,
    keys: 0,
    given: [],
    queue: [],
    timer: undefined,
    ending: undefined,
    lastError: undefined,
  }))
  const affinity = new Map<string, Slot>()
  let nextId = 1
  let jobs = 0
  let crashes = 0
  /** Never used twice, on no slot: state of a worker that died is not looked for in another one. */
  let incarnations = 0
  let closed = false

  function slotOf(key: string): Slot {
    let slot = affinity.get(key)
    if (slot === undefined) {
      slot = slots.reduce((least, each) => (each.keys < least.keys ? each : least))
      slot.keys += 1
      affinity.set(key, slot)
    }
    return slot
  }

  function start(slot: Slot): Worker {
    const worker = new Worker(options.url, {
      workerData: options.workerData,
      resourceLimits: options.resourceLimits,
    })
    slot.worker = worker
    incarnations += 1
    slot.incarnation = incarnations
    slot.ending = undefined
    slot.lastError = undefined
    worker.on('message', (reply: WorkerReply) => finish(slot, reply))
    worker.on('error', (error) => {
      slot.lastError = error
    })
    worker.on('exit', () => lost(slot, worker))
    return worker
  }

  /** Begins the time of the first job that the worker has. */
  function watch(slot: Slot): void {
    const { worker } = slot
    slot.timer = setTimeout(() => {
      slot.ending = 'deadline'
      void worker?.terminate()
    }, options.deadlineMs)
  }

  function finish(slot: Slot, reply: WorkerReply): void {
    const [first] = slot.given
    if (first?.id !== reply.id) return
    clearTimeout(slot.timer)
    slot.given.shift()
    if (slot.given.length > 0) watch(slot)
    next(slot)
    if ('error' in reply) first.reject(new WorkerOpError(reply.error))
    else first.resolve(reply.value)
  }

  function lost(slot: Slot, worker: Worker): void {
    if (slot.worker !== worker) return
    clearTimeout(slot.timer)
    slot.worker = undefined
    const [running, ...waiting] = slot.given.splice(0)
    if (closed) return
    crashes += 1
    // What waited was not begun: it is given to the next worker, unless its state is gone.
    slot.queue.unshift(...waiting)
    if (running !== undefined) {
      const kind = slot.ending ?? (isOutOfMemory(slot.lastError) ? 'memory' : 'crash')
      running.reject(new WorkerCrash(kind, running.job.op, slot.lastError))
    }
    next(slot)
  }

  function next(slot: Slot): void {
    while (!closed && slot.given.length < mostGiven) {
      const [pending] = slot.queue
      if (pending === undefined) return
      const { op, make, incarnation, ahead = false } = pending.job
      if (slot.given.length > 0 && !ahead) return
      slot.queue.shift()
      if (incarnation !== undefined && !(slot.worker && incarnation === slot.incarnation)) {
        pending.reject(
          new PipelineError('WORKER_LOST', 'the worker that held this state has ended; reopen the partition'),
        )
        continue
      }
      const worker = slot.worker ?? start(slot)
      const id = nextId++
      jobs += 1
      try {
        const { args, transfer } = make()
        worker.postMessage({ id, op, args } satisfies WorkerRequest, [...transfer])
      } catch (error) {
        pending.reject(error)
        continue
      }
      slot.given.push({ ...pending, id })
      if (slot.given.length === 1) watch(slot)
    }
  }

  return {
    size: options.size,
    run<T>(key: string, job: WorkerJob) {
      if (closed) return Promise.reject(new PipelineError('POOL_CLOSED', 'the worker pool is closed'))
      const slot = slotOf(key)
      return new Promise<T>((resolve, reject) => {
        slot.queue.push({ job, resolve: resolve as (value: unknown) => void, reject })
        next(slot)
      })
    },
    incarnation(key) {
      const slot = slotOf(key)
      if (slot.worker === undefined) start(slot)
      return slot.incarnation
    },
    start() {
      if (closed) return
      for (const slot of slots) if (slot.worker === undefined) start(slot)
    },
    isRunning: (key) => !closed && affinity.get(key)?.worker !== undefined,
    release(key) {
      const slot = affinity.get(key)
      if (slot === undefined) return
      slot.keys -= 1
      affinity.delete(key)
    },
    stats: () => ({
      workers: slots.filter((slot) => slot.worker !== undefined).length,
      busy: slots.filter((slot) => slot.given.length > 0).length,
      queued: slots.reduce((sum, slot) => sum + slot.queue.length, 0),
      jobs,
      crashes,
    }),
    async close() {
      if (closed) return
      closed = true
      const error = new PipelineError('POOL_CLOSED', 'the worker pool was closed while the job waited')
      await Promise.all(
        slots.map(async (slot) => {
          clearTimeout(slot.timer)
          for (const pending of [...slot.given.splice(0), ...slot.queue.splice(0)]) pending.reject(error)
          await slot.worker?.terminate()
        }),
      )
    },
  }
}

function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY'
}
