import { createMemoryLedger, produce, type OutRecord } from '@sluice/generators'
import type { RegisterSchema } from '@sluice/generators'
import { createKafkaOutput, createKafkaProducer } from '@sluice/source-kafka'
import { feed } from './lake-contract.ts'
import { sha256Of } from './lake-view.ts'
import { partitions, type RunPlan } from './schedule.ts'
import { truthOf, type TruthRecord } from './truth.ts'

/** Shares of records: what the pipeline can be given, a few of each. */
const faults = {
  bad: 0.03,
  tombstone: 0.01,
  foreign_schema_id: 0.003,
  old_version: 0.05,
  duplicate: 0.02,
  late: 0.02,
  too_late: 0.02,
  out_of_order: 0.02,
}

export async function createTopic(topic: string, brokers: readonly string[]): Promise<void> {
  const producer = createKafkaProducer({ brokers })
  try {
    await producer.createTopic(topic, { partitions })
  } finally {
    await producer.close()
  }
}

/**
 * Produces to the topic of a run at the plan's rate until told that it is enough, past the proxies: outages of the broker itself delay it, and
 * nothing is lost or doubled for them, as the producer is idempotent. @returns what must become of each record
 */
export async function produceRecords(
  plan: RunPlan,
  to: {
    readonly topic: string
    readonly brokers: readonly string[]
    readonly registry: RegisterSchema
    /** Ends it before `maxRecords`; what was produced by then is known. */
    readonly enough: AbortSignal
  },
): Promise<TruthRecord[]> {
  const output = createKafkaOutput({
    brokers: to.brokers,
    connectTimeoutMs: 2000,
    requestTimeoutMs: 4000,
    deliveryTimeoutMs: 90_000,
  })
  const digests = new Map<string, string | undefined>()
  const ledger = createMemoryLedger()
  try {
    await produce({
      feeds: [feed],
      seed: `chaos ${plan.seed}`,
      count: plan.maxRecords,
      signal: to.enough,
      rate: plan.recordsPerSecond,
      batchRecords: 100,
      partitions,
      faults,
      registry: to.registry,
      ledger,
      outputs: [
        {
          async write(_feed: string, records: readonly OutRecord[]) {
            const receipts = await output.write(to.topic, records)
            const next = new Map(receipts.map(({ partition, baseOffset }) => [partition, baseOffset]))
            for (const { partition, value } of records) {
              const offset = next.get(partition)!
              next.set(partition, offset + 1)
              digests.set(`${partition}@${offset}`, value === null ? undefined : sha256Of(value))
            }
            return receipts
          },
          close: () => Promise.resolve(),
        },
      ],
    })
  } finally {
    await output.close()
  }
  return truthOf(ledger.entries, digests)
}
