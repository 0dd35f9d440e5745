import type { LeftoverUpload, LeftoverUploads, ObjectStore } from '../contracts/object-store.ts'
import { systemClock } from '../pipeline/clock.ts'
import type { Clock } from '../pipeline/clock.ts'
import { sinkFolder } from './chain-keys.ts'
import { parseGenesis, parsePlan } from './chain-records.ts'
import type { Plan } from './chain-records.ts'
import { isOfPlans, looksOurs } from './file-names.ts'
import { fileSinkDefaults } from './file-sink-options.ts'
import { createStoreCalls } from './store-calls.ts'

const dayMs = 24 * 60 * 60 * 1000

export interface SweepOptions {
  readonly sinkId: string
  /** As given to the sink. */
  readonly prefix?: string
  /** Younger uploads may belong to a writer that lives. Default one day, by the clock of the store. */
  readonly olderThanMs?: number
  /** Names what would be aborted, and aborts nothing. Default false. */
  readonly dryRun?: boolean
  readonly clock?: Clock
  readonly signal?: AbortSignal
}

export interface SweepReport {
  readonly aborted: readonly LeftoverUpload[]
  /**
   * Uploads below the prefix that stay: `young`; `planned`, whose key an unfinished plan names and whose writer the next run is;
   * `foreign`, whose key is no name of this sink.
   */
  readonly kept: readonly { readonly upload: LeftoverUpload; readonly why: 'young' | 'planned' | 'foreign' }[]
}

/**
 * Aborts uploads of this sink that a writer left behind when it died (RELIABILITY faults 4, 57). They are invisible to readers but paid for.
 * Touches no object: everything that is visible is named by a plan, or will be.
 *
 * @throws StoreError, SinkError SINK_UNAVAILABLE when the store cannot be read; SinkError CHAIN_BROKEN when a plan cannot
 */
export async function sweepLeftovers(
  store: ObjectStore & LeftoverUploads,
  options: SweepOptions,
): Promise<SweepReport> {
  const { sinkId, olderThanMs = dayMs, dryRun = false, clock = systemClock } = options
  const signal = options.signal ?? new AbortController().signal
  const prefix = options.prefix === undefined || options.prefix === '' ? '' : `${options.prefix}/`
  const before = clock.now() - olderThanMs
  // The uploads first: a plan that is made after this list cannot have one in it.
  const uploads: LeftoverUpload[] = []
  for await (const upload of store.listUploads(prefix, signal)) uploads.push(upload)
  const report = { aborted: [] as LeftoverUpload[], kept: [] as SweepReport['kept'][number][] }
  if (uploads.length === 0) return report

  const chain = await readChain(store, prefix, sinkId, signal)
  for (const upload of uploads) {
    const why = reasonToKeep(upload, chain, before)
    if (why !== undefined) {
      report.kept.push({ upload, why })
      continue
    }
    if (!dryRun) await store.abortUpload(upload, signal)
    report.aborted.push(upload)
  }
  return report
}

interface ChainState {
  readonly folder: string
  readonly topics: ReadonlySet<string>
  readonly unfinished: readonly Plan[]
  readonly replaying: boolean
}

const replayName = /(^|\/)replay-\d+~([^/]*)$/

function reasonToKeep(
  upload: LeftoverUpload,
  chain: ChainState,
  before: number,
): SweepReport['kept'][number]['why'] | undefined {
  const { key, startedAt } = upload
  const replayed = replayName.exec(key)
  const own = key.startsWith(chain.folder) || looksOurs(replayed?.[2] ?? key, chain.topics)
  if (!own) return 'foreign'
  // An upload without a time may have begun just now.
  if (startedAt === 0 || startedAt >= before) return 'young'
  if (replayed !== null ? chain.replaying : isOfPlans(key, chain.unfinished)) return 'planned'
  return undefined
}

async function readChain(store: ObjectStore, prefix: string, sinkId: string, signal: AbortSignal): Promise<ChainState> {
  const calls = createStoreCalls(store, systemClock, { random: Math.random, ...fileSinkDefaults.retry })
  const folder = sinkFolder(prefix, sinkId)
  const steps = new Set<string>()
  const topics = new Set<string>()
  for await (const { key } of store.list(folder, signal)) {
    if (key.endsWith('/genesis')) {
      const body = await calls.read(key, signal)
      if (body !== undefined) topics.add(parseGenesis(body, key).topic)
    }
    if (key.endsWith('.plan') || key.endsWith('.done')) steps.add(key)
  }
  const unfinished = [...steps].filter((key) => key.endsWith('.plan') && !steps.has(key.replace(/plan$/, 'done')))
  const flushes: Plan[] = []
  for (const key of unfinished.filter((key) => !key.startsWith(`${folder}replay/`))) {
    const body = await calls.read(key, signal)
    if (body !== undefined) flushes.push(parsePlan(body, key))
  }
  return {
    folder,
    topics,
    unfinished: flushes,
    replaying: unfinished.some((key) => key.startsWith(`${folder}replay/`)),
  }
}
