import { Writer } from '@platformatic/kafka'
import type { Reader } from '@platformatic/kafka'
import type { Link } from '../connection/link.ts'

/*
 * Produce (API key 0) with a record batch that is already encoded. In brackets the versions that have a field; from 9 on
 * everything is flexible. Exactly one batch per partition and request.
 *
 *   request   transactional_id nullable string | acks int16 | timeout_ms int32
 *             topic_data { name string, partition_data { index int32, records bytes } }
 *   response  responses { name string, partition_responses { index int32, error_code int16, base_offset int64,
 *             log_append_time_ms int64, log_start_offset int64 [5], record_errors { batch_index int32, message } [8],
 *             error_message nullable string [8] } } | throttle_time_ms int32
 */
const produceKey = 0
const versions = [11, 10, 9, 8, 7, 6, 5, 3].map((version) => ({ key: produceKey, version }))
const flexibleFrom = 9
const allReplicas = -1

export interface ProduceAnswer {
  readonly errorCode: number
  readonly baseOffset: number
  readonly message: string
}

/** Writes one batch to one partition and waits for all in-sync replicas. @throws KafkaError */
export async function produceTo(
  link: Link,
  topic: string,
  partition: number,
  batch: Uint8Array,
  timeoutMs: number,
): Promise<ProduceAnswer> {
  const version = link.newest(versions)?.version ?? 3
  const flexible = version >= flexibleFrom
  return link.send<ProduceAnswer>((connection, done) =>
    connection.send(
      produceKey,
      version,
      () => encodeProduce(topic, partition, batch, timeoutMs, flexible),
      (_id, _key, _version, reader) => parseProduce(reader, version),
      flexible,
      flexible,
      done,
    ),
  )
}

function encodeProduce(
  topic: string,
  partition: number,
  batch: Uint8Array,
  timeoutMs: number,
  flexible: boolean,
): Writer {
  const writer = Writer.create().appendString(null, flexible).appendInt16(allReplicas).appendInt32(timeoutMs)
  writer.appendArray(
    [topic],
    (w, name) => {
      w.appendString(name, flexible).appendArray(
        [partition],
        (inner, index) => {
          inner.appendInt32(index)
          if (flexible) inner.appendUnsignedVarInt(batch.length + 1)
          else inner.appendInt32(batch.length)
          inner.append(Buffer.from(batch.buffer, batch.byteOffset, batch.length))
        },
        flexible,
        flexible,
      )
    },
    flexible,
    flexible,
  )
  if (flexible) writer.appendTaggedFields()
  return writer
}

export function parseProduce(reader: Reader, version: number): ProduceAnswer {
  const flexible = version >= flexibleFrom
  let answer: ProduceAnswer = { errorCode: -1, baseOffset: -1, message: 'the reply names no partition' }
  reader.readArray(
    (r) => {
      r.readString(flexible)
      r.readArray(
        (each) => {
          each.readInt32()
          const errorCode = each.readInt16()
          const baseOffset = Number(each.readInt64())
          each.readInt64()
          if (version >= 5) each.readInt64()
          if (version >= 8) {
            each.readArray(
              (error) => {
                error.readInt32()
                error.readNullableString(flexible)
              },
              flexible,
              flexible,
            )
          }
          const message = version >= 8 ? (each.readNullableString(flexible) ?? '') : ''
          answer = { errorCode, baseOffset, message }
        },
        flexible,
        flexible,
      )
    },
    flexible,
    flexible,
  )
  return answer
}
