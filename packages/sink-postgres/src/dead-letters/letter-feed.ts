import type { DeadLetterFeed, DecidedLetters, PartitionId } from '@sluice/ingest-core'
import { bookkeepingOf } from '../progress/bookkeeping.ts'
import type { SqlConnector, SqlResult } from '../session/session.ts'
import { postgresSinkDefaults } from '../sink-options.ts'
import { letterColumns, statusOf } from './letter-rows.ts'

export interface PostgresLetterFeedOptions {
  readonly connection: SqlConnector
  /** As given to `createPostgresSink`. */
  readonly sinkId: string
  /** Schema of the bookkeeping tables. Default `public`. */
  readonly schema?: string
  /** Name of the consumer: each has marks of its own. */
  readonly consumer: string
}

/** Flushes read at a time. */
const pageSize = 100

/**
 * Decided dead letters for one consumer that hands them on, such as the relay to a Kafka topic: at least once, until
 * acknowledged. They were decided with the rows; nothing here can change that.
 */
export function createPostgresLetterFeed(options: PostgresLetterFeedOptions): DeadLetterFeed {
  const { connection, sinkId, consumer, schema = postgresSinkDefaults.schema } = options
  const { deadLetters, marks } = bookkeepingOf(schema)

  async function ask(signal: AbortSignal, sql: string, params: (string | number)[]): Promise<SqlResult> {
    const session = await connection.session(signal)
    let done = false
    try {
      const result = await session.query(sql, params)
      done = true
      return result
    } finally {
      session.release(!done)
    }
  }

  async function lettersOf(
    partition: Omit<PartitionId, 'topic'>,
    start: number,
    signal: AbortSignal,
  ): Promise<DecidedLetters | undefined> {
    const { clusterId, topicId } = partition
    const { rows } = await ask(
      signal,
      `SELECT ${letterColumns} FROM ${deadLetters} WHERE sink_id = $1 AND cluster_id = $2 AND topic_id = $3 ` +
        `AND partition = $4 AND flush_start = $5 ORDER BY ${deadLetters}."offset"`,
      [sinkId, clusterId, topicId, partition.partition, start],
    )
    const letters = rows.map((row) => statusOf(row).letter)
    if (letters.length === 0) return undefined
    return { id: idOf(clusterId, topicId, partition.partition, start), partition: letters[0]!.partition, letters }
  }

  return {
    decidedBy: (receipt, signal) =>
      receipt.counts.deadLettered === 0
        ? Promise.resolve(undefined)
        : lettersOf(receipt.partition, receipt.start, signal),

    async *pending(signal) {
      for (let after = ''; ;) {
        const { rows } = await ask(
          signal,
          `SELECT * FROM (SELECT DISTINCT cluster_id, topic_id, partition, flush_start::text AS start, ` +
            `concat_ws('/', cluster_id, topic_id, partition, lpad(flush_start::text, 20, '0')) AS id FROM ${deadLetters} WHERE sink_id = $1) f ` +
            `WHERE id COLLATE "C" > $3 AND NOT EXISTS (SELECT FROM ${marks} m WHERE m.sink_id = $1 AND m.consumer = $2 AND m.flush = f.id) ` +
            `ORDER BY id COLLATE "C" LIMIT ${pageSize}`,
          [sinkId, consumer, after],
        )
        for (const row of rows) {
          const partition = {
            clusterId: String(row['cluster_id']),
            topicId: String(row['topic_id']),
            partition: Number(row['partition']),
          }
          const decided = await lettersOf(partition, Number(row['start']), signal)
          if (decided !== undefined) yield decided
          after = String(row['id'])
        }
        if (rows.length < pageSize) return
      }
    },

    async acknowledge(decided, signal) {
      await ask(signal, `INSERT INTO ${marks} (sink_id, consumer, flush) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, [
        sinkId,
        consumer,
        decided.id,
      ])
    },
  }
}

function idOf(clusterId: string, topicId: string, partition: number, start: number): string {
  return [clusterId, topicId, partition, String(start).padStart(20, '0')].join('/')
}
