import { openSegmentLog, type SegmentLog } from '@sluice/ingest-core'
import {
  createFileLedger,
  defaultFaultRates,
  listFeeds,
  produce,
  readLedgerSummary,
  type LedgerSummary,
} from '@sluice/generators'
import { AppError } from '@sluice/app-kit'
import { createProgress } from '@sluice/runtime'
import { createFileRegistry } from '@sluice/schemas'
import type { AppConfig } from './config.ts'
import type { Places } from './places.ts'

/** The six feeds of the bakery, by topic. */
export const bakeryFeeds: readonly string[] = listFeeds()
  .filter((feed) => feed.contract.domain === 'bakery')
  .map((feed) => feed.name)

/** Makes the topics that are missing; harmless when all are there. */
export async function initLog(log: SegmentLog, partitions: number): Promise<void> {
  for (const topic of bakeryFeeds) {
    if (!log.topics().has(topic)) await log.createTopic(topic, { partitions })
  }
}

export function openLog(places: Places): Promise<SegmentLog> {
  return openSegmentLog({ root: places.log, codec: 'zstd', level: 1, fsync: 'roll' })
}

/**
 * Simulates the six feeds into the segment log and writes the ledger beside it. A second run goes on where the first
 * ended: later simulated time, higher offsets, the same ledger file.
 * @throws {AppError} LEDGER_BEHIND when the log holds records the ledger does not know
 */
export async function produceEvents(config: AppConfig, places: Places, signal: AbortSignal): Promise<LedgerSummary> {
  const log = await openLog(places)
  try {
    await initLog(log, config.produce.partitions)
    const before = await readLedgerSummary(places.ledger)
    await requireLedgerAtEnd(log, before)
    const { count, seed, rate, bad } = config.produce
    const progress = createProgress({ label: 'produce', total: count, unit: 'events' })
    const summary = await produce({
      feeds: bakeryFeeds,
      outputs: [{ write: (topic, records) => log.write(topic, records), close: () => log.close() }],
      ledger: await createFileLedger(places.ledger),
      registry: createFileRegistry(places.registry),
      seed,
      count,
      partitions: partitionsOf(log),
      faults: { ...defaultFaultRates, bad },
      ...(rate > 0 ? { rate } : {}),
      ...(before === undefined ? {} : { continueFrom: before }),
      onProgress: ({ records, elapsedMs }) => progress.update(records, perSecond(records, elapsedMs)),
      signal,
    })
    await log.flush()
    progress.stop()
    return summary
  } finally {
    await log.close()
  }
}

function partitionsOf(log: SegmentLog): Record<string, number> {
  return Object.fromEntries([...log.topics()].map(([topic, { partitions }]) => [topic, partitions]))
}

/** The ledger follows the log, so a killed run leaves records without a line; then the truth is not known any more. */
async function requireLedgerAtEnd(log: SegmentLog, summary: LedgerSummary | undefined): Promise<void> {
  for (const [topic, { partitions }] of log.topics()) {
    for (let partition = 0; partition < partitions; partition++) {
      const { end } = await log.bounds(topic, partition)
      const known = summary?.topics[topic]?.nextOffsets[partition] ?? 0
      if (end !== known) {
        throw new AppError('LEDGER_BEHIND', `${topic}[${partition}] ends at offset ${end}, the ledger at ${known}`)
      }
    }
  }
}

const perSecond = (records: number, elapsedMs: number) =>
  elapsedMs > 0 ? `${Math.round((records * 1000) / elapsedMs).toLocaleString('en-US')}/s` : ''
