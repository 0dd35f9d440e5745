import {
  createFileLedger,
  defaultFaultRates,
  produce,
  readLedgerSummary,
  type FaultRates,
  type LedgerSummary,
  type Output,
} from '@sluice/generators'
import { createProgress } from '@sluice/runtime'
import { AppError } from './errors.ts'
import type { LakeApp } from './lake-app.ts'
import { readBounds } from './lake-state.ts'

export interface ProduceRun {
  readonly app: LakeApp
  readonly feeds: readonly string[]
  /** Closed by whoever made it. */
  readonly output: Output
  /** Events over all feeds; endless without, then `runForMs` or `signal` ends it. */
  readonly count?: number
  readonly runForMs?: number
  readonly seed: number
  /** Events per second; 0 is as fast as possible. */
  readonly rate: number
  /** Shares of faults over the defaults. */
  readonly faults?: FaultRates
  /** Schema version to write with, by topic; default the latest. */
  readonly writerVersions?: Readonly<Record<string, number>>
  readonly signal: AbortSignal
}

/**
 * Simulates feeds into an output and writes the ledger of the truth. A second run goes on where the first ended: later
 * simulated time, higher offsets, the same ledger file.
 * @throws AppError LEDGER_BEHIND when the topics hold records the ledger does not know
 */
export async function produceFeeds(run: ProduceRun): Promise<LedgerSummary> {
  const { app, feeds, output, count, runForMs, seed, rate, faults, writerVersions, signal } = run
  const bounds = await readBounds(app, signal)
  const before = await readLedgerSummary(app.ledger)
  const partitions: Record<string, number> = {}
  for (const { partition, end } of bounds) {
    const { topic } = partition
    partitions[topic] = (partitions[topic] ?? 0) + 1
    // The ledger follows the log, so a killed run leaves records without a line; then the truth is not known any more.
    const known = before?.topics[topic]?.nextOffsets[partition.partition] ?? 0
    if (end !== known) {
      throw new AppError(
        'LEDGER_BEHIND',
        `${topic}[${partition.partition}] ends at offset ${end}, the ledger at ${known}`,
      )
    }
  }
  const progress = createProgress({ label: 'produce', total: count, unit: 'events' })
  const { registry, close } = app.openRegistry()
  try {
    return await produce({
      feeds,
      outputs: [output],
      ledger: await createFileLedger(app.ledger),
      registry,
      seed: before?.seed ?? seed,
      partitions,
      faults: { ...defaultFaultRates, ...faults },
      ...(count === undefined ? {} : { count }),
      ...(runForMs === undefined ? {} : { runForMs }),
      ...(writerVersions === undefined ? {} : { writerVersions }),
      ...(rate > 0 ? { rate } : {}),
      ...(before === undefined ? {} : { continueFrom: before }),
      onProgress: ({ records, elapsedMs }) => progress.update(records, perSecond(records, elapsedMs)),
      signal,
    })
  } finally {
    progress.stop()
    await close()
  }
}

const perSecond = (records: number, elapsedMs: number): string =>
  elapsedMs > 0 ? `${Math.round((records * 1000) / elapsedMs).toLocaleString('en-US')}/s` : ''
