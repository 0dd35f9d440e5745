import type { ErrorRow } from '@sluice/ingest-core'

/** Codes of connections, the producer and the relay. Sources speak the codes of every source (`sourceErrors`). */
export const kafkaErrors = {
  /** An option is missing or contradicts another. */
  KAFKA_OPTIONS_INVALID: { outcome: 'none', retry: 'never' },
  /** No broker answers, or the one that should does not, or it cannot take anything now: no leader, a full disk, too few replicas. */
  KAFKA_UNAVAILABLE: { outcome: 'none', retry: 'later' },
  /** The broker refuses the credentials (SASL). */
  KAFKA_AUTH_FAILED: { outcome: 'none', retry: 'later' },
  /** No trusted connection: wrong CA, wrong host name, no client certificate, or no TLS at all. Never falls back to plain (fault 38). */
  KAFKA_TLS_FAILED: { outcome: 'none', retry: 'later' },
  /** Known, but not allowed to do this. */
  KAFKA_DENIED: { outcome: 'not-written', retry: 'later' },
  /** The broker lacks an API or a version that is needed. */
  KAFKA_UNSUPPORTED: { outcome: 'none', retry: 'never' },
  /** The topic or partition written to is not there. */
  KAFKA_TOPIC_UNKNOWN: { outcome: 'not-written', retry: 'later' },
  /** One record or batch is larger than the broker takes. */
  KAFKA_RECORD_TOO_LARGE: { outcome: 'not-written', retry: 'never' },
  /** The broker refuses the batch for another reason than load or size. */
  KAFKA_PRODUCE_REJECTED: { outcome: 'not-written', retry: 'never' },
  /** Not acknowledged within the delivery time, or refused after an attempt without an answer: the records may be in the log or not. */
  KAFKA_PRODUCE_UNKNOWN: { outcome: 'unknown', retry: 'later' },
  /** The sequence of the idempotent producer is broken: make a new producer after looking at what is there. */
  KAFKA_PRODUCER_BROKEN: { outcome: 'unknown', retry: 'never' },
  /** A dead letter could be relayed neither whole nor as a claim check. */
  RELAY_LETTER_TOO_LARGE: { outcome: 'not-written', retry: 'never' },
  KAFKA_CLOSED: { outcome: 'none', retry: 'never' },
} as const satisfies Record<string, ErrorRow>

export type KafkaErrorCode = keyof typeof kafkaErrors

/** An error of a Kafka connection or producer. Never holds record contents, tokens or passwords. */
export class KafkaError extends Error {
  readonly code: KafkaErrorCode

  constructor(code: KafkaErrorCode, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'KafkaError'
    this.code = code
  }
}
