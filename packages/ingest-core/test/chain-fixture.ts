import { sinkTestContract, sinkTestNoon, sinkTestPartition, testBatch } from '../src/conformance/sink-records.ts'
import type { TestRecord } from '../src/conformance/sink-records.ts'
import type { CommitReceipt, Sink } from '../src/contracts/sink.ts'
import type { Clock } from '../src/pipeline/clock.ts'
import { createFileSink } from '../src/sink/file-sink.ts'
import type { FileSinkOptions } from '../src/sink/file-sink-options.ts'
import type { SinkHookPoint } from '../src/sink/hooks.ts'
import { createMemoryBucket, createMemoryStore } from '../src/stores/memory-store.ts'
import type { MemoryBucket, MemoryStore, MemoryStoreOptions } from '../src/stores/memory-store.ts'

export const never = new AbortController().signal
export const cut = { partition: sinkTestPartition, reason: 'time' } as const
export const chainFolder = '_ingest/lake/topic-id-1/0/'
export const stepKey = (start: number, kind: string): string =>
  `${chainFolder}${String(start).padStart(20, '0')}.${kind}`

/** Thrown by hooks to end a process at a point. */
export class Crash extends Error {
  readonly code = 'CRASH'
}

export interface Lake {
  readonly bucket: MemoryBucket
  store(options?: MemoryStoreOptions): Promise<MemoryStore>
  sink(options?: Partial<FileSinkOptions>): Promise<Sink>
  /** Key, text and digest of all objects that are data. */
  data(): Map<string, string>
}

export function createLake(): Lake {
  const bucket = createMemoryBucket()
  const lake: Lake = {
    bucket,
    async store(options) {
      const store = createMemoryStore({ bucket, ...options })
      await store.open(never)
      return store
    },
    async sink(options) {
      return createFileSink({
        store: await lake.store(),
        sinkId: 'lake',
        owner: 'group',
        tables: [{ contract: sinkTestContract }],
        file: { format: 'jsonl' },
        clock: fixedClock(sinkTestNoon),
        ...options,
      })
    },
    data() {
      const objects = [...bucket.objects.values()].filter(({ key }) => !key.includes('_ingest/'))
      return new Map(objects.map(({ key, body }) => [key, new TextDecoder().decode(body)]))
    },
  }
  return lake
}

/** Time that moves only when somebody waits. */
export function fixedClock(start: number): Clock {
  let now = start
  return {
    now: () => now,
    after(ms, fn) {
      now += ms
      const immediate = setImmediate(fn)
      return () => clearImmediate(immediate)
    },
  }
}

export async function openAt(sink: Sink, first = 0): Promise<number> {
  return (await sink.open(sinkTestPartition, () => Promise.resolve(first), never)).next
}

/** Opens, writes `[next, end)` in one batch and commits until nothing is left. */
export async function land(
  sink: Sink,
  log: readonly TestRecord[],
  end = log.length,
  step = end,
): Promise<CommitReceipt[]> {
  const receipts: CommitReceipt[] = []
  for (let at = await openAt(sink); at < end; at += step) {
    await sink.write(testBatch(log, at, Math.min(end, at + step)), never)
  }
  for (let receipt = await sink.commit(cut, never); receipt !== undefined; receipt = await sink.commit(cut, never)) {
    receipts.push(receipt)
  }
  return receipts
}

/** Hooks that end the process at the nth time a point is reached. */
export function crashAt(point: SinkHookPoint, nth = 1): { at(reached: SinkHookPoint): void } {
  let times = 0
  return {
    at(reached) {
      if (reached === point && (times += 1) === nth) throw new Crash(`at ${point}`)
    },
  }
}
