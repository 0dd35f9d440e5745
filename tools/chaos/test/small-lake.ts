import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMemoryLedger, produce, type OutRecord } from '@sluice/generators'
import {
  createDecodeService,
  createFileSink,
  createIngestWorkers,
  createMemorySource,
  createMemoryStore,
  createPipeline,
  createSchemaResolver,
} from '@sluice/ingest-core'
import { createFileRegistry } from '@sluice/schemas'
import type { SeenReceipt } from '../src/auditor.ts'
import { contractOn, feed, sinkId } from '../src/lake-contract.ts'
import { sha256Of, type LakeView } from '../src/lake-view.ts'
import { partitions } from '../src/schedule.ts'
import { truthOf, type TruthRecord } from '../src/truth.ts'

const topic = 'chaos-small'
const never = new AbortController().signal

/** A lake that the pipeline landed in peace, and all that a run knows about it. */
export interface SmallLake {
  readonly contract: ReturnType<typeof contractOn>
  readonly truth: readonly TruthRecord[]
  readonly bodies: ReadonlyMap<string, Uint8Array>
  readonly receipts: readonly SeenReceipt[]
}

export async function landSmallLake(format: 'parquet' | 'jsonl'): Promise<SmallLake> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-auditor-'))
  const contract = contractOn(topic)
  const contracts = [contract]
  const registry = createFileRegistry(join(folder, 'registry'))
  const source = createMemorySource({ topic, partitions })
  const digests = new Map<string, string | undefined>()
  const ledger = createMemoryLedger()
  await produce({
    feeds: [feed],
    seed: 'auditor',
    count: 600,
    partitions,
    faults: { bad: 0.05, tombstone: 0.02, too_late: 0.05, duplicate: 0.05 },
    registry,
    ledger,
    outputs: [
      {
        write: (_feed: string, records: readonly OutRecord[]) => {
          const receipts = new Map<number, number>()
          for (const record of records) {
            const offset = source.append(record.partition, [record])
            if (!receipts.has(record.partition)) receipts.set(record.partition, offset)
            digests.set(`${record.partition}@${offset}`, record.value === null ? undefined : sha256Of(record.value))
          }
          return Promise.resolve([...receipts].map(([partition, baseOffset]) => ({ partition, baseOffset })))
        },
        close: () => Promise.resolve(),
      },
    ],
  })
  const store = createMemoryStore()
  await store.open(never)
  const workers = createIngestWorkers({ contracts, size: 1 })
  try {
    const { receipts } = await createPipeline({
      source,
      sink: createFileSink({
        store,
        sinkId,
        owner: 'auditor',
        tables: contracts.map((each) => ({ contract: each })),
        layout: { data: 'data/{date}/{hour}/', late: 'late/{date}/', dead: 'dead/{topic}/' },
        file: { format },
        host: workers.fileSets,
      }),
      contracts,
      decoder: createDecodeService({ workers, contracts, schemas: createSchemaResolver({ registry, checks: 1 }) }),
      startPolicy: 'earliest',
      rotation: { rows: 60 },
      pollBytes: 8192,
      circuitBreaker: { maxShare: 1 },
    }).run({ until: 'caught-up' })
    const bodies = new Map<string, Uint8Array>()
    for await (const { key } of store.list('', never)) bodies.set(key, await store.get(key, never))
    return {
      contract,
      truth: truthOf(ledger.entries, digests),
      bodies,
      receipts: receipts.map(({ partition, start, end, counts }) => ({
        partition: partition.partition,
        start,
        end,
        counts,
      })),
    }
  } finally {
    await workers.close()
    await store.close()
    await rm(folder, { recursive: true, force: true })
  }
}

/** A lake in memory that a test may damage. */
export interface DamagedLake {
  readonly bodies: Map<string, Uint8Array>
  /** Versions of objects that have not exactly one. */
  readonly versions: Map<string, readonly { readonly id: string; readonly deleted: boolean }[]>
  readonly view: LakeView
}

export function copyOf({ bodies: original }: SmallLake): DamagedLake {
  const bodies = new Map(original)
  const versions: DamagedLake['versions'] = new Map()
  return {
    bodies,
    versions,
    view: {
      objects: () =>
        Promise.resolve(
          [...bodies.keys()].sort().map((key) => ({
            key,
            versions: (versions.get(key) ?? [{ id: 'one', deleted: false }]).map((each) => ({
              ...each,
              bytes: bodies.get(key)!.length,
            })),
          })),
        ),
      read: (key) => Promise.resolve(bodies.get(key)!),
      close: () => undefined,
    },
  }
}
