import type { ObjectStore } from '../contracts/object-store.ts'
import type { PartitionId } from '../contracts/records.ts'
import type { CommitReceipt } from '../contracts/sink.ts'
import { systemClock } from '../pipeline/clock.ts'
import type { Clock } from '../pipeline/clock.ts'
import { chainKeys, feedFolder, sinkFolder } from '../sink/chain-keys.ts'
import { fileSinkDefaults } from '../sink/file-sink-options.ts'
import { createStoreCalls } from '../sink/store-calls.ts'
import { committedFlushes, readFlush } from './lake-letters.ts'
import type { DeadLetter } from './letter.ts'

/** Dead letters decided by one commit of a sink. The list never changes: it is part of what made the commit. */
export interface DecidedLetters {
  /** Names the commit, for `acknowledge`. */
  readonly id: string
  readonly partition: PartitionId
  readonly letters: readonly DeadLetter[]
}

/**
 * Decided dead letters of a sink, for one consumer that hands them on (a relay to a Kafka topic, say): at least once,
 * until acknowledged. Sinks have a feed each; whoever consumes needs to know nothing of the sink.
 */
export interface DeadLetterFeed {
  /** What this commit decided, or undefined when it decided none. Call it from the pipeline's `onReceipt`. */
  decidedBy(receipt: CommitReceipt, signal: AbortSignal): Promise<DecidedLetters | undefined>
  /** Decided, not acknowledged: what a stop left behind. Call it before a run. */
  pending(signal: AbortSignal): AsyncIterable<DecidedLetters>
  /** The consumer has handed these on; they are not given to it again. */
  acknowledge(decided: DecidedLetters, signal: AbortSignal): Promise<void>
}

export interface LakeLetterFeedOptions {
  /** The lake; opened and closed by whoever made it. */
  readonly store: ObjectStore
  /** As given to `createFileSink`. */
  readonly sinkId: string
  readonly prefix?: string
  /** Name of the consumer: each has marks of its own. */
  readonly consumer: string
  readonly clock?: Clock
}

const pageSize = 1000
const mark = new Uint8Array(0)

/** The feed of a file sink: what its `.done` records name. An acknowledgement is a create-only mark beside the chain. */
export function createLakeLetterFeed(options: LakeLetterFeedOptions): DeadLetterFeed {
  const { sinkId, consumer, clock = systemClock } = options
  const prefix = options.prefix === undefined || options.prefix === '' ? '' : `${options.prefix}/`
  const calls = createStoreCalls(options.store, clock, { ...fileSinkDefaults.retry, random: Math.random })
  const chain = sinkFolder(prefix, sinkId)
  const folder = feedFolder(prefix, sinkId, consumer)
  const markOf = (doneKey: string): string => `${folder}${doneKey.slice(chain.length).replace(/\.done$/, '')}`

  async function marks(signal: AbortSignal): Promise<Set<string>> {
    const found = new Set<string>()
    for (let after: string | undefined; ;) {
      const keys = await calls.list(folder, pageSize, signal, after)
      for (const key of keys) found.add(key)
      if (keys.length < pageSize) return found
      after = keys.at(-1)
    }
  }

  return {
    async decidedBy(receipt, signal) {
      if (receipt.counts.deadLettered === 0) return undefined
      const id = chainKeys(prefix, sinkId, receipt.partition).done(receipt.start)
      const { letters } = await readFlush(calls, id, signal)
      return { id, partition: receipt.partition, letters }
    },
    async *pending(signal) {
      const acknowledged = await marks(signal)
      const flushes = committedFlushes(calls, prefix, sinkId, signal, (key) => !acknowledged.has(markOf(key)))
      for await (const { key, spec, letters } of flushes) {
        if (letters.length > 0) yield { id: key, partition: spec.partition, letters }
      }
    },
    async acknowledge({ id }, signal) {
      await calls.place(markOf(id), mark, {}, signal)
    },
  }
}
