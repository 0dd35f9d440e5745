import type { Contract } from '@sluice/schemas'
import { defaultJsonStyle, type JsonStyle } from './json-style.ts'

/**
 * A row of a feed, in the row codec's spelling: one property per field of the contract's latest schema. Rows of JSON feeds
 * may leave nullable fields out: the JSON then does not have them, while null is written as null.
 */
export type Row = Record<string, unknown>

/** One topic that a domain can produce. */
export interface Feed {
  /** Topic name, e.g. `bakery.sales_events`; what users call the feed. */
  readonly name: string
  readonly contract: Contract
  readonly description: string
  /** Partitions when the caller names none. */
  readonly partitions: number
  /** Spelling of values; of JSON feeds only. */
  readonly json: JsonStyle
}

/** Declares a feed; the name is the contract's topic. */
export function defineFeed(options: {
  readonly contract: Contract
  readonly description?: string
  readonly partitions?: number
  readonly json?: Partial<JsonStyle>
}): Feed {
  const { contract, description = contract.description, partitions = 3 } = options
  const json = Object.freeze({ ...defaultJsonStyle, ...options.json })
  return Object.freeze({ name: contract.topic, contract, description, partitions, json })
}

/** Receives a row: which feed (index into `Domain.feeds`), the row, and the simulated time of its delivery (ms). */
export type EmitRow = (feed: number, row: Row, at: number) => void

/**
 * The entities of a domain and their lives. Time moves in ticks; rows leave in order of delivery time within a feed.
 * A world never looks at which feeds are wanted, so a feed's rows are the same whoever else is being produced.
 */
export interface World {
  /** Simulated time reached, ms since epoch. */
  readonly now: number
  /** Simulates one tick and emits what is delivered in it. */
  step(emit: EmitRow): void
}

export interface WorldOptions {
  readonly seed: string
  /** Simulated start, ms since epoch. */
  readonly start: number
  /** Size of the world relative to the domain's default; entities scale with it. */
  readonly scale: number
}

/** A set of feeds that share a world. */
export interface Domain {
  readonly name: string
  readonly feeds: readonly Feed[]
  createWorld(options: WorldOptions): World
}
