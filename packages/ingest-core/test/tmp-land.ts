import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { openSegmentLog } from '../src/log/segment-log.ts'
import { createMemoryStore } from '../src/stores/memory-store.ts'
import { noon, record, testRegistry, userEvents, valueV2 } from './pipeline-events.ts'
import { assemble, never } from './pipeline-lake.ts'
const [events, folders, budget] = process.argv.slice(2).map(Number)
const cells = { ...userEvents, partitionBy: [{ field: 'session_id', transform: 'value', as: 'cell' }] } as const
const place = await mkdtemp('/tmp/parts/land-')
const t0 = performance.now()
const log = await openSegmentLog({ root: join(place, 'log'), fsync: 'roll', codec: 'zstd' })
await log.createTopic(cells.topic, { partitions: 2 })
for (const partition of [0, 1]) {
  const records = Array.from({ length: events! / 2 }, (_, n) =>
    record(valueV2(n, { session_id: `cell-${((n * 7919) >>> 3) % folders!}`, timestamp: BigInt(noon + n * 10) }), n),
  )
  for (let at = 0; at < records.length; at += 1000)
    await log.append(cells.topic, partition, records.slice(at, at + 1000))
}
await log.close()
console.log('made', Math.round(performance.now() - t0))
const store = createMemoryStore()
await store.open(never)
const { pipeline, workers } = await assemble(
  { root: place, store, registry: testRegistry() },
  {
    contracts: [cells],
    workers: { contracts: [cells] },
    pipeline: {
      budgetBytes: budget! * 2 ** 20,
      pollBytes: 64 * 1024,
      onReceipt: (r) =>
        console.log(r.partition.partition, r.reason, r.start, r.end, r.files.length, pipeline.status().budget),
    },
  },
)
const s = await pipeline.run({ until: 'caught-up' })
await workers.close()
console.log(s.outcome, s.commits, s.peakBytes / 2 ** 20, Math.round(performance.now() - t0))
await rm(place, { recursive: true })
