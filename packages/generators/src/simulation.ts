import { createHash } from 'node:crypto'
import { type Contract, getContract, parseSchema } from '@sluice/schemas'
import { findFeed } from './catalogue.ts'
import type { Domain, Feed, World } from './domain.ts'
import { GeneratorError } from './errors.ts'
import { defaultFaultRates, type FaultRates } from './fault-names.ts'
import { createFeedStream, type FeedStream } from './feed-stream.ts'
import type { SimulatedRecord } from './simulated-record.ts'
import type { SimulationPosition } from './simulation-position.ts'

export interface SimulationOptions {
  /** Same seed and options: same bytes. Default `'sluice'`. */
  readonly seed?: string | number
  /** Simulated start. Default 2026-01-05T00:00:00Z, a Monday. */
  readonly start?: Date | string | number
  /** Stop after this many records, second deliveries included. */
  readonly count?: number
  /** Stop after this much simulated time, ms. */
  readonly forMs?: number
  /** Default `defaultFaultRates`; per topic where a record is given under its name. */
  readonly faults?: FaultRates
  readonly faultsByTopic?: Readonly<Record<string, FaultRates>>
  /** Partitions of every topic, or by topic. Default: what the feed says. */
  readonly partitions?: number | Readonly<Record<string, number>>
  /** Schema version to write with, by topic. Default: the latest. */
  readonly writerVersions?: Readonly<Record<string, number>>
  /** Registry ids, e.g. from `register`. Default: a number made from subject and version. */
  readonly schemaId?: (contract: Contract, version: number) => number
  /** Size of the world relative to the domain's default (bakery: 12 stores). Default 1. */
  readonly scale?: number
  /** Record limit of the pipeline under test, bytes. Default 8 MiB. */
  readonly maxRecordBytes?: number
  /** Compute `rowHash` of every row. Default true. */
  readonly hashRows?: boolean
  readonly continueFrom?: SimulationPosition
}

export interface Simulation {
  readonly seed: string
  readonly run: number
  readonly feeds: readonly Feed[]
  /** Simulated time reached, ms since epoch. */
  readonly now: number
  readonly from: number
  readonly produced: number
  /**
   * Records of the next tick that has any, in order of delivery; at most `max` (default: the whole tick).
   * An empty list means the end.
   */
  next(max?: number): readonly SimulatedRecord[]
  /** Takes no more rows; `next` then hands out what is held back, and ends. */
  end(): void
  position(): SimulationPosition
}

/** A schema id for runs without a registry: stable for a subject and version, between 1 and 1,000,000. */
export function offlineSchemaId(contract: Contract, version: number): number {
  return (createHash('sha256').update(`${contract.subject}\u0000${version}`).digest().readUInt32BE(0) % 1_000_000) + 1
}

/** Whose schema ids `foreign_schema_id` writes: a contract that no feed has. */
export const foreignContract = getContract('sluice.DeadLetter')

/** Version under which `incompatible_schema_id` asks for an id: contracts begin with 1. */
export const incompatibleVersion = 0

/** A schema that another team registered for a topic by mistake: of the same name, and without what the contract needs. */
export function incompatibleSchema({ schema }: Contract): Contract['schema'] {
  const node = parseSchema(schema)
  return { type: 'record', name: 'name' in node ? node.name : 'Record', fields: [] }
}

const defaultStart = Date.UTC(2026, 0, 5)

interface Lane {
  readonly domain: Domain
  readonly world: World
  readonly streams: readonly (FeedStream | undefined)[]
  /** Rows of ticks simulated but not yet taken, and the next of them. */
  pending: { feed: number; row: Record<string, unknown>; at: number }[]
  next: number
  /** Rows taken so far, of all feeds of the domain. */
  taken: number
}

/**
 * Creates the worlds behind some feeds and a stream of records over them. Synchronous and without timers: rate and
 * real time belong to `produce`. Memory is bounded by one tick and what entities have scheduled.
 * @throws {GeneratorError} FEED_UNKNOWN, OPTION_INVALID, FAULT_UNKNOWN, FAULT_RATE_INVALID
 */
export function createSimulation(feedNames: readonly string[], options: SimulationOptions = {}): Simulation {
  const { count = Infinity, forMs = Infinity, scale = 1, continueFrom } = options
  const seed = String(options.seed ?? 'sluice')
  const start = new Date(options.start ?? defaultStart).getTime()
  if (!Number.isFinite(start)) throw new GeneratorError('OPTION_INVALID', 'start is not a date')
  if (!(count >= 0)) throw new GeneratorError('OPTION_INVALID', 'count must be a number >= 0')
  if (!(forMs >= 0)) throw new GeneratorError('OPTION_INVALID', 'forMs must be a number >= 0')
  if (!(scale > 0)) throw new GeneratorError('OPTION_INVALID', 'scale must be a number > 0')
  if (feedNames.length === 0) throw new GeneratorError('OPTION_INVALID', 'at least one feed must be named')
  const run = continueFrom === undefined ? 0 : continueFrom.run + 1
  const { schemaId = offlineSchemaId, maxRecordBytes = 8 * 1024 * 1024, hashRows = true } = options
  const faults = options.faults ?? defaultFaultRates
  const foreignSchemaId = schemaId(foreignContract, foreignContract.versions[0]!.version)

  const found = [...new Set(feedNames)].map((name) => findFeed(name))
  const domains = [...new Set(found.map(({ domain }) => domain))]
  const wanted = new Set(found.map(({ feed }) => feed))
  const streams: FeedStream[] = []

  function partitionsOf(feed: Feed): number {
    const n = typeof options.partitions === 'object' ? options.partitions[feed.name] : options.partitions
    const partitions = n ?? feed.partitions
    if (!Number.isInteger(partitions) || partitions < 1) {
      throw new GeneratorError('OPTION_INVALID', `partitions of ${feed.name} must be a whole number >= 1`)
    }
    return partitions
  }

  function streamOf(feed: Feed): FeedStream | undefined {
    if (!wanted.has(feed)) return undefined
    const version = options.writerVersions?.[feed.name]
    const before = continueFrom?.topics[feed.name]
    const stream = createFeedStream({
      feed,
      seed,
      run,
      faults: options.faultsByTopic?.[feed.name] ?? faults,
      partitions: partitionsOf(feed),
      ids: {
        schemaId: (v) => schemaId(feed.contract, v),
        foreignSchemaId,
        incompatibleSchemaId: schemaId(feed.contract, incompatibleVersion),
      },
      maxRecordBytes,
      hashRows,
      ...(version === undefined ? {} : { writerVersion: version }),
      ...(before === undefined ? {} : { watermarks: before.watermarks, nextOffsets: before.nextOffsets }),
    })
    streams.push(stream)
    return stream
  }

  const lanes: Lane[] = domains.map((domain) => ({
    domain,
    world: domain.createWorld({ seed, start, scale }),
    streams: domain.feeds.map(streamOf),
    pending: [],
    next: 0,
    taken: 0,
  }))

  function refill(lane: Lane): void {
    lane.pending = []
    lane.next = 0
    lane.world.step((feed, row, at) => lane.pending.push({ feed, row, at }))
  }

  /** Skips the rows of earlier runs: the world is simulated again, which costs no encoding. */
  for (const lane of lanes) {
    const skip = continueFrom?.rows[lane.domain.name] ?? 0
    while (lane.taken < skip) {
      if (lane.next === lane.pending.length) refill(lane)
      const n = Math.min(skip - lane.taken, lane.pending.length - lane.next)
      lane.next += n
      lane.taken += n
    }
  }
  const from = Math.min(...lanes.map((lane) => lane.world.now))
  let ended = false

  /** The lane whose world is furthest behind. */
  function nextLane(): Lane {
    let lane = lanes[0]!
    for (const each of lanes) if (each.world.now < lane.world.now) lane = each
    return lane
  }

  function committed(): number {
    let n = 0
    for (const stream of streams) n += stream.committed
    return n
  }

  function finish(out: SimulatedRecord[]): void {
    ended = true
    const now = Math.max(...lanes.map((lane) => lane.world.now))
    for (const stream of streams) stream.flush(now, out)
  }

  let ready: SimulatedRecord[] = []
  let produced = 0

  function fill(): SimulatedRecord[] {
    const out: SimulatedRecord[] = []
    while (out.length === 0 && !ended) {
      if (committed() >= count) {
        finish(out)
        break
      }
      const lane = lanes.find((each) => each.next < each.pending.length) ?? nextLane()
      if (lane.next === lane.pending.length) {
        if (lane.world.now >= from + forMs) {
          finish(out)
          break
        }
        refill(lane)
      }
      while (lane.next < lane.pending.length) {
        const { feed, row, at } = lane.pending[lane.next]!
        const stream = lane.streams[feed]
        if (stream !== undefined) {
          const room = count - committed()
          if (room < 1) break
          stream.accept(row, at, room, out)
        }
        lane.next++
        lane.taken++
      }
    }
    return out
  }

  return {
    seed,
    run,
    feeds: found.map(({ feed }) => feed),
    from,
    get now() {
      return Math.min(...lanes.map((lane) => lane.world.now))
    },
    get produced() {
      return produced
    },
    next(max = Infinity) {
      let out = ready.length > 0 ? ready : fill()
      ready = []
      if (out.length > max) {
        ready = out.slice(max)
        out = out.slice(0, max)
      }
      produced += out.length
      return out
    },
    end() {
      if (!ended) finish(ready)
    },
    position: () => ({
      run,
      rows: Object.fromEntries(lanes.map((lane) => [lane.domain.name, lane.taken])),
      topics: Object.fromEntries(
        streams.map((stream) => [
          stream.feed.name,
          { nextOffsets: stream.nextOffsets(), watermarks: stream.watermarks() },
        ]),
      ),
    }),
  }
}

/**
 * Records of one feed: `for await (const record of simulate('bakery.sales_events', { seed: 7, count: 1000 })) …`.
 * Endless without `count` and `forMs`.
 */
export async function* simulate(feed: string, options: SimulationOptions = {}): AsyncGenerator<SimulatedRecord> {
  const simulation = createSimulation([feed], options)
  for (let batch = simulation.next(); batch.length > 0; batch = simulation.next()) yield* batch
}
