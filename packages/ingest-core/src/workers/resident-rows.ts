import type { ColumnBatch } from '@sluice/columnar'
import type { ResidentRows } from '../contracts/sink.ts'
import { PipelineError } from '../pipeline/errors.ts'
import { WorkerCrash } from './pool.ts'
import type { WorkerPool } from './pool.ts'

/** Handle on rows that a worker keeps; see `createRowKeeper`. */
export function residentRows(pool: WorkerPool, key: string, incarnation: number, id: number): ResidentRows {
  return {
    key,
    incarnation,
    id,
    async load() {
      try {
        return await pool.run<ColumnBatch>(key, {
          op: 'rows.take',
          incarnation,
          make: () => ({ args: { key, id }, transfer: [] }),
        })
      } catch (error) {
        if (!(error instanceof WorkerCrash)) throw error
        throw new PipelineError('WORKER_LOST', `the worker with rows of ${key} ended (${error.kind})`, { cause: error })
      }
    },
  }
}

/** Lets go of all rows of a partition, if its worker runs. */
export function releaseRows(pool: WorkerPool, key: string): void {
  if (!pool.isRunning(key)) return
  const incarnation = pool.incarnation(key)
  // Gone with the worker or the pool: that is what was asked for.
  pool
    .run(key, { op: 'rows.release', incarnation, make: () => ({ args: { key }, transfer: [] }) })
    .catch(() => undefined)
}
