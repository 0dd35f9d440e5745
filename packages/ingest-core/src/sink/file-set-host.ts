import type { SinkBatch, SinkUsage } from '../contracts/sink.ts'
import { SinkError } from './errors.ts'
import type { FileEncoders } from './file-encoders.ts'
import { columnarEncoders } from './file-encoders.ts'
import { createFileSet } from './file-set.ts'
import type { FileSet, FileSetOptions } from './file-set.ts'
import type { FinishedFile, SealedFlush } from './flush-spec.ts'

/**
 * Where file sets live: in this thread, or in a worker. A lane is one flush; ids are not used twice. Options and batches
 * can be cloned; a host may move the buffers of a batch, so callers do not use it afterwards. Calls for one lane are made
 * one at a time. Errors keep their `code` across threads.
 */
export interface FileSetHost {
  /** The pool in whose workers the files are, when they are in one: rows that were decoded there need not leave it. */
  readonly residence?: object
  open(laneId: string, options: FileSetOptions): Promise<void>
  append(laneId: string, batch: SinkBatch): Promise<SinkUsage>
  /** Ends the lane's flush at `end`; its files are then taken. */
  seal(laneId: string, end: number): Promise<SealedFlush>
  /** Next files of a sealed lane, a few megabytes at a time. With the last one, or none, the lane is closed. */
  take(laneId: string): Promise<readonly FinishedFile[]>
  /** Forgets a lane; an unknown one is not an error. */
  drop(laneId: string): Promise<void>
  /** Safe to call twice. */
  close(): Promise<void>
}

/** File sets in this thread. */
export function createInlineFileSetHost(encoders: FileEncoders = columnarEncoders): FileSetHost {
  const lanes = new Map<string, FileSet>()
  const laneOf = (laneId: string): FileSet => {
    const lane = lanes.get(laneId)
    if (lane === undefined) throw new SinkError('SINK_NOT_OPEN', `lane ${laneId} is not open`)
    return lane
  }
  return {
    async open(laneId, options) {
      lanes.set(laneId, createFileSet(options, encoders))
    },
    async append(laneId, batch) {
      return laneOf(laneId).append(batch)
    },
    async seal(laneId, end) {
      return laneOf(laneId).seal(end)
    },
    async take(laneId) {
      const set = laneOf(laneId)
      const files = set.take()
      if (set.left === 0) lanes.delete(laneId)
      return files
    },
    async drop(laneId) {
      lanes.delete(laneId)
    },
    async close() {
      lanes.clear()
    },
  }
}
