import { createSharedMemory, SourceError } from '@sluice/ingest-core'
import type { PartitionTable } from '@sluice/ingest-core'
import type { Cluster } from '../connection/cluster.ts'
import { codes, isDenied, isPassing } from '../connection/codes.ts'
import { fetchFrom } from '../wire/fetch.ts'
import type { FetchedPartition, FetchTopic } from '../wire/fetch.ts'
import { wholeBatches } from '../wire/whole-batches.ts'
import type { Directory } from './directory.ts'
import { stopWith } from './reading.ts'
import type { Reading } from './reading.ts'
import { nameOf } from './refusals.ts'
import type { Refusals } from './refusals.ts'

export interface FetcherOptions {
  readonly cluster: Cluster
  readonly directory: Directory
  readonly table: PartitionTable<Reading>
  readonly refusals: Refusals
  readonly readCommitted: boolean
  readonly maxWaitMs: number
  /** Called when something has changed: a chunk, a trouble, or the end of a wait. */
  readonly arrived: () => void
}

/**
 * Fetches from brokers, at most two requests per broker at a time: one for partitions that have records, and one, on a connection of
 * its own, for those that were read to their end. A broker holds such a request back until there is something new, and all behind it on that
 * connection; an idle partition must not hold up a busy one. The bytes in flight are bounded by what `start` is given.
 */
export interface Fetcher {
  /** Asks brokers for the partitions that have nothing ready and are not asked for. */
  start(maxBytes: number): void
  /** What keeps going wrong and is about no partition; undefined after a success. */
  readonly failing: { readonly since: number; readonly error: unknown } | undefined
}

/** What goes over one connection to one broker. */
interface Round {
  readonly node: number
  readonly purpose: 'fetch' | 'tail'
  readonly readings: Reading[]
}

interface Asked {
  readonly reading: Reading
  readonly version: number
  readonly offset: number
}

/** At most this many partitions share one reply evenly; when there are more, some wait for the next one. */
const sharers = 4
const largestBatch = 512 * 1024 * 1024

export function createFetcher(options: FetcherOptions): Fetcher {
  const { cluster, directory, table, refusals, readCommitted, maxWaitMs, arrived } = options
  const memory = createSharedMemory()
  const busy = new Set<string>()
  const restUntil = new Map<number, number>()
  let failures = 0
  let failing: Fetcher['failing']
  let served = 0
  let refreshing = false

  function start(maxBytes: number): void {
    const now = Date.now()
    const rounds = new Map<string, Round>()
    let leaderless = false
    for (const { state } of table.turn(
      (each) => each.next !== undefined && each.ready === undefined && each.trouble === undefined,
    )) {
      const leader = directory.leader(state.partition)
      if (leader === undefined) {
        leaderless = true
        continue
      }
      const node = leader.leader
      const purpose = state.atEnd ? 'tail' : 'fetch'
      const key = `${purpose} ${node}`
      if (busy.has(key) || (restUntil.get(node) ?? 0) > now) continue
      const round = rounds.get(key)
      if (round === undefined) rounds.set(key, { node, purpose, readings: [state] })
      else round.readings.push(state)
    }
    if (leaderless) lookAgain()
    const share = Math.max(1, Math.floor(maxBytes / Math.max(1, rounds.size)))
    for (const [key, round] of rounds) void run(key, round, share)
  }

  /** The metadata may be old: one look at a time, and not more often than a wait lasts. */
  function lookAgain(): void {
    if (refreshing) return
    refreshing = true
    void directory
      .refresh(maxWaitMs)
      .then(checkAll)
      .catch((error: unknown) => fail(error))
      .finally(() => {
        refreshing = false
        arrived()
      })
  }

  /** Stops partitions whose topic or cluster is not the one it was. */
  function checkAll(): void {
    for (const { state } of table.all()) {
      if (state.trouble !== undefined) continue
      try {
        directory.check(state.partition)
      } catch (error) {
        if (error instanceof SourceError && error.code === 'SOURCE_REPLACED') stopWith(state, error)
      }
    }
  }

  function fail(error: unknown): void {
    failing = { since: failing?.since ?? Date.now(), error: refusals.from(error) }
  }

  async function run(key: string, round: Round, maxBytes: number): Promise<void> {
    busy.add(key)
    try {
      await exchange(round, maxBytes)
      failures = 0
      failing = undefined
    } catch (error) {
      failures += 1
      fail(error)
      rest(round.node)
      lookAgain()
    } finally {
      busy.delete(key)
      arrived()
    }
  }

  function rest(node: number): void {
    const full = Math.min(5000, 50 * 2 ** Math.min(failures, 10))
    restUntil.set(node, Date.now() + full * (0.5 + Math.random() / 2))
  }

  async function exchange({ node, purpose, readings }: Round, maxBytes: number): Promise<void> {
    const link = await cluster.link(node, purpose)
    // Seeks while the connection was made: ask for what is wanted now.
    const current = readings.filter(
      (each) => table.holds(each.partition, each) && each.next !== undefined && each.atEnd === (purpose === 'tail'),
    )
    if (current.length === 0) return
    current.sort((a, b) => a.served - b.served)
    const share = Math.max(1, Math.floor(maxBytes / Math.min(current.length, sharers)))
    const asked = new Map<string, Asked>()
    const topics = new Map<string, { name: string; id: string; partitions: FetchTopic['partitions'][number][] }>()
    let most = maxBytes
    for (const reading of current) {
      const { topic, topicId, partition } = reading.partition
      const offset = reading.next!
      asked.set(`${topicId}/${partition}`, { reading, version: reading.version, offset })
      asked.set(`${topic}/${partition}`, { reading, version: reading.version, offset })
      let entry = topics.get(topicId)
      if (entry === undefined) topics.set(topicId, (entry = { name: topic, id: topicId, partitions: [] }))
      most = Math.max(most, reading.wanted)
      entry.partitions.push({
        partition,
        leaderEpoch: -1,
        offset,
        lastEpoch: reading.leaderEpoch,
        maxBytes: Math.max(share, reading.wanted),
      })
    }
    const request = { maxWaitMs, maxBytes: most, readCommitted, topics: [...topics.values()] }
    const reply = await fetchFrom(link, request, memory)
    if (reply.errorCode !== codes.NONE)
      throw refusals.unavailable(`${link.broker}: fetch: protocol error ${reply.errorCode}`)
    let stale = false
    for (const got of reply.partitions) {
      const ask = asked.get(`${got.topic}/${got.partition}`)
      const current = ask !== undefined && isCurrent(ask)
      const kept = current && got.errorCode === codes.NONE && accept(ask, got)
      if (!kept) memory.giveBack(got.records)
      if (current && got.errorCode !== codes.NONE && (await refuse(ask, got))) stale = true
    }
    if (stale) {
      rest(node)
      lookAgain()
    }
  }

  const isCurrent = ({ reading, version }: Asked): boolean =>
    table.holds(reading.partition, reading) && reading.version === version

  /** @returns true when the records wait for a poll now */
  function accept({ reading, offset }: Asked, got: FetchedPartition): boolean {
    const { records } = got
    if (got.diverging !== null && got.diverging.endOffset < offset) {
      const why = `the log was cut and written anew from offset ${got.diverging.endOffset} on (leader epoch ${got.diverging.epoch})`
      stopWith(reading, refusals.outOfRange(reading.partition, got.diverging.endOffset, offset, why))
      return false
    }
    const end = readCommitted ? got.lastStable : got.highWatermark
    reading.atEnd = offset >= end
    if (records.length === 0) return false
    const { length, nextOffset, leaderEpoch, wanted } = wholeBatches(records)
    if (nextOffset !== null && nextOffset > offset) {
      reading.wanted = 0
      reading.suspect = undefined
      reading.served = served += 1
      reading.atEnd = nextOffset >= end
      const bytes = records.subarray(0, length)
      const release = (): void => memory.giveBack(bytes)
      reading.ready = { start: offset, end: nextOffset, leaderEpoch, bytes, aborted: got.aborted, release }
      return true
    }
    if (nextOffset === null && wanted > 0 && wanted <= largestBatch) reading.wanted = wanted
    else if (nextOffset === null && records.length < 12) reading.wanted = Math.max(1024, 2 * reading.wanted)
    else if (reading.suspect !== offset) reading.suspect = offset
    else stopWith(reading, refusals.corrupt(reading.partition, offset, 'no record batch, also when read again'))
    return false
  }

  /** @returns true when the metadata is to be looked at before the next try */
  async function refuse({ reading, version, offset }: Asked, got: FetchedPartition): Promise<boolean> {
    const { partition } = reading
    const { errorCode } = got
    if (isPassing(errorCode)) return true
    if (isDenied(errorCode)) {
      stopWith(reading, refusals.denied(`${nameOf(partition)}: not authorised to read it`, undefined, partition))
      return false
    }
    if (errorCode === codes.OFFSET_OUT_OF_RANGE) {
      const { start, end } = await directory.bounds(partition, false)
      if (!isCurrent({ reading, version, offset })) return false
      if (offset < start) {
        stopWith(reading, refusals.outOfRange(partition, offset, start, `the log begins at offset ${start}`))
      } else if (offset > end) {
        stopWith(reading, refusals.outOfRange(partition, end, offset, `the log ends at offset ${end}`))
      }
      return false
    }
    if (errorCode === codes.CORRUPT_MESSAGE) {
      if (reading.suspect !== offset) reading.suspect = offset
      else stopWith(reading, refusals.corrupt(partition, offset, 'the broker finds its log damaged'))
      return true
    }
    // Unknown topic or id: deleted, recreated, or a broker that does not know it yet. The metadata tells.
    return true
  }

  return {
    start,
    get failing() {
      return failing
    },
  }
}
