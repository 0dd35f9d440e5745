import { Writer } from '@platformatic/kafka'
import type { Reader } from '@platformatic/kafka'
import type { AbortedTransaction, SharedMemory } from '@sluice/ingest-core'
import type { Link } from '../connection/link.ts'

/*
 * Fetch (API key 1), Kafka protocol guide. Our own encoder and parser: records stay one range of bytes, and one of our
 * requests works for brokers from Kafka 0.11 on. In brackets the versions that have a field; from 12 on everything is
 * "flexible": compact lengths, tagged fields behind every structure.
 *
 *   request   replica_id int32 | max_wait_ms int32 | min_bytes int32 | max_bytes int32 | isolation_level int8
 *             session_id int32, session_epoch int32 [7]
 *             topics { topic string [-12] or topic_id uuid [13], partitions { partition int32, current_leader_epoch int32 [9],
 *             fetch_offset int64, last_fetched_epoch int32 [12], log_start_offset int64 [5], partition_max_bytes int32 } }
 *             forgotten_topics [7] | rack_id string [11]
 *   response  throttle_time_ms int32 | error_code int16, session_id int32 [7]
 *             responses { topic string [-12] or topic_id uuid [13], partitions { partition_index int32, error_code int16,
 *             high_watermark int64, last_stable_offset int64, log_start_offset int64 [5],
 *             aborted_transactions { producer_id int64, first_offset int64 }, preferred_read_replica int32 [11], records bytes,
 *             tags: 0 diverging_epoch { epoch int32, end_offset int64 } [12] } }
 */
const fetchKey = 1
const versions = [13, 12, 11, 10, 9, 8, 7, 6, 5, 4].map((version) => ({ key: fetchKey, version }))
const flexibleFrom = 12
const idsFrom = 13

export interface FetchPartition {
  readonly partition: number
  readonly leaderEpoch: number
  readonly offset: number
  /** Epoch of the last batch read, so that the leader can tell that its log was cut; -1 when unknown. */
  readonly lastEpoch: number
  readonly maxBytes: number
}

export interface FetchTopic {
  readonly name: string
  readonly id: string
  readonly partitions: readonly FetchPartition[]
}

export interface FetchRequest {
  readonly maxWaitMs: number
  readonly maxBytes: number
  readonly readCommitted: boolean
  readonly topics: readonly FetchTopic[]
}

export interface FetchedPartition {
  /** Name or id, as the version of the request has it. */
  readonly topic: string
  readonly partition: number
  readonly errorCode: number
  readonly highWatermark: number
  /** End of what readers of committed records get; behind the high watermark lies an open transaction. */
  readonly lastStable: number
  readonly logStart: number
  readonly aborted: readonly AbortedTransaction[]
  /** In memory of the caller's; the last batch may be cut off. */
  readonly records: Uint8Array<SharedArrayBuffer>
  /** Where the leader's log parts from what we read, when it does. */
  readonly diverging: { readonly epoch: number; readonly endOffset: number } | null
}

export interface FetchReply {
  readonly errorCode: number
  readonly byId: boolean
  readonly partitions: readonly FetchedPartition[]
}

/** Records arrive in `memory`. @throws KafkaError KAFKA_UNAVAILABLE, KAFKA_UNSUPPORTED */
export async function fetchFrom(link: Link, request: FetchRequest, memory: SharedMemory): Promise<FetchReply> {
  const version = link.newest(versions)?.version ?? 4
  const flexible = version >= flexibleFrom
  return link.send<FetchReply>((connection, done) =>
    connection.send(
      fetchKey,
      version,
      () => encodeFetch(request, version),
      (_id, _key, _version, reader) => parseFetch(reader, version, memory),
      flexible,
      flexible,
      done,
    ),
  )
}

export function encodeFetch(request: FetchRequest, version: number): Writer {
  const flexible = version >= flexibleFrom
  const writer = Writer.create()
    .appendInt32(-1)
    .appendInt32(request.maxWaitMs)
    .appendInt32(1)
    .appendInt32(request.maxBytes)
    .appendInt8(request.readCommitted ? 1 : 0)
  if (version >= 7) writer.appendInt32(0).appendInt32(-1)
  writer.appendArray(
    [...request.topics],
    (w, topic) => {
      if (version >= idsFrom) w.appendUUID(topic.id)
      else w.appendString(topic.name, flexible)
      w.appendArray(
        [...topic.partitions],
        (inner, { partition, leaderEpoch, offset, lastEpoch, maxBytes }) => {
          inner.appendInt32(partition)
          if (version >= 9) inner.appendInt32(leaderEpoch)
          inner.appendInt64(BigInt(offset))
          if (version >= 12) inner.appendInt32(lastEpoch)
          if (version >= 5) inner.appendInt64(-1n)
          inner.appendInt32(maxBytes)
        },
        flexible,
        flexible,
      )
    },
    flexible,
    flexible,
  )
  if (version >= 7) writer.appendArray([], () => undefined, flexible, flexible)
  if (version >= 11) writer.appendString('', flexible)
  if (flexible) writer.appendTaggedFields()
  return writer
}

export function parseFetch(reader: Reader, version: number, memory: SharedMemory): FetchReply {
  const flexible = version >= flexibleFrom
  reader.readInt32()
  const errorCode = version >= 7 ? reader.readInt16() : 0
  if (version >= 7) reader.readInt32()
  const partitions: FetchedPartition[] = []
  reader.readArray(
    (r) => {
      const topic = version >= idsFrom ? r.readUUID() : r.readString(flexible)
      r.readArray((each) => partitions.push(parsePartition(each, topic, version, memory)), flexible, false)
    },
    flexible,
    flexible,
  )
  return { errorCode, byId: version >= idsFrom, partitions }
}

function parsePartition(r: Reader, topic: string, version: number, memory: SharedMemory): FetchedPartition {
  const flexible = version >= flexibleFrom
  const partition = r.readInt32()
  const errorCode = r.readInt16()
  const highWatermark = Number(r.readInt64())
  const lastStable = Number(r.readInt64())
  const logStart = version >= 5 ? Number(r.readInt64()) : -1
  const aborted = r.readNullableArray(
    (each) => ({ producerId: Number(each.readInt64()), firstOffset: Number(each.readInt64()) }),
    flexible,
    flexible,
  )
  if (version >= 11) r.readInt32()
  const length = flexible ? r.readUnsignedVarInt() - 1 : r.readInt32()
  const records = moved(r, memory.take(Math.max(0, length)))
  const diverging = flexible ? readDiverging(r) : null
  return {
    topic,
    partition,
    errorCode,
    highWatermark,
    lastStable,
    logStart,
    aborted: aborted ?? [],
    records,
    diverging,
  }
}

/** The connection's buffers are pieces of the socket's reads; the records are copied once, to where workers read them. */
function moved(r: Reader, target: Uint8Array<SharedArrayBuffer>): Uint8Array<SharedArrayBuffer> {
  let at = 0
  for (const piece of r.buffer.subarray(r.position, r.position + target.length).buffers) {
    target.set(piece, at)
    at += piece.length
  }
  r.skip(target.length)
  return target
}

function readDiverging(r: Reader): FetchedPartition['diverging'] {
  let diverging: FetchedPartition['diverging'] = null
  for (let left = r.readUnsignedVarInt(); left > 0; left--) {
    const tag = r.readUnsignedVarInt()
    const size = r.readUnsignedVarInt()
    const end = r.position + size
    if (tag === 0) diverging = { epoch: r.readInt32(), endOffset: Number(r.readInt64()) }
    r.skip(end - r.position)
  }
  return diverging
}
