import { SourceError } from '@sluice/ingest-core'
import type { PartitionId, SourceErrorCode } from '@sluice/ingest-core'
import { kafkaErrors, KafkaError } from '../errors.ts'

/** The errors of one source, in the codes that every source has. */
export interface Refusals {
  outOfRange(partition: PartitionId, start: number, end: number, why: string): SourceError
  replaced(partition: PartitionId, why: string): SourceError
  corrupt(partition: PartitionId, offset: number, why: string): SourceError
  unavailable(why: string, cause?: unknown, partition?: PartitionId): SourceError
  denied(why: string, cause?: unknown, partition?: PartitionId): SourceError
  /** Wraps what the connection threw. */
  from(error: unknown): unknown
}

export function nameOf({ topic, partition }: PartitionId): string {
  return `${topic}-${partition}`
}

export function createRefusals(source: string): Refusals {
  const make = (code: SourceErrorCode, message: string, partition?: PartitionId, cause?: unknown): SourceError =>
    new SourceError(code, message, {
      source,
      ...(partition !== undefined && { partition }),
      ...(cause !== undefined && { cause }),
    })
  return {
    outOfRange: (partition, start, end, why) =>
      new SourceError(
        'OFFSET_OUT_OF_RANGE',
        `${nameOf(partition)}: offsets ${start} to ${end - 1} are not in the log: ${why}; going on without them is for an operator to decide`,
        { source, partition, missing: { start, end } },
      ),
    replaced: (partition, why) =>
      make('SOURCE_REPLACED', `${nameOf(partition)} (topic id ${partition.topicId}): ${why}`, partition),
    corrupt: (partition, offset, why) =>
      make('SOURCE_CORRUPT', `${nameOf(partition)}: at offset ${offset}: ${why}`, partition),
    unavailable: (why, cause, partition) => make('SOURCE_UNAVAILABLE', why, partition, cause),
    denied: (why, cause, partition) => make('SOURCE_DENIED', why, partition, cause),
    from(error) {
      if (!(error instanceof KafkaError)) return error
      const { code, message } = error
      if (code === 'KAFKA_CLOSED') return make('SOURCE_CLOSED', message, undefined, error)
      const denied = code === 'KAFKA_AUTH_FAILED' || code === 'KAFKA_TLS_FAILED' || code === 'KAFKA_DENIED'
      if (denied) return make('SOURCE_DENIED', message, undefined, error)
      return kafkaErrors[code].retry === 'later' ? make('SOURCE_UNAVAILABLE', message, undefined, error) : error
    },
  }
}
