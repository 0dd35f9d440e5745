import { freeMemory } from '@sluice/columnar'
import { allEnded } from './all-ended.ts'
import { canonicalBytes } from './canonical-json.ts'
import { chainKeys } from './chain-keys.ts'
import type { Done, DoneFile } from './chain-records.ts'
import type { OpenPlan } from './chain.ts'
import { SinkError } from './errors.ts'
import type { FileEncoders } from './file-encoders.ts'
import type { FileFeed } from './file-feed.ts'
import type { FinishedFile, SealedFlush } from './flush-spec.ts'
import type { SinkHooks } from './hooks.ts'
import type { StoreCalls } from './store-calls.ts'

export interface PublishOptions {
  readonly open: OpenPlan
  readonly sealed: SealedFlush
  readonly feed: FileFeed
  /** Files of this flush that are there; grows. */
  readonly placed: DoneFile[]
  readonly encoders: FileEncoders
  readonly calls: StoreCalls
  readonly hooks: SinkHooks
  /** Objects put at the same time. */
  readonly parallel: number
  readonly prefix: string
  readonly sinkId: string
  readonly signal: AbortSignal
}

/**
 * Puts the files of a planned flush, create-only, as they are encoded, and says what is there afterwards. Files of another
 * attempt that are there already change nothing; after a failure the same feed goes on with the file that failed.
 * @throws SinkError CHAIN_DIVERGED when a name is taken by other content (RELIABILITY fault 52)
 */
export async function publishFlush(options: PublishOptions): Promise<Done> {
  const { open, sealed, feed, placed, hooks } = options
  const { plan } = open
  const { partition } = plan.spec
  const where = `${partition.topic}[${partition.partition}]`
  let failed = false

  const put = async (file: FinishedFile): Promise<void> => {
    const detail = { partition: where, start: plan.start, key: file.key }
    await hooks.at('before_put', detail)
    const done = await placeFile(options, file)
    await hooks.at('after_put', detail)
    placed.push(done)
    if (placed.length === 1 && sealed.files > 1) await hooks.at('after_some_puts', detail)
    // Not left to the collector, which large buffers would call all the time. Nobody asks for this file again.
    freeMemory(file.bytes)
  }
  const work = async (): Promise<void> => {
    while (!failed) {
      const file = await feed.next()
      if (file === undefined) return
      try {
        await put(file)
      } catch (error) {
        failed = true
        feed.giveBack(file)
        throw error
      }
    }
  }
  const workers = Array.from({ length: Math.min(options.parallel, Math.max(1, sealed.files)) }, work)
  await allEnded(workers)

  const files = [...placed].sort((a, b) => (a.key < b.key ? -1 : 1))
  const dead = sealed.dead.offsets.length
  return {
    version: 1,
    start: plan.start,
    end: plan.end,
    plan: open.sha256,
    files,
    counts: {
      consumed: sealed.stored + sealed.late + plan.counts.filtered + dead,
      stored: sealed.stored,
      late: sealed.late,
      filtered: plan.counts.filtered,
      deadLettered: dead,
    },
    watermark: sealed.watermark,
  }
}

async function placeFile(options: PublishOptions, file: FinishedFile): Promise<DoneFile> {
  const { open, encoders, calls, signal } = options
  const { plan } = open
  const { key, kind, rows, bytes, sha256 } = file
  const encoderId = kind === 'dead' ? encoders.id({ format: 'jsonl' }) : encoders.id(plan.spec.file)
  const metadata = {
    start: String(plan.start),
    end: String(plan.end),
    rows: String(rows),
    sha256,
    plan: open.sha256,
    encoder: encoderId,
  }
  const placed = await calls.place(key, bytes, metadata, signal, sha256)
  if (placed.outcome !== 'other') return { key, kind, rows, bytes: bytes.length, sha256 }
  const { head } = placed
  // Same plan, same rows, other release of the encoder: the file that is there is the one the plan asked for.
  const found = head.metadata
  if (found['plan'] === open.sha256 && found['rows'] === String(rows) && found['encoder'] !== encoderId) {
    return { key, kind, rows, bytes: head.bytes, sha256: head.sha256 }
  }
  const evidence = {
    key,
    start: plan.start,
    end: plan.end,
    plan: open.sha256,
    ours: { sha256, bytes: bytes.length, encoder: encoderId },
    found: { sha256: head.sha256, bytes: head.bytes, metadata: { ...head.metadata } },
  }
  const evidenceKey = chainKeys(options.prefix, options.sinkId, plan.spec.partition).diverged(plan.start, sha256)
  await calls.place(evidenceKey, canonicalBytes(evidence), {}, signal)
  throw new SinkError(
    'CHAIN_DIVERGED',
    `${key} exists with other content (${head.sha256.slice(0, 12)}, planned ${sha256.slice(0, 12)}); nothing was overwritten, ` +
      `the evidence is in ${evidenceKey}`,
    { evidence },
  )
}
