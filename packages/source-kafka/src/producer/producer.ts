import { encodeRecordBatch, waitFor } from '@sluice/ingest-core'
import type { Codec, LogRecord } from '@sluice/ingest-core'
import { createCluster } from '../connection/cluster.ts'
import type { ClusterPartition, ClusterTopic } from '../connection/cluster.ts'
import { codes, isDenied, isPassing } from '../connection/codes.ts'
import type { KafkaConnectionOptions } from '../connection/options.ts'
import { KafkaError } from '../errors.ts'
import { createApis, initApis } from '../wire/producer-apis.ts'
import type { NewTopic } from '../wire/producer-apis.ts'
import { produceTo } from '../wire/produce.ts'
import { partitionOfKey } from './murmur2.ts'
import { mayBeWritten, refusalOf } from './refusal.ts'
import { offsetsIn, stampBatch } from './stamp.ts'

export interface KafkaProducerOptions extends KafkaConnectionOptions {
  /** Default `lz4`. */
  readonly codec?: Codec
  /** gzip and zstd only. */
  readonly level?: number
  /** Bytes of records per batch before compression, about. Default 900,000: below what brokers take by default. */
  readonly maxBatchBytes?: number
  /** How long a batch is tried for, ms; then whether it was written is unknown. Default 120,000. */
  readonly deliveryTimeoutMs?: number
  /**
   * What timestamp a record sent by `send` gets: its own, or the time of sending. A broker deletes by this time, so events
   * of the past that keep their own are gone within minutes of a topic with `retention.ms`. Default `given`.
   */
  readonly recordTime?: 'given' | 'sent'
}

export interface ProducerRecord extends LogRecord {
  /** Default: by murmur2 of the key, or in turn where there is no key. */
  readonly partition?: number
}

/** Offset of the first record written to `partition` by one call; `end` is exclusive. */
export interface ProduceReceipt {
  readonly partition: number
  readonly baseOffset: number
  readonly end: number
}

export interface TopicSettings {
  readonly partitions: number
  /** Default: the broker's. */
  readonly replicationFactor?: number
  readonly config?: Readonly<Record<string, string>>
}

/**
 * An idempotent producer with acks=all: one request per partition at a time, repeated with the same sequence numbers until
 * it is answered, so a lost reply writes nothing twice. Order within a partition is the order of the calls.
 */
export interface KafkaProducer {
  /** @throws KafkaError KAFKA_TOPIC_UNKNOWN, KAFKA_DENIED */
  partitions(topic: string): Promise<number>
  /** @throws KafkaError see `kafkaErrors`; what was written before the error stays written */
  send(topic: string, records: readonly ProducerRecord[]): Promise<ProduceReceipt[]>
  /**
   * Writes record batches that are encoded already (`encodeRecordBatch`), one request each; for loads that no object per
   * record can reach. Producer id, sequence and CRC are written into the given arrays.
   */
  produceBatches(topic: string, partition: number, batches: readonly Uint8Array[]): Promise<ProduceReceipt>
  /** Creates the topic unless it is there; answers whether it did. */
  createTopic(topic: string, settings: TopicSettings): Promise<boolean>
  /** Waits for what was sent, for `deliveryTimeoutMs` at most; `abandon` ends that at once. Safe to call twice. */
  close(options?: { readonly abandon?: boolean }): Promise<void>
}

interface Lane {
  turn: Promise<unknown>
  sequence: number
  /** Set when the sequence can no longer be trusted. */
  broken: KafkaError | undefined
}

interface Identity {
  readonly id: bigint
  readonly epoch: number
}

const sequenceLimit = 0x80000000
const metadataAgeMs = 60_000
/** What a record costs besides its bytes, at most about. */
const recordOverhead = 32

export function createKafkaProducer(options: KafkaProducerOptions): KafkaProducer {
  const { codec = 'lz4', level, maxBatchBytes = 900_000, deliveryTimeoutMs = 120_000, recordTime = 'given' } = options
  if (!(maxBatchBytes >= 1) || !(deliveryTimeoutMs > 0)) {
    throw new KafkaError('KAFKA_OPTIONS_INVALID', 'maxBatchBytes and deliveryTimeoutMs should be above 0')
  }
  const cluster = createCluster(options)
  const lanes = new Map<string, Lane>()
  const ending = new AbortController()
  let identity: Promise<Identity> | undefined
  let keyless = 0
  let closed = false

  async function topicOf(topic: string, maxAgeMs: number): Promise<ClusterTopic> {
    const found = (await cluster.state([topic], maxAgeMs)).topics.get(topic)
    const code = found?.errorCode ?? codes.UNKNOWN_TOPIC_OR_PARTITION
    if (found !== undefined && code === codes.NONE) return found
    // What was missing a while ago may be there by now.
    if (maxAgeMs > 0) return topicOf(topic, 0)
    if (isDenied(code)) throw new KafkaError('KAFKA_DENIED', `topic ${topic}: not authorised to describe it`)
    if (isPassing(code)) throw new KafkaError('KAFKA_UNAVAILABLE', `topic ${topic}: protocol error ${code}`)
    throw new KafkaError('KAFKA_TOPIC_UNKNOWN', `the cluster has no topic ${topic}`)
  }

  async function leaderOf(topic: string, partition: number, maxAgeMs: number): Promise<ClusterPartition> {
    const { partitions } = await topicOf(topic, maxAgeMs)
    const found = partitions[partition]
    if (found !== undefined && found.leader >= 0) return found
    // Partitions may have been added since, or leaders been elected.
    if (maxAgeMs > 0) return leaderOf(topic, partition, 0)
    if (found !== undefined) {
      const text = 'has no leader: the brokers that hold it are down, or the disks that it is on are full or broken'
      throw new KafkaError('KAFKA_UNAVAILABLE', `${topic}-${partition} ${text}`)
    }
    throw new KafkaError(
      'KAFKA_TOPIC_UNKNOWN',
      `topic ${topic} has ${partitions.length} partitions, none is ${partition}`,
    )
  }

  function identify(): Promise<Identity> {
    identity ??= (async () => {
      const reply = await (await cluster.anyLink()).call(initApis, null, 60_000)
      if (isDenied(reply.errorCode)) throw new KafkaError('KAFKA_DENIED', 'not authorised for idempotent writes')
      if (reply.errorCode !== codes.NONE) {
        throw new KafkaError('KAFKA_UNAVAILABLE', `no producer id: protocol error ${reply.errorCode}`)
      }
      return { id: reply.producerId, epoch: reply.producerEpoch }
    })()
    identity.catch(() => (identity = undefined))
    return identity
  }

  function laneOf(topic: string, partition: number): Lane {
    const key = `${topic}/${partition}`
    let lane = lanes.get(key)
    if (lane === undefined) lanes.set(key, (lane = { turn: Promise.resolve(), sequence: 0, broken: undefined }))
    return lane
  }

  /** One after the other per partition. */
  function inTurn<T>(lane: Lane, run: () => Promise<T>): Promise<T> {
    const result = lane.turn.then(() => {
      if (lane.broken !== undefined) throw lane.broken
      return run()
    })
    lane.turn = result.catch(() => undefined)
    return result
  }

  /** @returns the base offset */
  async function deliver(topic: string, partition: number, lane: Lane, batch: Uint8Array): Promise<number> {
    const count = offsetsIn(batch)
    const until = Date.now() + deliveryTimeoutMs
    let stamped = false
    // Whether an attempt may have reached the log. What a later attempt meets says nothing about an earlier one.
    let doubtful = false
    for (let attempt = 0; ; attempt++) {
      try {
        if (!stamped) {
          const { id, epoch } = await retrying(identify, until)
          stampBatch(batch, { producerId: id, producerEpoch: epoch, baseSequence: lane.sequence })
          stamped = true
        }
        // Only a first look may be old: after a refusal the leader is looked up anew.
        const { leader } = await leaderOf(topic, partition, attempt === 0 ? metadataAgeMs : 0)
        const link = await cluster.link(leader, 'produce')
        const sending = produceTo(link, topic, partition, batch, Math.min(30_000, deliveryTimeoutMs))
        const answer = await sending.catch((error: unknown) => {
          doubtful = true
          throw error
        })
        if (answer.errorCode === codes.NONE) {
          lane.sequence = (lane.sequence + count) % sequenceLimit
          return answer.baseOffset
        }
        if (mayBeWritten(answer.errorCode)) doubtful = true
        throw refusalOf(topic, partition, answer.errorCode, answer.message)
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error
        if (error.code === 'KAFKA_PRODUCER_BROKEN') {
          lane.broken = error
          throw error
        }
        const left = until - Date.now()
        const delay = Math.min(1000, 20 * 2 ** Math.min(attempt, 6)) * (0.5 + Math.random() / 2)
        const mendable = error.code === 'KAFKA_UNAVAILABLE'
        if (mendable && left > delay && (await waitFor(delay, ending.signal))) continue
        if (!doubtful) throw error
        const where = `${topic}-${partition}`
        const text = `${where}: ${count} records may be written or not; at last: ${error.message}`
        const unknown = new KafkaError('KAFKA_PRODUCE_UNKNOWN', text, { cause: error })
        const after = `${where}: an earlier batch has an unknown end`
        lane.broken = new KafkaError('KAFKA_PRODUCER_BROKEN', after, { cause: unknown })
        throw unknown
      }
    }
  }

  async function retrying<T>(run: () => Promise<T>, until: number): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await run()
      } catch (error) {
        const delay = Math.min(1000, 50 * 2 ** Math.min(attempt, 5))
        const mendable = error instanceof KafkaError && error.code === 'KAFKA_UNAVAILABLE'
        if (!mendable || Date.now() + delay >= until || !(await waitFor(delay, ending.signal))) throw error
      }
    }
  }

  function encode(given: readonly ProducerRecord[]): Uint8Array {
    const timestamp = Date.now()
    const records = recordTime === 'given' ? given : given.map((record) => ({ ...record, timestamp }))
    return encodeRecordBatch({ baseOffset: 0, records, codec, ...(level !== undefined && { level }) })
  }

  /** Halves what the broker finds too large: its limit is of the compressed batch, ours is not. */
  async function deliverRecords(
    topic: string,
    partition: number,
    lane: Lane,
    records: readonly ProducerRecord[],
  ): Promise<number> {
    try {
      return await deliver(topic, partition, lane, encode(records))
    } catch (error) {
      const tooLarge = error instanceof KafkaError && error.code === 'KAFKA_RECORD_TOO_LARGE'
      if (!tooLarge || records.length < 2) throw error
      const middle = records.length >> 1
      const base = await deliverRecords(topic, partition, lane, records.slice(0, middle))
      await deliverRecords(topic, partition, lane, records.slice(middle))
      return base
    }
  }

  async function writeAll(
    topic: string,
    partition: number,
    records: readonly ProducerRecord[],
  ): Promise<ProduceReceipt> {
    const lane = laneOf(topic, partition)
    return inTurn(lane, async () => {
      let first = -1
      let end = 0
      for (const part of partsOf(records, maxBatchBytes)) {
        const base = await deliverRecords(topic, partition, lane, part)
        if (first < 0) first = base
        end = base + part.length
      }
      return { partition, baseOffset: first, end }
    })
  }

  function assertOpen(): void {
    if (closed) throw new KafkaError('KAFKA_CLOSED', 'the producer is closed')
  }

  return {
    async partitions(topic) {
      assertOpen()
      return (await topicOf(topic, metadataAgeMs)).partitions.length
    },
    async send(topic, records) {
      assertOpen()
      if (records.length === 0) return []
      const needsCount = records.some(({ partition }) => partition === undefined)
      const count = needsCount ? (await topicOf(topic, metadataAgeMs)).partitions.length : 0
      keyless += 1
      const groups = new Map<number, ProducerRecord[]>()
      for (const record of records) {
        const partition =
          record.partition ?? (record.key === null ? keyless % count : partitionOfKey(record.key, count))
        const group = groups.get(partition)
        if (group === undefined) groups.set(partition, [record])
        else group.push(record)
      }
      const ends = await Promise.allSettled([...groups].map(([partition, group]) => writeAll(topic, partition, group)))
      return ends.map((end) => {
        if (end.status === 'rejected') throw end.reason
        return end.value
      })
    },
    async produceBatches(topic, partition, batches) {
      assertOpen()
      const lane = laneOf(topic, partition)
      return inTurn(lane, async () => {
        let first = -1
        let end = -1
        for (const batch of batches) {
          const base = await deliver(topic, partition, lane, batch)
          if (first < 0) first = base
          end = base + offsetsIn(batch)
        }
        return { partition, baseOffset: first, end }
      })
    },
    async createTopic(topic, { partitions, replicationFactor = -1, config = {} }) {
      assertOpen()
      const configs = Object.entries(config).map(([name, value]) => ({ name, value }))
      const wanted: NewTopic = { name: topic, numPartitions: partitions, replicationFactor, assignments: [], configs }
      const reply = await (await cluster.anyLink()).call(createApis, [wanted], 30_000, false)
      const answer = reply.topics[0]
      const code = answer?.errorCode ?? -1
      if (code === codes.TOPIC_ALREADY_EXISTS) return false
      if (isDenied(code)) throw new KafkaError('KAFKA_DENIED', `topic ${topic}: not authorised to create it`)
      if (code !== codes.NONE) {
        throw new KafkaError(
          'KAFKA_UNAVAILABLE',
          `topic ${topic}: not created: protocol error ${code} ${answer?.errorMessage ?? ''}`,
        )
      }
      // The broker asked may not know it yet.
      await retrying(async () => {
        const known = await topicOf(topic, 0).catch((error: unknown) => {
          throw new KafkaError('KAFKA_UNAVAILABLE', `topic ${topic} is not there yet`, { cause: error })
        })
        if (known.partitions.length < partitions || known.partitions.some(({ leader }) => leader < 0)) {
          throw new KafkaError('KAFKA_UNAVAILABLE', `topic ${topic} has no leaders yet`)
        }
      }, Date.now() + 30_000)
      return true
    },
    async close({ abandon = false } = {}) {
      closed = true
      if (abandon) {
        ending.abort()
        await cluster.close()
      }
      await Promise.allSettled([...lanes.values()].map(({ turn }) => turn))
      ending.abort()
      await cluster.close()
    },
  }
}

function* partsOf(records: readonly ProducerRecord[], maxBytes: number): Generator<readonly ProducerRecord[]> {
  let start = 0
  let bytes = 0
  for (let i = 0; i < records.length; i++) {
    const { key, value, headers } = records[i]!
    let size = (key?.length ?? 0) + (value?.length ?? 0) + recordOverhead
    for (const [name, body] of headers ?? []) size += name.length + (body?.length ?? 0) + 8
    if (i > start && bytes + size > maxBytes) {
      yield records.slice(start, i)
      start = i
      bytes = 0
    }
    bytes += size
  }
  if (start < records.length) yield records.slice(start)
}
