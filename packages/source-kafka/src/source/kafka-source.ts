import { createPartitionTable, waitFor } from '@sluice/ingest-core'
import type { Fetched, Source } from '@sluice/ingest-core'
import { createCluster } from '../connection/cluster.ts'
import { within } from '../connection/within.ts'
import { createCoordinator } from '../group/coordinator.ts'
import { createConsumerGroup } from '../group/consumer-group.ts'
import { createAssigner } from './assigner.ts'
import { createDirectory } from './directory.ts'
import { createFetcher } from './fetcher.ts'
import { resolveSourceOptions } from './options.ts'
import type { KafkaSourceOptions } from './options.ts'
import { createReading, position, stopWith, take } from './reading.ts'
import type { Reading } from './reading.ts'
import { createRefusals } from './refusals.ts'

/**
 * Kafka as raw record batches (`kind: 'batches'`), over connections of @platformatic/kafka: nothing is inflated, verified
 * or made into objects here; workers do that. Fetches are under way also between polls, so that about one poll's bytes wait here.
 *
 * Positions come from the sink by `seek`. Group offsets are written by `reportProgress` as a lag gauge and never read. There
 * is no offset reset: what is not in the log stops its partition with the missing range. Topics are known by their ids.
 * @throws KafkaError KAFKA_OPTIONS_INVALID; SourceError SOURCE_UNAVAILABLE, SOURCE_DENIED when no broker lets it in
 */
export async function createKafkaSource(given: KafkaSourceOptions): Promise<Source> {
  const options = resolveSourceOptions(given)
  const { groupId, assignment, readCommitted, waitMs } = options
  const name = 'kafka'
  const refusals = createRefusals(name)
  const cluster = createCluster(given)
  const directory = createDirectory(cluster, options.topics, refusals)
  const table = createPartitionTable<Reading>(name, async () => undefined)
  const membership =
    assignment.kind === 'group' && groupId !== undefined
      ? createConsumerGroup({
          cluster,
          groupId,
          topics: options.topics,
          rebalanceTimeoutMs: assignment.rebalanceTimeoutMs ?? 30_000,
          ...(assignment.instanceId !== undefined && { instanceId: assignment.instanceId }),
        })
      : undefined
  const gauge = groupId !== undefined && membership === undefined ? createCoordinator(cluster, groupId) : undefined
  const assigner = createAssigner({
    name,
    options,
    directory,
    table,
    make: createReading,
    stop: stopWith,
    membership,
    refusals,
  })
  let arrival = Promise.withResolvers<void>()
  const wake = (): void => {
    arrival.resolve()
    arrival = Promise.withResolvers<void>()
  }
  const fetcher = createFetcher({
    cluster,
    directory,
    table,
    refusals,
    readCommitted,
    maxWaitMs: waitMs,
    arrived: wake,
  })
  let closing: Promise<void> | undefined

  function handOut(maxBytes: number): Fetched[] {
    const fetched: Fetched[] = []
    let left = maxBytes
    const ready = table.turn((reading) => reading.ready !== undefined).map(({ state }) => state)
    for (const reading of ready.sort((a, b) => a.served - b.served)) {
      if (fetched.length > 0 && reading.ready!.bytes.length > left) continue
      const one = take(reading)
      left -= one.byteLength
      fetched.push(one)
    }
    return fetched
  }

  /** One partition's trouble is told once, so that the others go on. */
  function tellTrouble(): void {
    const [troubled] = table.turn((reading) => reading.trouble !== undefined && !reading.told)
    if (troubled === undefined) return
    troubled.state.told = true
    throw troubled.state.trouble!
  }

  /** Trouble of all of them is told as long as it lasts; each poll tries again before it tells. */
  function tellFailing(): void {
    const { failing } = fetcher
    if (failing !== undefined && Date.now() - failing.since >= options.patienceMs) throw failing.error
  }

  try {
    await directory.refresh(0)
  } catch (error) {
    await cluster.close()
    throw error
  }

  return {
    name,
    assignments: (signal) => assigner.changes(signal),
    bounds: (partition) =>
      table.exclusively(partition, async () => {
        table.get(partition)
        return directory.bounds(partition, readCommitted)
      }),
    seek: (partition, next) =>
      table.exclusively(partition, async () => {
        const reading = table.get(partition)
        const { start, end } = await directory.bounds(partition, false)
        if (next < start) throw refusals.outOfRange(partition, next, start, `the log begins at offset ${start}`)
        if (next > end) throw refusals.outOfRange(partition, end, next, `the log ends at offset ${end}`)
        position(reading, next, end)
      }),
    async poll(maxBytes, signal) {
      table.assertOpen()
      if (signal.aborted) return []
      let fetched = handOut(maxBytes)
      if (fetched.length === 0) {
        tellTrouble()
        const next = arrival.promise
        fetcher.start(maxBytes)
        await waitForArrival(next, signal)
        if (signal.aborted || closing !== undefined) return []
        fetched = handOut(maxBytes)
        if (fetched.length === 0) {
          tellTrouble()
          tellFailing()
        }
      }
      // While these are worked on, the next ones travel.
      if (fetched.length > 0) fetcher.start(maxBytes)
      return fetched
    },
    pause(partition, paused) {
      table.pause(partition, paused)
      // A poll that waits did not ask for it; the next one does.
      if (!paused) wake()
    },
    async reportProgress(progress) {
      const positions = progress.map(({ partition: { topic, partition }, next }) => ({ topic, partition, next }))
      try {
        if (membership !== undefined) await membership.commit(positions)
        else await gauge?.commit(-1, '', null, positions)
      } catch (error) {
        throw refusals.from(error)
      }
    },
    close() {
      closing ??= (async () => {
        const emptied = table.close()
        if (membership !== undefined) await membership.leave()
        await within(Promise.allSettled([cluster.close(), emptied]), 5000)
      })()
      return closing
    },
  }

  async function waitForArrival(next: Promise<void>, signal: AbortSignal): Promise<void> {
    const over = new AbortController()
    const ended = AbortSignal.any([signal, table.closed, over.signal])
    // A broker answers after its own wait; a little more, so that its answer is not missed by a hair.
    await Promise.race([next, waitFor(waitMs + 50, ended)])
    over.abort()
  }
}
