import { codes, isDenied, isPassing } from '../connection/codes.ts'
import { KafkaError } from '../errors.ts'

/**
 * Answers after which the batch may be in the log all the same: -1 the broker failed at something unforeseen, 7 replicas did not
 * confirm in time, 20 replicas were lost after the leader had it, 56 its disk failed, which may be at the end of the write.
 */
const unsure = new Set([-1, 7, 20, 56])

export function mayBeWritten(code: number): boolean {
  return unsure.has(code)
}

export function refusalOf(topic: string, partition: number, code: number, message: string): KafkaError {
  const where = `${topic}-${partition}`
  const detail = message === '' ? `protocol error ${code}` : `protocol error ${code}: ${message.slice(0, 200)}`
  if (code === 56)
    return new KafkaError('KAFKA_UNAVAILABLE', `${where}: its disk at the broker is full or broken: ${detail}`)
  if (code === 19 || code === 20) {
    return new KafkaError('KAFKA_UNAVAILABLE', `${where}: too few replicas in sync (min.insync.replicas): ${detail}`)
  }
  if (isPassing(code)) return new KafkaError('KAFKA_UNAVAILABLE', `${where}: ${detail}`)
  if (isDenied(code)) return new KafkaError('KAFKA_DENIED', `${where}: not authorised to write`)
  switch (code) {
    case codes.UNKNOWN_TOPIC_OR_PARTITION:
      // The metadata has it, its leader does not: not yet, or no longer. The look before the next try says which.
      return new KafkaError('KAFKA_UNAVAILABLE', `${where}: its leader does not know it`)
    case codes.MESSAGE_TOO_LARGE:
    case codes.RECORD_LIST_TOO_LARGE:
      return new KafkaError('KAFKA_RECORD_TOO_LARGE', `${where}: larger than the topic takes (max.message.bytes)`)
    case codes.OUT_OF_ORDER_SEQUENCE_NUMBER:
    case codes.DUPLICATE_SEQUENCE_NUMBER:
    case codes.INVALID_PRODUCER_EPOCH:
    case codes.PRODUCER_FENCED:
    case codes.UNKNOWN_PRODUCER_ID:
      return new KafkaError('KAFKA_PRODUCER_BROKEN', `${where}: ${detail}`)
    default:
      return new KafkaError('KAFKA_PRODUCE_REJECTED', `${where}: ${detail}`)
  }
}
