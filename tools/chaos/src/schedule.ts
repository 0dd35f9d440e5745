import { createRandom, type Random } from '@sluice/generators'
import { sinkHookPoints, type SinkHookPoint } from '@sluice/ingest-core'
import { faultKindNames, faultKinds, type FaultKind } from './fault-kinds.ts'

/** One fault of a run. */
export interface FaultEvent {
  readonly kind: FaultKind
  /** After the first commit of the run, ms. */
  readonly atMs: number
  readonly lastsMs: number
  /** In [0, 1): which of the workers that run then. */
  readonly pick: number
  /** For the kinds at a named point: where, and at which pass. */
  readonly point: SinkHookPoint
  readonly nth: number
  /** For clocks, ms. */
  readonly shiftMs: number
  /** For zombies: nothing reaches the broker for a moment as it wakes, so nobody tells it that it was given up. */
  readonly deaf: boolean
}

/** What the workers read Kafka with: `createKafkaSource` or `createKafkaJsSource`. */
export const drivers = ['kafka', 'kafkajs'] as const
export type Driver = (typeof drivers)[number]

/** Everything about a run that is chosen; nothing else is. */
export interface RunPlan {
  readonly seed: number
  readonly driver: Driver
  readonly store: 's3' | 'local'
  readonly format: 'parquet' | 'jsonl'
  /** Bodies above this many bytes go up in parts. */
  readonly multipartAbove: number
  /** Records are produced as long as faults strike, but not more than these. */
  readonly maxRecords: number
  readonly recordsPerSecond: number
  readonly workers: number
  readonly rotateRows: number
  readonly events: readonly FaultEvent[]
}

/** Runs that share one deck: together they have every kind of fault. */
export const deckRuns = 4
const windowMs = 7000
const points = sinkHookPoints.filter((point) => !point.endsWith('genesis'))

export const partitions = 3

/**
 * What the seed says. Kinds are dealt like cards: runs of the same deck (`floor(seed / deckRuns)`) share out all of them, so any
 * whole deck strikes with each kind at least once, and reads by kafkajs in one of its runs; everything else is drawn for the run
 * alone.
 */
export function planRun(seed: number): RunPlan {
  const random = createRandom(seed, 'chaos run')
  const seat = seed % deckRuns
  const store = seat === deckRuns - 1 ? 'local' : 's3'
  const kinds = dealt(Math.floor(seed / deckRuns))[seat]!
  return {
    seed,
    driver: driverOf(seed),
    store,
    format: random.chance(0.7) ? 'parquet' : 'jsonl',
    multipartAbove: random.chance(0.5) ? 4096 : 16 * 2 ** 20,
    maxRecords: random.between(5000, 6000),
    recordsPerSecond: random.between(100, 200),
    workers: random.between(2, 3),
    rotateRows: random.between(30, 90),
    events: kinds.map((kind) => eventOf(kind, random)).sort((a, b) => a.atMs - b.atMs || (a.kind < b.kind ? -1 : 1)),
  }
}

/** Drawn apart from all else: seeds from before there were two drivers keep their records, settings and faults. */
export function driverOf(seed: number): Driver {
  const seat = createRandom(Math.floor(seed / deckRuns), 'chaos driver').int(deckRuns)
  return seed % deckRuns === seat ? 'kafkajs' : 'kafka'
}

function eventOf(kind: FaultKind, random: Random): FaultEvent {
  return {
    kind,
    atMs: random.int(windowMs),
    lastsMs: random.between(1000, 2500),
    pick: random.float(),
    // Only a zombie that is about to plan can decide against others; elsewhere it repeats what was decided.
    point: kind === 'zombie-at-point' && random.chance(0.5) ? 'before_plan' : random.pick(points),
    nth: random.between(1, 3),
    shiftMs: (random.chance(0.5) ? 1 : -1) * random.between(20 * 60_000, 3 * 60 * 60_000),
    deaf: random.chance(0.7),
  }
}

/** All kinds, shuffled and shared out: those of one store go to runs that have it, the others in turn. */
function dealt(deck: number): FaultKind[][] {
  const random = createRandom(deck, 'chaos deck')
  const hands = Array.from({ length: deckRuns }, (): FaultKind[] => [])
  const s3Hands = hands.slice(0, -1)
  const smallest = (among: FaultKind[][]) => among.reduce((a, b) => (b.length < a.length ? b : a))
  const cards = shuffled(faultKindNames, random)
  const isBound = (kind: FaultKind) => faultKinds[kind].place === 's3' || faultKinds[kind].place === 'local'
  for (const kind of cards.filter(isBound))
    (faultKinds[kind].place === 'local' ? hands.at(-1)! : smallest(s3Hands)).push(kind)
  for (const kind of cards.filter((each) => !isBound(each))) smallest(hands).push(kind)
  return hands
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const all = [...items]
  for (let i = all.length - 1; i > 0; i--) {
    const j = random.int(i + 1)
    ;[all[i], all[j]] = [all[j]!, all[i]!]
  }
  return all
}

/** One line per fault, for reports: what to look for when the run is repeated. */
export function describePlan(plan: RunPlan): string {
  const { seed, driver, store, format, recordsPerSecond, workers, rotateRows, multipartAbove } = plan
  const head = `seed ${seed}: ${recordsPerSecond} records/s, ${workers} workers by ${driver}, to ${store}, ${format}, cut at ${rotateRows} rows, parts above ${multipartAbove} bytes`
  const lines = plan.events.map(({ kind, atMs, lastsMs, pick, point, nth, shiftMs, deaf }) => {
    const where = kind.endsWith('-at-point') ? `, at ${point} x ${nth}` : ''
    const clock = kind === 'clock-jump' ? `, by ${shiftMs} ms` : ''
    const wakes = kind.startsWith('zombie') && deaf ? ', wakes deaf' : ''
    return `  ${String(atMs).padStart(5)} ms  ${kind} for ${lastsMs} ms, worker ${pick.toFixed(3)}${where}${clock}${wakes}`
  })
  return [head, ...lines].join('\n')
}
