import type { Consumer, EachBatchPayload, Kafka } from 'kafkajs'
import { waitFor } from '@sluice/ingest-core'
import { within } from '../connection/within.ts'
import { KafkaError } from '../errors.ts'
import type { Membership, MembershipEvents } from '../group/membership.ts'

export interface JsConsumerOptions {
  readonly kafka: Kafka
  readonly groupId: string
  readonly topics: readonly string[]
  readonly readCommitted: boolean
  readonly waitMs: number
  readonly maxBytesPerPartition: number
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  /** A batch with records. Everything comes through here, also what nobody asked for. */
  readonly batch: (payload: EachBatchPayload) => Promise<void>
  /** A batch of which nothing is left (markers, aborted transactions, compaction): kafkajs went over it by itself. */
  readonly passedOver: (topic: string, partition: number, lastOffset: number) => void
  /** The consumer ended and will not restart by itself. */
  readonly crashed: (error: Error) => void
}

/** A kafkajs consumer as the member of a group. */
export interface JsConsumer extends Membership {
  /** How much longer than it should the group has kept silent, ms, and what went wrong last; undefined before the first join. */
  silence(): { readonly ms: number; readonly error: Error | undefined } | undefined
  seek(topic: string, partition: number, offset: number): void
  pause(topic: string, partition: number): void
  resume(topic: string, partition: number): void
}

const partitionsAtOnce = 256

/**
 * The consumer restarts for as long as it is wanted: also after errors that kafkajs gives up on. All partitions of an
 * assignment begin paused; they are read when they are positioned.
 */
export function createJsConsumer(options: JsConsumerOptions): JsConsumer {
  const { groupId, topics, readCommitted, waitMs, maxBytesPerPartition, sessionTimeoutMs } = options
  const leaving = new AbortController()
  let consumer: Consumer | undefined
  let member: string | undefined
  let left: Promise<void> | undefined
  /** Lives that ended, or did not begin, since it was in the group last. */
  let failures = 0
  // kafkajs says it between fetches only, so often enough that some may come late.
  const heartbeatMs = Math.min(3000, Math.floor(sessionTimeoutMs / 5))
  /** When the group answered last, by the clock that nobody sets. */
  let heard: number | undefined
  let troubled: Error | undefined

  function make(events: MembershipEvents): Consumer {
    const made = options.kafka.consumer({
      groupId,
      readUncommitted: !readCommitted,
      maxWaitTimeInMs: waitMs,
      maxBytesPerPartition,
      maxBytes: 4 * maxBytesPerPartition,
      sessionTimeout: sessionTimeoutMs,
      heartbeatInterval: heartbeatMs,
      rebalanceTimeout: options.rebalanceTimeoutMs,
      allowAutoTopicCreation: false,
      metadataMaxAge: 30_000,
      retry: {
        initialRetryTime: 100,
        maxRetryTime: 5000,
        retries: 5,
        restartOnFailure: async () => !leaving.signal.aborted,
      },
    })
    made.on(made.events.GROUP_JOIN, ({ payload }) => {
      // What was under way to come back when it was told to leave: kafkajs has no other way to stop it than that it fails.
      if (leaving.signal.aborted) throw new KafkaError('KAFKA_CLOSED', `group ${groupId}: left`)
      const partitions = Object.entries(payload.memberAssignment).flatMap(([topic, list]) =>
        list.map((partition) => ({ topic, partition })),
      )
      failures = 0
      answered()
      // Another member id is another life in the group: in between, others may have had these partitions.
      if (member !== undefined && member !== payload.memberId) events.lost()
      member = payload.memberId
      for (const { topic, partition } of partitions) made.pause([{ topic, partitions: [partition] }])
      events.trouble(null)
      events.assigned(partitions)
    })
    made.on(made.events.HEARTBEAT, answered)
    made.on(made.events.END_BATCH_PROCESS, ({ payload }) => {
      if (payload.batchSize === 0) options.passedOver(payload.topic, payload.partition, Number(payload.lastOffset))
    })
    made.on(made.events.CRASH, ({ payload }) => {
      member = undefined
      troubled = payload.error
      events.lost()
      events.trouble(payload.error)
      if (payload.restart || leaving.signal.aborted) return
      failures += 1
      options.crashed(payload.error)
      void begin(events)
    })
    return made
  }

  function answered(): void {
    heard = performance.now()
    troubled = undefined
  }

  async function begin(events: MembershipEvents): Promise<void> {
    while (await mayBegin()) {
      const made = make(events)
      try {
        await made.connect()
        // Where kafkajs would begin by itself never matters: every partition is positioned by a seek.
        await made.subscribe({ topics: [...topics], fromBeginning: true })
        await made.run({
          autoCommit: false,
          eachBatchAutoResolve: false,
          partitionsConsumedConcurrently: partitionsAtOnce,
          eachBatch: options.batch,
        })
        consumer = made
        if (leaving.signal.aborted) await made.disconnect()
        return
      } catch (error) {
        events.trouble(error instanceof Error ? error : new Error(String(error)))
        await made.disconnect().catch(() => undefined) // it never was connected, or is no more
        failures += 1
      }
    }
  }

  /** What ended a life at once may end the next one, as when the broker refuses the session that is asked for. */
  async function mayBegin(): Promise<boolean> {
    if (failures === 0) return !leaving.signal.aborted
    return waitFor(Math.min(50 * 2 ** failures, 5000), leaving.signal)
  }

  /** Before the first assignment, and between two lives, there is nobody to tell; the next assignment begins paused anyway. */
  function tell(run: (to: Consumer) => void): void {
    if (consumer === undefined || leaving.signal.aborted) return
    try {
      run(consumer)
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'KafkaJSNonRetriableError') throw error
    }
  }

  return {
    silence() {
      if (heard === undefined) return undefined
      return { ms: Math.max(0, performance.now() - heard - heartbeatMs - waitMs), error: troubled }
    },
    byTopicId: false,
    start(events) {
      void begin(events)
    },
    async commit(positions) {
      if (consumer === undefined) throw new KafkaError('KAFKA_UNAVAILABLE', `group ${groupId}: no member yet`)
      const offsets = positions.map(({ topic, partition, next }) => ({ topic, partition, offset: String(next) }))
      try {
        await consumer.commitOffsets(offsets)
      } catch (cause) {
        throw new KafkaError('KAFKA_UNAVAILABLE', `group ${groupId} cannot commit offsets`, { cause })
      }
    },
    leave() {
      left ??= (async () => {
        leaving.abort()
        await within(consumer?.disconnect() ?? Promise.resolve(), 5000)
      })().catch(() => undefined) // The session ends by itself when the goodbye is lost.
      return left
    },
    seek: (topic, partition, offset) => tell((to) => to.seek({ topic, partition, offset: String(offset) })),
    pause: (topic, partition) => tell((to) => to.pause([{ topic, partitions: [partition] }])),
    resume: (topic, partition) => tell((to) => to.resume([{ topic, partitions: [partition] }])),
  }
}
