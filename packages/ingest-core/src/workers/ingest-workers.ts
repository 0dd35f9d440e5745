import { getCompileCacheDir } from 'node:module'
import { availableParallelism } from 'node:os'
import { dirname } from 'node:path'
import type { ResourceLimits } from 'node:worker_threads'
import type { Contract } from '@sluice/schemas'
import { decodeLimits } from '../decode/request.ts'
import type { DecodeLimits } from '../decode/request.ts'
import type { FileSetHost } from '../sink/file-set-host.ts'
import { createWorkerPool } from './pool.ts'
import type { PoolStats, WorkerPool } from './pool.ts'
import { createWorkerFileSetHost } from './worker-file-set-host.ts'

export interface IngestWorkersOptions {
  readonly contracts: readonly Contract[]
  /** Default: one less than the cores, at least one. */
  readonly size?: number
  readonly limits?: Partial<DecodeLimits>
  /** Per worker. Buffers outside the JavaScript heap are bounded by the decoders' own budgets. */
  readonly resourceLimits?: ResourceLimits
  /** A job that runs longer loses its worker, ms. */
  readonly deadlineMs?: number
  /** The same inside the sandbox, where jobs are searched for the record at fault, ms. */
  readonly sandboxDeadlineMs?: number
  /** Module run by the workers; a replacement must serve the same operations. */
  readonly url?: URL
}

/** The worker threads of a process: decoding and file encoding, each partition always on the same one. */
export interface IngestWorkers {
  readonly pool: WorkerPool
  /** Files encoded by the worker that decodes their partition; for `createFileSink`. */
  readonly fileSets: FileSetHost
  /** Starts the threads now instead of each when first needed, so that they load while source and store connect. */
  start(): void
  /** Runs `work` with a worker of its own that holds no state of others and may die. One at a time. */
  inSandbox<T>(work: (sandbox: WorkerPool) => Promise<T>): Promise<T>
  stats(): PoolStats & { readonly sandboxCrashes: number }
  /** Safe to call twice. */
  close(): Promise<void>
}

/** What a worker is told at its start. */
export interface IngestWorkerData {
  readonly contracts: readonly Contract[]
  readonly limits: DecodeLimits
  /** Folder of the compile cache, where the process has one: a thread need not compile again what an earlier one did. */
  readonly compileCache?: string
}

const ownUrl = new URL(import.meta.url.endsWith('.ts') ? './ingest-worker.ts' : './ingest-worker.js', import.meta.url)

export function createIngestWorkers(options: IngestWorkersOptions): IngestWorkers {
  // That of this version of Node, inside of the folder.
  const cache = getCompileCacheDir()
  const workerData: IngestWorkerData = {
    contracts: options.contracts,
    limits: { ...decodeLimits, ...options.limits },
    ...(cache !== undefined && { compileCache: dirname(cache) }),
  }
  const common = {
    url: options.url ?? ownUrl,
    workerData,
    resourceLimits: options.resourceLimits ?? { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 64 },
  }
  const pool = createWorkerPool({
    ...common,
    size: options.size ?? Math.max(1, availableParallelism() - 1),
    deadlineMs: options.deadlineMs ?? 30_000,
  })
  let turn: Promise<unknown> = Promise.resolve()
  let sandboxCrashes = 0
  let closed = false

  return {
    pool,
    fileSets: createWorkerFileSetHost(pool),
    start: () => pool.start(),
    inSandbox(work) {
      const mine = turn.then(async () => {
        const sandbox = createWorkerPool({ ...common, size: 1, deadlineMs: options.sandboxDeadlineMs ?? 5_000 })
        try {
          return await work(sandbox)
        } finally {
          sandboxCrashes += sandbox.stats().crashes
          await sandbox.close()
        }
      })
      turn = mine.catch(() => undefined)
      return mine
    },
    stats: () => ({ ...pool.stats(), sandboxCrashes }),
    async close() {
      if (closed) return
      closed = true
      await pool.close()
      await turn
    },
  }
}
