import { describeSink } from '../src/conformance/sink.ts'
import type { Landed, SinkContext } from '../src/conformance/sink.ts'
import { createFileSink } from '../src/sink/file-sink.ts'
import { createMemoryLake, createMemorySink } from '../src/sink/memory-sink.ts'
import type { MemoryLake } from '../src/sink/memory-sink.ts'
import { offsetsOf } from '../src/sink/split-batch.ts'
import { createMemoryBucket, createMemoryStore } from '../src/stores/memory-store.ts'
import type { MemoryBucket } from '../src/stores/memory-store.ts'
import { layouts } from '../src/layout/layout.ts'
import { readLanded } from './sink-lake.ts'

const buckets = new Map<string, MemoryBucket>()

function bucketOf(storage: string): MemoryBucket {
  const bucket = buckets.get(storage) ?? createMemoryBucket()
  buckets.set(storage, bucket)
  return bucket
}

async function fileSink(context: SinkContext): Promise<ReturnType<typeof createFileSink>> {
  let writes = 0
  const store = createMemoryStore({
    bucket: bucketOf(context.storage),
    faults: (op) => (op === 'putIfAbsent' && (writes += 1) === context.loseReplyOfWrite ? 'reply-lost' : undefined),
  })
  await store.open(new AbortController().signal)
  return createFileSink({
    store,
    sinkId: 'suite',
    owner: 'group',
    tables: [{ contract: context.contract }],
    file: { format: 'jsonl' },
    retry: { firstMs: 1, maxMs: 2 },
    ...(context.settings === 'changed' && { layout: layouts.hourly, prefix: '', maxOpenFiles: 1 }),
  })
}

describeSink('files in memory', { make: fileSink, readBack: (storage) => readLanded(bucketOf(storage)) })

const lakes = new Map<string, MemoryLake>()

function lakeOf(storage: string): MemoryLake {
  const lake = lakes.get(storage) ?? createMemoryLake()
  lakes.set(storage, lake)
  return lake
}

describeSink('memory', {
  lateLane: false,
  writesPerCommit: 0,
  make: ({ storage }) => createMemorySink(lakeOf(storage)),
  readBack(storage): Landed {
    const stored = [...lakeOf(storage).partitions.values()].flatMap((each) =>
      each.batches.flatMap((batch) => [...offsetsOf(batch)].map(Number)),
    )
    const dead = [...lakeOf(storage).partitions.values()].flatMap((each) => each.dead.map(({ offset }) => offset))
    return { stored, late: [], dead }
  },
})
