import { waitFor } from '@sluice/ingest-core'
import type { CommitReceipt, DecidedLetters } from '@sluice/ingest-core'
import { KafkaError } from '../errors.ts'
import { createKafkaProducer } from '../producer/producer.ts'
import type { KafkaProducer } from '../producer/producer.ts'
import { createLetterSender } from './letter-sender.ts'
import type { RelayCounts, RelayOptions } from './relay-options.ts'

/** Hands decided dead letters on to a Kafka topic: awaited, at least once, repeats under the same `sluice.dlq.key`. */
export interface DeadLetterRelay {
  /**
   * The pipeline's `onReceipt`: resolves when the letters of the commit are in the topic. While they cannot be, the
   * partition waits and nothing of it advances; others go on. After `close` it resolves at once, also where it waits; what
   * is left is for the next `catchUp`.
   */
  readonly onReceipt: (receipt: CommitReceipt) => Promise<void>
  /** Hands on what an earlier stop left behind; call it before the run. @returns letters handed on */
  catchUp(): Promise<number>
  readonly counts: RelayCounts
  /** Ends waits. Safe to call twice. */
  close(): Promise<void>
}

/** @throws KafkaError KAFKA_OPTIONS_INVALID */
export function createDeadLetterRelay(options: RelayOptions): DeadLetterRelay {
  const { topic, feed } = options
  const { firstMs, maxMs } = options.retry ?? { firstMs: 500, maxMs: 30_000 }
  if (topic === '') throw new KafkaError('KAFKA_OPTIONS_INVALID', 'relay: topic is empty')
  const ending = new AbortController()
  const newProducer = (): KafkaProducer => createKafkaProducer({ deliveryTimeoutMs: 30_000, ...options })
  let producer = newProducer()
  /** Those with a broken sequence, while others still send by them. */
  const spent = new Set<KafkaProducer>()
  /** Commits whose letters wait, and the codes that were told since the first of them began to. */
  const waiting = new Set<object>()
  const told = new Set<string>()
  const sender = createLetterSender(options, ending.signal)

  /** @returns how many were handed on; undefined when closed before */
  async function handOn(find: () => Promise<DecidedLetters | undefined>): Promise<number | undefined> {
    const commit = {}
    // Keys of the letters that a try has written: the next one does not repeat them.
    const handed = new Set<string>()
    for (let wait = firstMs; !ending.signal.aborted; wait = Math.min(2 * wait, maxMs)) {
      const by = producer
      try {
        const decided = await find()
        if (decided !== undefined) {
          await sender.sendAll(decided.letters, handed, by)
          await feed.acknowledge(decided, ending.signal)
        }
        noTrouble(commit)
        return decided?.letters.length ?? 0
      } catch (error) {
        if (ending.signal.aborted) return undefined
        trouble(error, by)
        waiting.add(commit)
      }
      await waitFor(wait * (0.5 + Math.random() / 2), ending.signal)
    }
    return undefined
  }

  function noTrouble(commit: object): void {
    if (!waiting.delete(commit) || waiting.size > 0) return
    told.clear()
    options.alarm?.(null)
  }

  /** Errors with a code are of Kafka or the store and may pass; one without is a defect. */
  function trouble(error: unknown, by: KafkaProducer): void {
    if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') throw error
    // Another commit found out before, and closed it.
    if (error.code === 'KAFKA_CLOSED' && by !== producer) return
    if (!told.has(error.code)) options.alarm?.(error)
    told.add(error.code)
    // A sequence that broke is of this producer only; repeats carry the same key.
    const broken = error.code === 'KAFKA_PRODUCE_UNKNOWN' || error.code === 'KAFKA_PRODUCER_BROKEN'
    if (!broken || by !== producer) return
    producer = newProducer()
    spent.add(by)
    void by.close().then(() => spent.delete(by))
  }

  return {
    counts: sender.counts,
    async onReceipt(receipt) {
      if (receipt.counts.deadLettered > 0) await handOn(() => feed.decidedBy(receipt, ending.signal))
    },
    async catchUp() {
      let letters = 0
      for await (const decided of feed.pending(ending.signal)) {
        const done = await handOn(async () => decided)
        if (done === undefined) break
        letters += done
      }
      return letters
    },
    async close() {
      ending.abort()
      await Promise.all([producer, ...spent].map((each) => each.close({ abandon: true })))
    },
  }
}
