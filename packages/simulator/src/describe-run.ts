import { createSimulation, type SimulatedRecord } from '@sluice/generators'
import { formatBytes, renderTable } from '@sluice/runtime'
import { percent } from './describe-feed.ts'
import type { RunResult } from './execute-run.ts'
import { shownRegistry } from './open-registry.ts'
import type { RunPlan } from './plan-run.ts'

const trialRecords = 1000

const grouped = (value: number): string => value.toLocaleString('en-US')

/** What a run would do, and a trial of its first records in memory. Nothing is opened or written. */
export function describePlan(plan: RunPlan): string {
  const { config, feeds, targets, rate, expected } = plan
  const pace =
    rate === undefined
      ? config.speedUp === undefined
        ? 'as fast as possible'
        : `${config.speedUp} times the real cadence`
      : `${rate.name}, ${grouped(rate.at(0))} events/s at the start`
  const trial = createSimulation(plan.options.feeds, {
    ...plan.options,
    count: Math.min(trialRecords, plan.options.count ?? trialRecords),
    hashRows: false,
  })
  const records: SimulatedRecord[] = []
  for (let batch = trial.next(); batch.length > 0; batch = trial.next()) records.push(...batch)
  const rows = feeds.map(({ feed, version, shares }) => {
    const mine = records.filter(({ topic }) => topic === feed.name)
    const bytes = mine.reduce((sum, { key, value }) => sum + (key?.length ?? 0) + (value?.length ?? 0), 0)
    return { feed, version, shares, mine, bytes }
  })
  const bounds = [
    config.count === undefined ? [] : [`${grouped(config.count)} events`],
    config.for === undefined ? [] : [`${config.for / 1000} s of real time`],
    config.simulated === undefined ? [] : [`${config.simulated / 1000} s of simulated time`],
  ].flat()
  return [
    'dry run: nothing is written',
    `to:       ${targets.map(({ text }) => text).join(', ')}`,
    `ledger:   ${config.ledger ?? 'none'}`,
    `registry: ${shownRegistry(config) ?? 'none, ids are made from subject and version'}`,
    `pace:     ${pace}`,
    `until:    ${bounds.length === 0 ? 'stopped' : bounds.join(' or ')}${expected === undefined ? '' : `, about ${grouped(expected)} events`}`,
    `seed:     ${config.seed}, from ${new Date(config.start).toISOString()}, scale ${config.scale}`,
    renderTable(
      [
        { title: 'feed', value: ({ feed }) => feed.name },
        { title: 'format', value: ({ feed, version }) => `${feed.contract.format} v${version}` },
        { title: 'partitions', value: () => config.partitions, align: 'right' },
        { title: 'share', value: ({ mine }) => percent(mine.length / Math.max(1, records.length)), align: 'right' },
        {
          title: 'bytes each',
          value: ({ mine, bytes }) => Math.round(bytes / Math.max(1, mine.length)),
          align: 'right',
        },
      ],
      rows,
    ),
    ...describeFaults(plan),
    `(shares and sizes from ${grouped(records.length)} events made in memory, ${formatBytes(rows.reduce((sum, { bytes }) => sum + bytes, 0))})`,
    '',
  ].join('\n')
}

/** Faults by share, with the feeds that can have them. */
function describeFaults({ feeds }: RunPlan): string[] {
  const shares = new Map<string, { fault: string; share: string; feeds: string[] }>()
  for (const { feed, shares: own } of feeds) {
    for (const [fault, value] of own) {
      const share = percent(value)
      const line = shares.get(`${fault} ${share}`) ?? { fault, share, feeds: [] }
      line.feeds.push(feed.name)
      shares.set(`${fault} ${share}`, line)
    }
  }
  if (shares.size === 0) return ['faults:   none']
  const feedsOf = (names: readonly string[]) => (names.length === feeds.length ? 'all' : names.join(' '))
  return [
    renderTable(
      [
        { title: 'fault', value: ({ fault }) => fault },
        { title: 'share', value: ({ share }) => share, align: 'right' },
        { title: 'feeds', value: (line) => feedsOf(line.feeds) },
      ],
      [...shares.values()],
    ),
  ]
}

/** What a run did, as `--json` prints it. */
export interface RunFigures {
  readonly records: number
  readonly elapsedMs: number
  readonly perSecond: number
  /** Events that the rate wanted in the same time; null without a rate. */
  readonly wanted: number | null
  readonly seed: string
  readonly run: number
  readonly simulatedFrom: string
  readonly simulatedTo: string
  readonly topics: RunResult['summary']['topics']
}

export function figuresOf({ summary, elapsedMs }: RunResult, plan: RunPlan): RunFigures {
  return {
    records: summary.records,
    elapsedMs: Math.round(elapsedMs),
    perSecond: elapsedMs === 0 ? 0 : Number(((summary.records * 1000) / elapsedMs).toFixed(1)),
    wanted: plan.rate === undefined ? null : Math.round(plan.rate.cumulative(elapsedMs / 1000)),
    seed: summary.seed,
    run: summary.run,
    simulatedFrom: new Date(summary.simulatedFrom).toISOString(),
    simulatedTo: new Date(summary.simulatedTo).toISOString(),
    topics: summary.topics,
  }
}

/** Pure: text from figures. */
export function describeFigures(figures: RunFigures): string {
  const { records, elapsedMs, perSecond, wanted } = figures
  const off =
    wanted === null || wanted === 0
      ? ''
      : `, ${percent(records / wanted - 1)} off the ${grouped(wanted)} that the rate wanted`
  return [
    renderTable(
      [
        { title: 'topic', value: ([topic]) => topic },
        { title: 'events', value: ([, totals]) => totals.produced, align: 'right' },
        { title: 'stored', value: ([, totals]) => totals.stored, align: 'right' },
        { title: 'late', value: ([, totals]) => totals.late, align: 'right' },
        { title: 'dead-lettered', value: ([, totals]) => totals.deadLettered, align: 'right' },
        { title: 'filtered', value: ([, totals]) => totals.filtered, align: 'right' },
        { title: 'twice', value: ([, totals]) => totals.duplicates, align: 'right' },
        { title: 'size', value: ([, totals]) => formatBytes(totals.bytes), align: 'right' },
      ],
      Object.entries(figures.topics),
    ),
    `${grouped(records)} events in ${(elapsedMs / 1000).toFixed(1)} s: ${grouped(perSecond)}/s${off}; simulated ${figures.simulatedFrom} to ${figures.simulatedTo}`,
    '',
  ].join('\n')
}
