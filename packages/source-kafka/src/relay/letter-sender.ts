import { createHash } from 'node:crypto'
import { encodeRecordBatch, letterKey } from '@sluice/ingest-core'
import type { DeadLetter, HeaderInput } from '@sluice/ingest-core'
import { KafkaError } from '../errors.ts'
import type { KafkaProducer, ProducerRecord } from '../producer/producer.ts'
import { hopsOf, letterRecord, ownPrefix } from './letter-record.ts'
import type { RelayCounts, RelayOptions } from './relay-options.ts'

interface Prepared {
  readonly letter: DeadLetter
  readonly key: string
  readonly record: ProducerRecord
  /** Its body stays where it is. */
  readonly claimed: boolean
}

/** What a record has besides key, body and headers of the original, about. */
const ownBytes = 1000
const maxBatchLetters = 1000

export interface LetterSender {
  readonly counts: RelayCounts
  /**
   * Writes letters in batches, in their order within a partition. `handed` are the keys of those that an earlier try has
   * written, and gets those of this one: a batch is written whole or not at all.
   */
  sendAll(letters: readonly DeadLetter[], handed: Set<string>, by: KafkaProducer): Promise<void>
}

export function createLetterSender(options: RelayOptions, signal: AbortSignal): LetterSender {
  const { topic, connectHeaders = false, maxHops = 5, maxBodyBytes = 900_000, maxBatchBytes = 900_000 } = options
  const { claimChecks, recordTime, codec = 'lz4', level } = options
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
      await claimChecks.store.putIfAbsent(key, body, sha256, {}, signal)
      pairs.push(['claim.object', key])
    }
    return pairs.map(([name, value]) => [`${ownPrefix}${name}`, Buffer.from(value)])
  }

  async function prepared(letter: DeadLetter, partitions: number, claimed: boolean): Promise<Prepared> {
    const claim = claimed ? { claim: await claimFor(letter) } : {}
    const record = letterRecord(letter, { connectHeaders, hops: hopsOf(letter), partitions, ...claim })
    return { letter, key: letterKey(letter), record, claimed }
  }

  /** Halves what the broker finds too large, down to the letter that is; of that one only where its body is. */
  async function write(
    letters: readonly Prepared[],
    partition: number,
    partitions: number,
    handed: Set<string>,
    by: KafkaProducer,
  ): Promise<void> {
    const now = Date.now()
    const records = letters.map(({ record }) => (recordTime === 'sent' ? { ...record, timestamp: now } : record))
    const batch = encodeRecordBatch({ baseOffset: 0, records, codec, ...(level !== undefined && { level }) })
    try {
      await by.produceBatches(topic, partition, [batch])
    } catch (error) {
      if (!(error instanceof KafkaError) || error.code !== 'KAFKA_RECORD_TOO_LARGE') throw error
      const [first] = letters
      if (letters.length > 1) {
        const middle = letters.length >> 1
        await write(letters.slice(0, middle), partition, partitions, handed, by)
        return write(letters.slice(middle), partition, partitions, handed, by)
      }
      if (!first!.claimed) {
        return write([await prepared(first!.letter, partitions, true)], partition, partitions, handed, by)
      }
      const text = `${first!.key}: larger than ${topic} takes even without its body; raise max.message.bytes`
      throw new KafkaError('RELAY_LETTER_TOO_LARGE', text, { cause: error })
    }
    for (const { key, claimed } of letters) {
      handed.add(key)
      counts.relayed += 1
      if (claimed) counts.claims += 1
    }
  }

  async function writeAll(letters: readonly Prepared[], partitions: number, handed: Set<string>, by: KafkaProducer) {
    const groups = Map.groupBy(letters, ({ record }) => record.partition!)
    const ends = await Promise.allSettled(
      [...groups].map(([partition, group]) => write(group, partition, partitions, handed, by)),
    )
    for (const end of ends) if (end.status === 'rejected') throw end.reason
  }

  return {
    counts,
    async sendAll(letters, handed, by) {
      const partitions = await by.partitions(topic)
      let batch: Prepared[] = []
      let bytes = 0
      for (const letter of letters) {
        const key = letterKey(letter)
        if (handed.has(key)) continue
        if (hopsOf(letter) >= maxHops || letter.partition.topic === topic) {
          counts.loops += 1
          handed.add(key)
          continue
        }
        const body = (letter.value?.length ?? 0) + (letter.key?.length ?? 0)
        const claimed = body > maxBodyBytes
        const size = (claimed ? (letter.key?.length ?? 0) : body) + (letter.headers?.length ?? 0) + ownBytes
        if (batch.length >= maxBatchLetters || (batch.length > 0 && bytes + size > maxBatchBytes)) {
          await writeAll(batch, partitions, handed, by)
          batch = []
          bytes = 0
        }
        batch.push(await prepared(letter, partitions, claimed))
        bytes += size
      }
      await writeAll(batch, partitions, handed, by)
    },
  }
}
