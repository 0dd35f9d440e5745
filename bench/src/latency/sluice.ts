/**
 * One lane in a process of its own, following its topic as a service does, until the parent lets go. Tells when it reads all
 * partitions, of each commit when it was made, and at the end what it counted.
 */
import {
  createDecodeService,
  createFileSink,
  createIngestWorkers,
  createPipeline,
  createSchemaResolver,
} from '@sluice/ingest-core'
import { createFileRegistry } from '@sluice/schemas'
import { createKafkaSource } from '@sluice/source-kafka'
import { openPlace } from '../kafka/lake-place.ts'
import { registryFolder } from '../kafka/user-events-contract.ts'
import { partitions } from '../log-to-parquet/event-log.ts'
import { contractOfLane, lanes } from './lanes.ts'
import type { LaneJob, LaneMessage } from './lanes.ts'

const { lane, brokers, topic, bucket, rotateMs } = JSON.parse(process.argv[2]!) as LaneJob
const contracts = [contractOfLane(lane, topic)]
const tell = (message: LaneMessage): void => void process.send!(message)
const workers = createIngestWorkers({ contracts, size: 1 })
const store = await openPlace({ kind: 'minio', prefix: lane, ...bucket })
const stop = new AbortController()
process.on('message', () => stop.abort())

const pipeline = createPipeline({
  source: await createKafkaSource({ brokers: brokers.split(','), topics: [topic], groupId: `bench-${topic}` }),
  sink: createFileSink({
    store,
    sinkId: 'bench',
    owner: 'bench',
    prefix: lane,
    tables: [{ contract: contracts[0]! }],
    file: lanes[lane].file,
    host: workers.fileSets,
  }),
  contracts,
  decoder: createDecodeService({
    workers,
    contracts,
    schemas: createSchemaResolver({ registry: createFileRegistry(registryFolder), checks: 1 }),
  }),
  startPolicy: 'earliest',
  rotation: { intervalMs: rotateMs, idleMs: rotateMs },
  budgetBytes: 64 * 1024 * 1024,
  signal: stop.signal,
  onReceipt({ partition, start, end, counts, files }, { at }) {
    const rows = counts.stored + counts.late
    tell({ kind: 'commit', partition: partition.partition, start, end, rows, files: files.length, at })
  },
})
const watch = setInterval(() => {
  if (pipeline.status().partitions.filter(({ state }) => state === 'running').length < partitions) return
  clearInterval(watch)
  tell({ kind: 'ready' })
}, 20)
const { topics } = await pipeline.run({ until: 'aborted' })
clearInterval(watch)
await workers.close()
await store.close()
const counts = topics[topic]
tell({
  kind: 'ended',
  consumed: counts?.consumed ?? 0,
  stored: (counts?.stored ?? 0) + (counts?.late ?? 0),
  peakRss: process.resourceUsage().maxRSS * 1024,
})
process.disconnect()
