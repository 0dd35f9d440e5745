import { produceFeeds } from '@sluice/app-kit'
import { openSegmentLog, type SegmentLog } from '@sluice/ingest-core'
import { type LedgerSummary } from '@sluice/generators'
import type { BakeryApp } from './bakery-app.ts'
import type { AppConfig } from './config.ts'
import { bakeryFeeds } from './feeds.ts'
import type { Places } from './places.ts'

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
 * @throws AppError LEDGER_BEHIND when the log holds records the ledger does not know
 */
export async function produceEvents(config: AppConfig, app: BakeryApp, signal: AbortSignal): Promise<LedgerSummary> {
  const log = await openLog(app.places)
  try {
    await initLog(log, config.produce.partitions)
    const { count, seed, rate, bad } = config.produce
    const summary = await produceFeeds({
      app,
      feeds: bakeryFeeds,
      output: { write: (topic, records) => log.write(topic, records), close: () => log.close() },
      count,
      seed,
      rate,
      faults: { bad },
      signal,
    })
    await log.flush()
    return summary
  } finally {
    await log.close()
  }
}
