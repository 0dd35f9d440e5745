import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createFileLedger,
  type FaultRates,
  faultsOf,
  type Feed,
  type LedgerEntry,
  produce,
  readLedger,
} from '@sluice/generators'
import { createFileRegistry, type SchemaRegistry } from '@sluice/schemas'
import { createSegmentLogOutput } from '@sluice/simulator'

/** Limit of the pipelines under test, so that oversized records stay small. */
export const maxRecordBytes = 64 * 1024

/** A segment log with the records of some feeds, the registry they were written with, and the truth about them. */
export interface FeedLog {
  readonly root: string
  readonly log: string
  readonly registry: SchemaRegistry
  readonly ledger: readonly LedgerEntry[]
  dispose(): Promise<void>
}

export interface FeedLogOptions {
  readonly feeds: readonly Feed[]
  readonly seed: string
  /** Events of each feed, unless it is rare. */
  readonly count: number
  readonly writerVersions?: Readonly<Record<string, number>>
}

/** Events of feeds of which a day has few, so that their worlds need not be simulated for years, or which have rare types. */
const counts: Readonly<Record<string, number>> = {
  'bakery.promotions': 700,
  'bakery.inventory_updates': 5000,
  'pharma.deviations': 1800,
  events_raw: 6000,
}

/** How often a fault happens relative to the others; more often where it has many forms. */
function weightOf(feed: Feed, fault: string): number {
  const isJson = feed.contract.format === 'json'
  switch (fault) {
    case 'rule_break':
      return 6
    case 'wrong_type':
      return isJson ? 12 : 2
    case 'bad_syntax':
      return 4
    case 'bad_value':
      return 2
    default:
      return 1
  }
}

/** All faults of a feed at once: two records of three have one. */
export function everyFault(feed: Feed, version?: number): FaultRates {
  const names = faultsOf(feed, version)
  const total = names.reduce((sum, name) => sum + weightOf(feed, name), 0)
  return Object.fromEntries(names.map((name) => [name, ((2 / 3) * weightOf(feed, name)) / total]))
}

/** Each feed is produced on its own, which leaves its bytes what they are in company. */
export async function writeFeedLog(options: FeedLogOptions): Promise<FeedLog> {
  const { feeds, seed, count, writerVersions = {} } = options
  const root = await mkdtemp(join(tmpdir(), 'sluice-simulator-'))
  const log = join(root, 'log')
  const registry = createFileRegistry(join(root, 'registry'))
  const ledgerPath = join(root, 'ledger.jsonl')
  const output = await createSegmentLogOutput(log, { topics: Object.fromEntries(feeds.map(({ name }) => [name, 2])) })
  try {
    for (const feed of feeds) {
      await produce({
        feeds: [feed.name],
        outputs: [output],
        ledger: await createFileLedger(ledgerPath),
        registry,
        seed,
        count: counts[feed.name] ?? count,
        partitions: 2,
        maxRecordBytes,
        writerVersions,
        faults: everyFault(feed, writerVersions[feed.name]),
      })
    }
  } finally {
    await output.close()
  }
  const ledger: LedgerEntry[] = []
  for await (const entry of readLedger(ledgerPath)) ledger.push(entry)
  return { root, log, registry, ledger, dispose: () => rm(root, { recursive: true, force: true }) }
}
