import { createPartitionTable, SourceError, waitFor } from '@sluice/ingest-core'
import type { Fetched, PartitionId, Source } from '@sluice/ingest-core'
import type { EachBatchPayload } from 'kafkajs'
import { createCluster } from '../connection/cluster.ts'
import { within } from '../connection/within.ts'
import { KafkaError } from '../errors.ts'
import { createAssigner } from '../source/assigner.ts'
import { createDirectory } from '../source/directory.ts'
import { resolveSourceOptions } from '../source/options.ts'
import type { KafkaSourceOptions } from '../source/options.ts'
import { createRefusals } from '../source/refusals.ts'
import { kafkaJsClient } from './client.ts'
import { registerCodecs } from './codecs.ts'
import { createJsConsumer } from './consumer.ts'
import { createJsReading, positionJs, takeSlab } from './pending.ts'
import type { JsReading } from './pending.ts'

export interface KafkaJsSourceOptions extends KafkaSourceOptions {
  readonly groupId: string
  /** At most this much per partition and fetch, bytes. Default 1 MiB. */
  readonly maxBytesPerPartition?: number
  /** A record batch may not inflate to more than this, bytes. Default 64 MiB. */
  readonly maxInflatedBytes?: number
  /** How long the group waits for a member that is silent, ms; brokers take 6 s to 30 min unless told otherwise. Default 30,000. */
  readonly sessionTimeoutMs?: number
}

/**
 * Kafka by a kafkajs consumer, as slabs. Membership (classic protocol, eager) and fetching are kafkajs'; topic ids, cluster
 * id and log bounds, which it cannot ask for, come over a connection of @platformatic/kafka.
 *
 * kafkajs resets an offset that is out of range by itself. It is found out here: each batch must answer exactly what was to
 * be fetched next, and what kafkajs passed over is checked against the log's bounds; otherwise the partition is positioned
 * anew, or stops with the missing range. Not possible with kafkajs: checking the CRC of a batch, turning a batch that
 * inflates too far into a dead letter (the source ends with SOURCE_CORRUPT), keeping the order of headers of
 * different names, static assignment, noticing that a log was cut and grew past the position again.
 * @throws KafkaError KAFKA_OPTIONS_INVALID; SourceError SOURCE_UNAVAILABLE, SOURCE_DENIED when no broker lets it in
 */
export async function createKafkaJsSource(given: KafkaJsSourceOptions): Promise<Source> {
  const options = resolveSourceOptions(given)
  const { assignment, waitMs } = options
  if (assignment.kind !== 'group') {
    throw new KafkaError('KAFKA_OPTIONS_INVALID', 'assignment: kafkajs reads as a member of a group only')
  }
  const { sessionTimeoutMs = 30_000 } = given
  if (!Number.isSafeInteger(sessionTimeoutMs) || sessionTimeoutMs <= 0) {
    throw new KafkaError('KAFKA_OPTIONS_INVALID', 'sessionTimeoutMs should be a whole number above 0')
  }
  const name = 'kafkajs'
  const refusals = createRefusals(name)
  const cluster = createCluster(given)
  const directory = createDirectory(cluster, options.topics, refusals)
  const table = createPartitionTable<JsReading>(name, async (reading) => positionJs(reading, undefined))
  const codecs = registerCodecs(given.maxInflatedBytes ?? 64 * 1024 * 1024)
  let arrival = Promise.withResolvers<void>()
  let broken: SourceError | undefined
  let served = 0
  let closing: Promise<void> | undefined

  const membership = createJsConsumer({
    kafka: kafkaJsClient(given),
    groupId: given.groupId,
    topics: options.topics,
    readCommitted: options.readCommitted,
    waitMs,
    maxBytesPerPartition: given.maxBytesPerPartition ?? 1024 * 1024,
    sessionTimeoutMs,
    rebalanceTimeoutMs: assignment.rebalanceTimeoutMs ?? 30_000,
    batch: onBatch,
    passedOver: onPassedOver,
    crashed() {
      if (codecs.failure === undefined) return
      const why = codecs.failure instanceof Error ? codecs.failure.message : String(codecs.failure)
      const text = `a record batch cannot be inflated: ${why}; createKafkaSource makes a dead letter of it and goes on`
      broken = new SourceError('SOURCE_CORRUPT', text, { source: name, cause: codecs.failure })
      codecs.clear()
      arrived()
    },
  })
  const assigner = createAssigner({
    name,
    options,
    directory,
    table,
    make: createJsReading,
    stop(reading, trouble) {
      membership.pause(reading.partition.topic, reading.partition.partition)
      positionJs(reading, undefined, trouble)
      arrived()
    },
    // kafkajs begins anew with what is committed after each join: what we hold is positioned again.
    membership: {
      ...membership,
      start(events) {
        membership.start({
          ...events,
          assigned(partitions) {
            events.assigned(partitions)
            // Also those that are held back: whoever lets them go expects them where they stood.
            for (const { topic, partition } of partitions) {
              const reading = readingOf(topic, partition)
              if (reading !== undefined) realign(reading)
            }
          },
        })
      },
    },
    refusals,
  })

  function arrived(): void {
    arrival.resolve()
    arrival = Promise.withResolvers<void>()
  }

  function readingOf(topic: string, partition: number): JsReading | undefined {
    const id = directory.find(topic, partition)
    if (id === undefined || table.closed.aborted) return undefined
    try {
      return table.get(id)
    } catch (error) {
      // Not assigned (any more): what arrives late for it is nobody's.
      if (error instanceof SourceError) return undefined
      throw error
    }
  }

  /** Sends kafkajs back to where the partition stands. What is pending was fetched before and stays good. */
  function realign(reading: JsReading): void {
    if (reading.next === undefined || reading.trouble !== undefined) return
    const { topic, partition } = reading.partition
    reading.expected = reading.pending.at(-1)?.end ?? reading.next
    membership.seek(topic, partition, reading.expected)
    membership.resume(topic, partition)
  }

  function stop(reading: JsReading, trouble: SourceError): void {
    membership.pause(reading.partition.topic, reading.partition.partition)
    positionJs(reading, undefined, trouble)
    arrived()
  }

  /** kafkajs went somewhere by itself: either the position is outside the log, or it merely began anew. */
  async function lookWhy(reading: JsReading): Promise<boolean> {
    const { partition, version } = reading
    try {
      const { start, end } = await directory.bounds(partition, false)
      if (reading.version !== version || reading.next === undefined) return false
      const next = reading.expected
      if (next < start) stop(reading, refusals.outOfRange(partition, next, start, `the log begins at offset ${start}`))
      else if (next > end) stop(reading, refusals.outOfRange(partition, end, next, `the log ends at offset ${end}`))
      else return true
    } catch (error) {
      if (!(error instanceof SourceError)) throw error
      if (error.code === 'SOURCE_REPLACED') stop(reading, error)
      else return reading.version === version
    }
    return false
  }

  async function onBatch({ batch, resolveOffset }: EachBatchPayload): Promise<void> {
    const { topic, partition } = batch
    const reading = readingOf(topic, partition)
    if (reading === undefined || reading.next === undefined) return membership.pause(topic, partition)
    const { version } = reading
    if (fetchedOffsetOf(batch) !== reading.expected) {
      if (await lookWhy(reading)) realign(reading)
      return
    }
    const end = Number(batch.lastOffset()) + 1
    reading.pending.push({ messages: batch.messages, at: 0, start: reading.expected, end })
    reading.expected = end
    reading.served = served += 1
    reading.emptied = Promise.withResolvers()
    resolveOffset(batch.messages.at(-1)!.offset)
    arrived()
    // A poll takes it at once, usually. One that does not must not hold up the other partitions of the broker.
    if (await within(reading.emptied.promise, waitMs)) return
    if (reading.version !== version || reading.pending.length === 0) return
    reading.full = true
    membership.pause(topic, partition)
  }

  function onPassedOver(topic: string, partition: number, lastOffset: number): void {
    const reading = readingOf(topic, partition)
    if (reading === undefined || reading.next === undefined) return
    const from = reading.expected
    const end = lastOffset + 1
    if (end <= from) return realign(reading)
    const { version } = reading
    reading.expected = end
    // A reset also passes over offsets. The log's bounds tell: nothing below its start was passed over in good order.
    void directory
      .bounds(reading.partition, false)
      .then(({ start }) => {
        if (reading.version !== version) return
        if (start > from) {
          return stop(reading, refusals.outOfRange(reading.partition, from, start, `the log begins at offset ${start}`))
        }
        reading.pending.push({ messages: [], at: 0, start: from, end })
        reading.pending.sort((a, b) => a.start - b.start)
        arrived()
      })
      .catch(() => {
        // Could not be asked: from the last good position again.
        if (reading.version !== version) return
        positionJs(reading, reading.next)
        realign(reading)
      })
  }

  function handOut(maxBytes: number): Fetched[] {
    const fetched: Fetched[] = []
    let left = maxBytes
    const ready = table.turn((reading) => reading.pending[0]?.start === reading.next && reading.next !== undefined)
    ready.sort((a, b) => a.state.served - b.state.served)
    ready.forEach(({ state }, i) => {
      if (left <= 0) return
      const one = takeSlab(state, Math.max(1, Math.floor(left / (ready.length - i))))
      state.served = served += 1
      left -= one.byteLength
      fetched.push(one)
      if (state.full && state.pending.length === 0) {
        state.full = false
        membership.resume(state.partition.topic, state.partition.partition)
      }
    })
    return fetched
  }

  function tellTrouble(): void {
    if (broken !== undefined) throw broken
    const [troubled] = table.turn((reading) => reading.trouble !== undefined && !reading.told)
    if (troubled === undefined) return
    troubled.state.told = true
    throw troubled.state.trouble!
  }

  /** kafkajs tries again by itself and tells nobody while it does; that the group is silent shows it. */
  function tellSilence(): void {
    const { ms, error } = membership.silence() ?? { ms: 0, error: undefined }
    if (ms < options.patienceMs) return
    const why = error === undefined ? '' : `: ${error.message}`
    throw refusals.unavailable(`group ${given.groupId} has not answered for ${Math.round(ms)} ms${why}`, error)
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
        return directory.bounds(partition, options.readCommitted)
      }),
    seek: (partition, next) =>
      table.exclusively(partition, async () => {
        const reading = table.get(partition)
        const { start, end } = await directory.bounds(partition, false)
        if (next < start) throw refusals.outOfRange(partition, next, start, `the log begins at offset ${start}`)
        if (next > end) throw refusals.outOfRange(partition, end, next, `the log ends at offset ${end}`)
        reading.full = false
        positionJs(reading, next)
        realign(reading)
      }),
    async poll(maxBytes, signal) {
      table.assertOpen()
      if (signal.aborted) return []
      let fetched = handOut(maxBytes)
      if (fetched.length > 0) return fetched
      tellTrouble()
      const over = new AbortController()
      const ended = AbortSignal.any([signal, table.closed, over.signal])
      await Promise.race([arrival.promise, waitFor(waitMs + 50, ended)])
      over.abort()
      if (signal.aborted || closing !== undefined) return []
      fetched = handOut(maxBytes)
      if (fetched.length > 0) return fetched
      tellTrouble()
      tellSilence()
      return fetched
    },
    pause: (partition: PartitionId, paused: boolean) => table.pause(partition, paused),
    async reportProgress(progress) {
      try {
        await membership.commit(
          progress.map(({ partition: { topic, partition }, next }) => ({ topic, partition, next })),
        )
      } catch (error) {
        throw refusals.from(error)
      }
    },
    close() {
      closing ??= (async () => {
        const emptied = table.close()
        await membership.leave()
        await within(Promise.allSettled([cluster.close(), emptied]), 5000)
      })()
      return closing
    },
  }
}

/** In kafkajs' batches, though not in its types: the offset that was asked for. */
function fetchedOffsetOf(batch: EachBatchPayload['batch']): number {
  return 'fetchedOffset' in batch ? Number(batch.fetchedOffset) : -1
}
