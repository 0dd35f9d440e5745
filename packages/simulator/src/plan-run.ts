import {
  faultSharesOf,
  type FaultName,
  type FaultRates,
  type Feed,
  type ProduceOptions,
  type RateProfile,
} from '@sluice/generators'
import { SimulatorError } from './errors.ts'
import { parseFaults } from './parse-faults.ts'
import { parseRate } from './parse-rate.ts'
import { resolveFeeds } from './resolve-feeds.ts'
import type { RunConfig } from './run-config.ts'
import { parseTarget, type Target } from './targets.ts'

export interface PlannedFeed {
  readonly feed: Feed
  /** Schema version to write with. */
  readonly version: number
  readonly shares: ReadonlyMap<FaultName, number>
}

/** Everything that was asked for, checked; nothing is opened yet. */
export interface RunPlan {
  readonly config: RunConfig
  readonly feeds: readonly PlannedFeed[]
  readonly targets: readonly Target[]
  readonly rate: RateProfile | undefined
  readonly faults: FaultRates
  /** Events, where the bounds tell: by count, or by the rate and the time to run. */
  readonly expected: number | undefined
  /** Options of `produce` and `createSimulation` that follow from the words alone. */
  readonly options: Omit<ProduceOptions, 'outputs' | 'continueFrom'>
}

/**
 * Checks words and options against feeds, faults, rates and targets.
 * @throws {SimulatorError} TARGET_INVALID, RATE_UNREADABLE, FAULTS_UNREADABLE, OPTIONS_CONFLICT
 * @throws {GeneratorError} FEED_UNKNOWN, OPTION_INVALID, FAULT_RATE_INVALID, RATE_INVALID
 */
export function planRun(words: readonly string[], config: RunConfig): RunPlan {
  const { count, speedUp } = config
  if (config.rate !== undefined && speedUp !== undefined) {
    throw new SimulatorError('OPTIONS_CONFLICT', '--rate and --speed-up exclude each other')
  }
  if (config.continue && config.ledger === undefined) {
    throw new SimulatorError('OPTIONS_CONFLICT', '--continue needs the --ledger to go on from')
  }
  const faults = parseFaults(config.faults)
  const feeds = resolveFeeds(words).map((feed): PlannedFeed => {
    const version = versionOf(feed, config.schemaVersion)
    return { feed, version, shares: faultSharesOf(feed, faults, version) }
  })
  if (config.schemaVersion !== undefined && feeds.every(({ version }) => version !== config.schemaVersion)) {
    throw new SimulatorError('OPTIONS_CONFLICT', `none of the feeds has a schema version ${config.schemaVersion}`)
  }
  const rate = config.rate === undefined ? undefined : parseRate(config.rate)
  const byTime = config.for === undefined ? undefined : rate?.cumulative(config.for / 1000)
  const expected = byTime === undefined ? count : Math.min(Math.floor(byTime), count ?? Infinity)
  return {
    config,
    feeds,
    targets: config.to.map(parseTarget),
    rate,
    faults,
    expected,
    options: {
      feeds: feeds.map(({ feed }) => feed.name),
      seed: config.seed,
      start: config.start,
      scale: config.scale,
      partitions: config.partitions,
      maxRecordBytes: config.maxRecordBytes,
      faults,
      writerVersions: Object.fromEntries(feeds.map(({ feed, version }) => [feed.name, version])),
      ...(count === undefined ? {} : { count }),
      ...(config.simulated === undefined ? {} : { forMs: config.simulated }),
      ...(config.for === undefined ? {} : { runForMs: config.for }),
      ...(rate === undefined ? {} : { rate }),
      ...(speedUp === undefined ? {} : { speedUp }),
    },
  }
}

/** The version asked for where the contract has it, else the latest. */
function versionOf(feed: Feed, wanted: number | undefined): number {
  const versions = feed.contract.versions.map(({ version }) => version)
  return wanted !== undefined && versions.includes(wanted) ? wanted : versions.at(-1)!
}
