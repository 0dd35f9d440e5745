import type { Transferable } from 'node:worker_threads'
import { transferList } from '@sluice/columnar'
import type { SinkBatch, SinkUsage } from '../contracts/sink.ts'
import { PipelineError } from '../pipeline/errors.ts'
import { partitionKey } from '../pipeline/partition-key.ts'
import type { FileSetHost } from '../sink/file-set-host.ts'
import type { FinishedFile, SealedFlush } from '../sink/flush-spec.ts'
import { WorkerCrash } from './pool.ts'
import type { WorkerPool } from './pool.ts'

/**
 * File sets in the workers of `pool`: a partition's files are encoded by the worker that decodes it, so that encoding
 * spreads over the cores and only finished files come back. When a worker dies its lanes are gone: they answer
 * `WORKER_LOST`, and the pipeline abandons and reopens these partitions. Does not close the pool.
 */
export function createWorkerFileSetHost(pool: WorkerPool): FileSetHost {
  const lanes = new Map<string, { readonly key: string; readonly incarnation: number; left: number }>()

  async function call<T>(laneId: string, op: string, args: object, transfer: readonly Transferable[] = []): Promise<T> {
    const lane = lanes.get(laneId)
    if (lane === undefined) throw new PipelineError('WORKER_LOST', `lane ${laneId} is not open in any worker`)
    try {
      return await pool.run<T>(lane.key, {
        op,
        ahead: true,
        incarnation: lane.incarnation,
        make: () => ({ args, transfer }),
      })
    } catch (error) {
      if (!(error instanceof WorkerCrash)) throw error
      throw new PipelineError('WORKER_LOST', `the worker with the files of lane ${laneId} ended (${error.kind})`, {
        cause: error,
      })
    }
  }

  async function drop(laneId: string): Promise<void> {
    if (!lanes.has(laneId)) return
    try {
      await call(laneId, 'files.drop', { laneId })
    } catch (error) {
      // Gone with its worker or the pool: that is what was asked for.
      if (!(error instanceof PipelineError)) throw error
    } finally {
      lanes.delete(laneId)
    }
  }

  return {
    async open(laneId, options) {
      const key = partitionKey(options.spec.partition)
      lanes.set(laneId, { key, incarnation: pool.incarnation(key), left: 0 })
      await call(laneId, 'files.open', { laneId, options })
    },
    residence: pool,
    append(laneId, { origin: _origin, resident, ...batch }) {
      if (resident === undefined) return call<SinkUsage>(laneId, 'files.append', { laneId, batch }, buffersOf(batch))
      if (lanes.get(laneId)?.incarnation !== resident.incarnation) {
        return Promise.reject(new PipelineError('WORKER_LOST', `the worker with the rows of lane ${laneId} ended`))
      }
      const { key, id } = resident
      const { batch: _rows, ...rest } = batch
      return call<SinkUsage>(laneId, 'files.appendKept', { laneId, batch: rest, key, id }, buffersOf(batch))
    },
    async seal(laneId, end) {
      const sealed = await call<SealedFlush>(laneId, 'files.seal', { laneId, end })
      const lane = lanes.get(laneId)
      if (lane !== undefined) lane.left = sealed.files
      return sealed
    },
    async take(laneId) {
      const files = await call<readonly FinishedFile[]>(laneId, 'files.take', { laneId })
      const lane = lanes.get(laneId)
      if (lane !== undefined && (lane.left -= files.length) === 0) lanes.delete(laneId)
      return files
    },
    drop,
    async close() {
      await Promise.all([...lanes.keys()].map(drop))
    },
  }
}

/** Buffers of a batch that can be handed over. */
export function buffersOf(batch: Pick<SinkBatch, 'batch' | 'rejects'>): Transferable[] {
  const own = batch.rejects.flatMap(({ key, value, headers }) => ownBuffers([key, value, headers]))
  return [...new Set<Transferable>([...transferList(batch.batch), ...own])]
}

/** Buffers that belong to one array alone; views into a pool are copied by the message instead. */
export function ownBuffers(arrays: readonly (Uint8Array | null)[]): ArrayBuffer[] {
  return arrays.flatMap((bytes) =>
    bytes !== null && bytes.buffer instanceof ArrayBuffer && bytes.byteLength === bytes.buffer.byteLength
      ? [bytes.buffer]
      : [],
  )
}
