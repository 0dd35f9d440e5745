import { canonicalBytes } from './canonical-json.ts'
import { chainKeys } from './chain-keys.ts'
import type { Done, DoneFile } from './chain-records.ts'
import type { OpenPlan } from './chain.ts'
import { SinkError } from './errors.ts'
import type { FileEncoders } from './file-encoders.ts'
import type { FinishedFile, FinishedFlush } from './flush-spec.ts'
import type { SinkHooks } from './hooks.ts'
import type { StoreCalls } from './store-calls.ts'

export interface PublishOptions {
  readonly open: OpenPlan
  readonly finished: FinishedFlush
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
 * Puts the files of a planned flush, create-only, and says what is there afterwards. Doing it again, or twice at once,
 * changes nothing.
 * @throws SinkError CHAIN_DIVERGED when a name is taken by other content (RELIABILITY fault 52)
 */
export async function publishFlush(options: PublishOptions): Promise<Done> {
  const { open, finished, hooks } = options
  const { plan } = open
  const { partition } = plan.spec
  const where = `${partition.topic}[${partition.partition}]`
  const files: DoneFile[] = []
  const queue = finished.files.map((file, index) => ({ file, index }))
  let placed = 0

  const work = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const { file, index } = next
      const detail = { partition: where, start: plan.start, key: file.key }
      await hooks.at('before_put', detail)
      files[index] = await placeFile(options, file)
      await hooks.at('after_put', detail)
      placed += 1
      if (placed === 1 && finished.files.length > 1) await hooks.at('after_some_puts', detail)
    }
  }
  const workers = Array.from({ length: Math.min(options.parallel, queue.length) }, work)
  // Wait for all of them: nothing may go on writing after this call has failed.
  const failed = (await Promise.allSettled(workers)).find((result) => result.status === 'rejected')
  if (failed !== undefined) throw failed.reason

  const dead = finished.dead.offsets.length
  return {
    version: 1,
    start: plan.start,
    end: plan.end,
    plan: open.sha256,
    files,
    counts: {
      consumed: finished.stored + finished.late + plan.counts.filtered + dead,
      stored: finished.stored,
      late: finished.late,
      filtered: plan.counts.filtered,
      deadLettered: dead,
    },
    watermark: finished.watermark,
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
