import { writeSync } from 'node:fs'
import type { Socket } from 'node:net'
import { createInterface } from 'node:readline'
import {
  createDecodeService,
  createFileSink,
  createIngestWorkers,
  createLocalStore,
  createPipeline,
  createSchemaLedger,
  createSchemaResolver,
  type ObjectStore,
  type Source,
} from '@sluice/ingest-core'
import { onShutdown } from '@sluice/runtime'
import { createHttpRegistry } from '@sluice/schemas'
import { createS3Store } from '@sluice/sink-s3-minio'
import { createKafkaSource, type KafkaSourceOptions } from '@sluice/source-kafka'
import { createKafkaJsSource } from '@sluice/source-kafka/kafkajs'
import { contractOn, sinkId } from './lake-contract.ts'
import {
  haltedExit,
  warmArgument,
  type Failpoint,
  type StoreSetting,
  type WorkerLine,
  type WorkerOrder,
  type WorkerSetting,
} from './worker-protocol.ts'

/**
 * The pipeline as an app runs it, following the topic until SIGTERM. Nothing here knows of faults but the traps and what
 * `worker-preload.ts` does; a worker that cannot begin ends with an error and is started again by whoever started it.
 */
if (process.argv[2] === warmArgument) process.exit(0)
const setting = JSON.parse(process.argv[2]!) as WorkerSetting
const say = (line: WorkerLine): void => void writeSync(1, `${JSON.stringify(line)}\n`)

using shutdown = onShutdown({ graceMs: 20_000 })
const { signal } = shutdown
let began = false
// Asked to end before there is anything to drain.
signal.addEventListener('abort', () => void (began || process.exit(0)), { once: true })
const contracts = [contractOn(setting.topic)]

await using open = new AsyncDisposableStack()
const store = openStore(setting.store)
await store.open(signal)
open.defer(() => store.close())
const workers = createIngestWorkers({ contracts, size: 1 })
open.defer(() => workers.close())
const registry = createHttpRegistry({
  url: setting.registryUrl,
  timeoutMs: 2000,
  deadlineMs: 3000,
  memory: { recheckMs: 200 },
})
open.defer(() => registry.close())
const source = await openSource({
  brokers: setting.brokers,
  topics: [setting.topic],
  groupId: setting.groupId,
  waitMs: 50,
  patienceMs: 1000,
  connectTimeoutMs: 2000,
  requestTimeoutMs: 3000,
})
open.defer(() => source.close())

const troubles = new Set<string>()
const trouble = (code: unknown): void => {
  if (typeof code !== 'string' || troubles.has(code)) return
  troubles.add(code)
  say({ kind: 'trouble', code })
}
const traps = new Map<number, Failpoint & { passes: number }>()
createInterface({ input: process.stdin }).on('line', (text) => {
  const { trap, failpoint } = JSON.parse(text) as WorkerOrder
  if (failpoint === null) traps.delete(trap)
  else traps.set(trap, { ...failpoint, passes: 0 })
})
// Orders do not keep it alive. A socket, as whoever starts a worker gives it a pipe.
;(process.stdin as Socket).unref()
const pipeline = createPipeline({
  source,
  sink: createFileSink({
    store,
    sinkId,
    owner: setting.groupId,
    tables: contracts.map((contract) => ({ contract })),
    layout: { data: 'data/{date}/{hour}/', late: 'late/{date}/', dead: 'dead/{topic}/' },
    file: setting.format === 'parquet' ? { format: 'parquet', options: { compression: 'zstd' } } : { format: 'jsonl' },
    host: workers.fileSets,
    maxInlineDead: 3,
    retry: { firstMs: 50, maxMs: 1000, deadlineMs: 10_000 },
    hooks: {
      at(point) {
        for (const [id, trap] of traps) {
          if (trap.point !== point || ++trap.passes < trap.nth) continue
          traps.delete(id)
          say({ kind: 'point', trap: id, signal: trap.signal })
          process.kill(process.pid, trap.signal)
        }
      },
    },
  }),
  contracts,
  decoder: createDecodeService({
    workers,
    contracts,
    schemas: createSchemaResolver({ registry, ledger: createSchemaLedger({ store, sinkId }) }),
  }),
  startPolicy: 'earliest',
  pollBytes: 16_384,
  budgetBytes: 32 * 2 ** 20,
  rotation: { rows: setting.rotateRows, intervalMs: 1000, idleMs: 500 },
  circuitBreaker: { maxShare: 1 },
  backOff: { firstMs: 50, maxMs: 1000 },
  drainMs: 10_000,
  logger: {
    info: () => undefined,
    warn: (fields) => trouble('code' in fields ? fields.code : undefined),
    error: (fields) => trouble('code' in fields ? fields.code : undefined),
  },
  signal,
  onReceipt: ({ partition: { partition }, start, end, counts }) =>
    say({ kind: 'receipt', partition, start, end, counts }),
})

// A partition that waits for somebody's decision: readiness turns red, and what runs the process starts it anew.
const watching = setInterval(() => {
  for (const { state, partition, error } of pipeline.status().partitions) {
    if (state !== 'stopped' && state !== 'paused') continue
    const { code, message } = error ?? { code: 'unknown', message: '' }
    say({ kind: 'halted', partition: partition.partition, code, message })
    process.exit(haltedExit)
  }
}, 200)
began = true
try {
  await pipeline.run({ until: 'aborted' })
} finally {
  clearInterval(watching)
}

/** Sessions of the raw driver are the broker's to say (`chaosKafka`), those of kafkajs its own. */
function openSource(options: KafkaSourceOptions & { readonly groupId: string }): Promise<Source> {
  if (setting.driver === 'kafka') return createKafkaSource(options)
  return createKafkaJsSource({ ...options, sessionTimeoutMs: setting.sessionMs })
}

function openStore(of: StoreSetting): ObjectStore {
  if (of.kind === 'local') return createLocalStore({ root: of.root, durable: false })
  const { endpoint, bucket, region, accessKeyId, secretAccessKey, multipartAbove } = of
  const credentials = { accessKeyId, secretAccessKey }
  return createS3Store({ endpoint, bucket, region, credentials, multipartAbove, requestMs: 4000 })
}
