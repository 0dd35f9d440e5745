import type { LakeAudit } from '@sluice/ingest-core'
import type { Bookkeeping } from '../progress/bookkeeping.ts'
import type { SqlSession } from '../session/session.ts'

/** Conservation of a sink: what its progress rows count, what its dead letters say, and whether that adds up. */
export async function auditSink(session: SqlSession, tables: Bookkeeping, sinkId: string): Promise<LakeAudit> {
  const progress = await session.query(
    `SELECT topic, sum(consumed)::text AS consumed, sum(stored)::text AS stored, sum(duplicate)::text AS duplicate, ` +
      `sum(filtered)::text AS filtered, sum(dead_lettered)::text AS dead FROM ${tables.progress} WHERE sink_id = $1 GROUP BY topic ORDER BY topic`,
    [sinkId],
  )
  const letters = await session.query(
    `SELECT topic, state, count(*)::text AS n FROM ${tables.deadLetters} WHERE sink_id = $1 GROUP BY topic, state`,
    [sinkId],
  )
  const count = (topic: unknown, state: string): number =>
    Number(letters.rows.find((row) => row['topic'] === topic && row['state'] === state)?.['n'] ?? 0)
  const topics = Object.fromEntries(
    progress.rows.map((row) => {
      const { topic } = row
      const sums = {
        consumed: Number(row['consumed']),
        stored: Number(row['stored']),
        late: 0,
        filtered: Number(row['filtered']) + Number(row['duplicate']),
        deadLettered: Number(row['dead']),
      }
      const states = {
        open: count(topic, 'open'),
        landed: count(topic, 'landed'),
        discarded: count(topic, 'discarded'),
      }
      const conserved =
        sums.consumed === sums.stored + sums.filtered + sums.deadLettered &&
        sums.deadLettered === states.open + states.landed + states.discarded
      return [String(topic), { ...sums, ...states, conserved }] as const
    }),
  )
  return {
    topics,
    damaged: [],
    unfinished: false,
    conserved: Object.values(topics).every(({ conserved }) => conserved),
  }
}
