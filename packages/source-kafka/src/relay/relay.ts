import { createHash } from 'node:crypto'
import { letterKey, waitFor } from '@sluice/ingest-core'
import type {
  CommitReceipt,
  DeadLetter,
  DeadLetterFeed,
  DecidedLetters,
  HeaderInput,
  ObjectStore,
} from '@sluice/ingest-core'
import { KafkaError } from '../errors.ts'
import { createKafkaProducer } from '../producer/producer.ts'
import type { KafkaProducer, KafkaProducerOptions } from '../producer/producer.ts'
import { hopsOf, letterRecord, ownPrefix } from './letter-record.ts'

export interface RelayOptions extends KafkaProducerOptions {
  /** The dead-letter topic. It is never created here. */
  readonly topic: string
  /** Where decided letters come from: `createLakeLetterFeed` for a file sink. */
  readonly feed: DeadLetterFeed
  /** Adds `__connect.errors.*` headers. Default false. */
  readonly connectHeaders?: boolean
  /** A record that was relayed this often already stays in the sink: it goes in circles (input 31). Default 5. */
  readonly maxHops?: number
  /** Bodies above this are not sent, only where they are, bytes. Default 900,000. */
  readonly maxBodyBytes?: number
  /** Holds bodies that are too large. Default: none, they stay in the sink under their letter key. */
  readonly claimChecks?: { readonly store: ObjectStore; readonly prefix: string }
  /** Called when letters cannot be handed on (with the error, once per code) and when they can again (null) (fault 36). */
  readonly alarm?: (error: Error | null) => void
  /** First and longest wait between tries, ms. Default 500 and 30,000. */
  readonly retry?: { readonly firstMs: number; readonly maxMs: number }
}

export interface RelayCounts {
  readonly relayed: number
  /** Sent as a claim check. */
  readonly claims: number
  /** Stopped by the loop guard; they stay in the sink. */
  readonly loops: number
}

/** Hands decided dead letters on to a Kafka topic: awaited, at least once, repeats under the same `sluice.dlq.key`. */
export interface DeadLetterRelay {
  /**
   * The pipeline's `onReceipt`: resolves when the letters of the commit are in the topic. While they cannot be, the
   * partition waits and nothing of it advances. After `close` it resolves at once; what is left is for the next `catchUp`.
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
  const { topic, feed, connectHeaders = false, maxHops = 5, maxBodyBytes = 900_000, claimChecks } = options
  const { firstMs, maxMs } = options.retry ?? { firstMs: 500, maxMs: 30_000 }
  if (topic === '') throw new KafkaError('KAFKA_OPTIONS_INVALID', 'relay: topic is empty')
  const ending = new AbortController()
  let producer: KafkaProducer = createKafkaProducer(options)
  let alarmed: string | undefined
  const counts = { relayed: 0, claims: 0, loops: 0 }

  async function claimFor(letter: DeadLetter): Promise<HeaderInput[]> {
    const body = letter.value ?? new Uint8Array(0)
    const sha256 = createHash('sha256').update(body).digest('hex')
    const pairs: [string, string][] = [
      ['claim.bytes', String(body.length)],
      ['claim.sha256', sha256],
    ]
    if (claimChecks === undefined) pairs.push(['claim.letter', letterKey(letter)])
    else {
      const key = `${claimChecks.prefix}${letterKey(letter).replaceAll('/', '+')}`
      await claimChecks.store.putIfAbsent(key, body, sha256, {}, ending.signal)
      pairs.push(['claim.object', key])
    }
    return pairs.map(([name, value]) => [`${ownPrefix}${name}`, Buffer.from(value)])
  }

  async function send(letter: DeadLetter, partitions: number): Promise<void> {
    const hops = hopsOf(letter)
    if (hops >= maxHops || letter.partition.topic === topic) {
      counts.loops += 1
      return
    }
    const base = { connectHeaders, hops, partitions }
    if ((letter.value?.length ?? 0) + (letter.key?.length ?? 0) <= maxBodyBytes) {
      try {
        await producer.send(topic, [letterRecord(letter, base)])
        counts.relayed += 1
        return
      } catch (error) {
        if (!(error instanceof KafkaError) || error.code !== 'KAFKA_RECORD_TOO_LARGE') throw error
      }
    }
    try {
      await producer.send(topic, [letterRecord(letter, { ...base, claim: await claimFor(letter) })])
    } catch (cause) {
      if (!(cause instanceof KafkaError) || cause.code !== 'KAFKA_RECORD_TOO_LARGE') throw cause
      const text = `${letterKey(letter)}: larger than ${topic} takes even without its body; raise max.message.bytes`
      throw new KafkaError('RELAY_LETTER_TOO_LARGE', text, { cause })
    }
    counts.relayed += 1
    counts.claims += 1
  }

  /** Sends together what it can; a letter that is too large is then sent on its own. */
  async function sendAll(letters: readonly DeadLetter[]): Promise<void> {
    const partitions = await producer.partitions(topic)
    for (const letter of letters) await send(letter, partitions)
  }

  /** @returns whether they were handed on; false when closed before */
  async function handOn(find: () => Promise<DecidedLetters | undefined>): Promise<number | undefined> {
    for (let wait = firstMs; !ending.signal.aborted; wait = Math.min(2 * wait, maxMs)) {
      try {
        const decided = await find()
        if (decided === undefined) return 0
        await sendAll(decided.letters)
        await feed.acknowledge(decided, ending.signal)
        if (alarmed !== undefined) options.alarm?.(null)
        alarmed = undefined
        return decided.letters.length
      } catch (error) {
        if (ending.signal.aborted) return undefined
        await trouble(error)
      }
      await waitFor(wait * (0.5 + Math.random() / 2), ending.signal)
    }
    return undefined
  }

  /** Errors with a code are of Kafka or the store and may pass; one without is a defect. */
  async function trouble(error: unknown): Promise<void> {
    if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') throw error
    if (alarmed !== error.code) options.alarm?.(error)
    alarmed = error.code
    // A sequence that broke is of this producer only; repeats carry the same key.
    const spent = error.code === 'KAFKA_PRODUCE_UNKNOWN' || error.code === 'KAFKA_PRODUCER_BROKEN'
    if (!spent) return
    await producer.close()
    producer = createKafkaProducer(options)
  }

  return {
    counts,
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
      await producer.close()
    },
  }
}
