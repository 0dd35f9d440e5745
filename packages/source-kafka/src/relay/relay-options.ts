import type { DeadLetterFeed, ObjectStore } from '@sluice/ingest-core'
import type { KafkaProducerOptions } from '../producer/producer.ts'

export interface RelayOptions extends KafkaProducerOptions {
  /** How long one try may take before the alarm is raised, ms. Default 30,000. */
  readonly deliveryTimeoutMs?: number
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
  /** Called when letters cannot be handed on (with the error, once per code) and when all can again (null) (fault 36). */
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
