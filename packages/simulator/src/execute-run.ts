import { existsSync } from 'node:fs'
import type { Writable } from 'node:stream'
import {
  createFileLedger,
  type LedgerSummary,
  produce,
  type ProduceProgress,
  readLedgerSummary,
} from '@sluice/generators'
import { SimulatorError } from './errors.ts'
import type { RunPlan } from './plan-run.ts'
import { openRegistry } from './open-registry.ts'
import type { OpenTarget } from './open-target.ts'
import { openTarget } from './targets.ts'

export interface RunResult {
  readonly summary: LedgerSummary
  /** From the first event to the last, real time. */
  readonly elapsedMs: number
}

export interface RunContext {
  readonly stdout: Writable
  readonly signal: AbortSignal
  readonly onProgress?: (progress: ProduceProgress) => void
}

/**
 * Carries a plan out: opens its targets and ledger, produces, closes. An abort ends it early and whole: what was produced
 * is written and in the ledger.
 * @throws {SchemaError} REGISTRY_UNAVAILABLE, REGISTRY_DENIED, REGISTRY_REFUSED before anything is written
 * @throws {SimulatorError} REGISTRY_INVALID, LEDGER_EXISTS, LEDGER_MISSING, LEDGER_BEHIND, OPTIONS_CONFLICT, PARTITIONS_DIFFER; errors of targets as they are
 */
export async function executeRun(plan: RunPlan, context: RunContext): Promise<RunResult> {
  const { config, feeds } = plan
  const before = await summaryBefore(plan)
  const firstOffsets = Object.fromEntries(
    Object.entries(before?.topics ?? {}).map(([topic, totals]) => [topic, totals.nextOffsets]),
  )
  const topics = Object.fromEntries(feeds.map(({ feed }) => [feed.name, config.partitions]))
  const outputs: OpenTarget[] = []
  const opened = await openRegistry(config)
  try {
    for (const target of plan.targets) {
      outputs.push(
        await openTarget(target, {
          topics,
          firstOffsets,
          stdout: context.stdout,
          kafka: config.kafka,
          signal: context.signal,
        }),
      )
    }
    if (config.ledger !== undefined) requireLedgerAtEnd(outputs[0]!, before)
    let elapsedMs = 0
    const summary = await produce({
      ...plan.options,
      outputs,
      signal: context.signal,
      ...(config.ledger === undefined ? {} : { ledger: await createFileLedger(config.ledger) }),
      ...(opened === undefined ? {} : { registry: opened.registry }),
      ...(before === undefined ? {} : { continueFrom: before }),
      onProgress(progress) {
        elapsedMs = progress.elapsedMs
        context.onProgress?.(progress)
      },
    })
    await closeAll(outputs)
    return { summary, elapsedMs }
  } catch (error) {
    // What went wrong first is what matters.
    await Promise.allSettled(outputs.map((output) => output.close()))
    throw error
  } finally {
    opened?.close()
  }
}

/** Closes every output, also when one cannot be closed. */
async function closeAll(outputs: readonly OpenTarget[]): Promise<void> {
  const ends = await Promise.allSettled(outputs.map((output) => output.close()))
  const failed = ends.find((end) => end.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}

/** Of the run to go on from. A ledger that exists is never added to by accident. */
async function summaryBefore({ config }: RunPlan): Promise<LedgerSummary | undefined> {
  const { ledger } = config
  if (ledger === undefined) return undefined
  const summary = await readLedgerSummary(ledger)
  if (config.continue) {
    if (summary === undefined) {
      throw new SimulatorError('LEDGER_MISSING', `there is no finished run beside ${ledger} to go on from`)
    }
    if (summary.seed !== config.seed) {
      throw new SimulatorError('OPTIONS_CONFLICT', `the run to go on from had the seed ${summary.seed}`)
    }
    return summary
  }
  if (summary !== undefined || existsSync(ledger)) {
    throw new SimulatorError('LEDGER_EXISTS', `the ledger ${ledger} is there already`)
  }
  return undefined
}

/** Lateness follows from what a partition holds, so the ledger must know all of it. */
function requireLedgerAtEnd({ nextOffsets }: OpenTarget, before: LedgerSummary | undefined): void {
  for (const [topic, ends] of Object.entries(nextOffsets ?? {})) {
    for (const [partition, end] of ends.entries()) {
      const known = before?.topics[topic]?.nextOffsets[partition] ?? 0
      if (end === known) continue
      throw new SimulatorError('LEDGER_BEHIND', `${topic}[${partition}] ends at offset ${end}, the ledger at ${known}`)
    }
  }
}
