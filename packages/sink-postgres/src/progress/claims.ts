import { SinkError } from '@sluice/ingest-core'
import type { PartitionId } from '@sluice/ingest-core'
import type { SqlSession } from '../session/session.ts'
import type { Bookkeeping } from './bookkeeping.ts'
import type { Holder } from './progress-row.ts'

/**
 * One writer per table: sink, owner and topic are fixed by the first (RELIABILITY fault 22).
 * @throws SinkError OWNER_MISMATCH
 */
export async function claimTable(
  session: SqlSession,
  tables: Bookkeeping,
  target: string,
  claim: Omit<Holder, 'writer'> & { readonly topic: string },
): Promise<void> {
  await session.query(
    `INSERT INTO ${tables.tables} (table_name, sink_id, owner, topic) VALUES ($1, $2, $3, $4) ON CONFLICT (table_name) DO NOTHING`,
    [target, claim.sinkId, claim.owner, claim.topic],
  )
  const found = await session.query(`SELECT sink_id, owner, topic FROM ${tables.tables} WHERE table_name = $1`, [
    target,
  ])
  const row = found.rows[0]!
  if (row['sink_id'] === claim.sinkId && row['owner'] === claim.owner && row['topic'] === claim.topic) return
  throw new SinkError(
    'OWNER_MISMATCH',
    `table ${target} is written by sink ${String(row['sink_id'])} of ${String(row['owner'])} for topic ${String(row['topic'])}; ` +
      `this is sink ${claim.sinkId} of ${claim.owner} for topic ${claim.topic}`,
    { evidence: { table: target, found: row, expected: claim } },
  )
}

/**
 * The topic behind a name must stay the one the sink has followed: low offsets of a new one would look like done
 * (faults 27, 28).
 * @throws SinkError TOPIC_CHANGED, CLUSTER_CHANGED; see `acceptPostgresTopic`
 */
export async function checkTopic(
  session: SqlSession,
  tables: Bookkeeping,
  sinkId: string,
  partition: PartitionId,
): Promise<void> {
  const { topic, clusterId, topicId } = partition
  await session.query(
    `INSERT INTO ${tables.topics} (sink_id, topic, generation, cluster_id, topic_id) SELECT $1, $2, 0, $3, $4 ` +
      `WHERE NOT EXISTS (SELECT FROM ${tables.topics} WHERE sink_id = $1 AND topic = $2) ON CONFLICT DO NOTHING`,
    [sinkId, topic, clusterId, topicId],
  )
  const found = await session.query(
    `SELECT cluster_id, topic_id FROM ${tables.topics} WHERE sink_id = $1 AND topic = $2 ORDER BY generation DESC LIMIT 1`,
    [sinkId, topic],
  )
  const row = found.rows[0]!
  if (row['cluster_id'] === clusterId && row['topic_id'] === topicId) return
  const cluster = row['cluster_id'] !== clusterId
  throw new SinkError(
    cluster ? 'CLUSTER_CHANGED' : 'TOPIC_CHANGED',
    `topic ${topic}: the sink follows ${cluster ? `cluster ${String(row['cluster_id'])}` : `topic id ${String(row['topic_id'])}`}, ` +
      `now it is ${cluster ? clusterId : topicId}; what the former one still held is not known. ` +
      'Accept the new topic by an explicit decision, or stop here',
    { evidence: { found: row, expected: { clusterId, topicId } } },
  )
}

/** Records that from now on the sink follows another topic under the name. */
export async function recordTopic(
  session: SqlSession,
  tables: Bookkeeping,
  sinkId: string,
  partition: Omit<PartitionId, 'partition'>,
): Promise<void> {
  await session.query(
    `INSERT INTO ${tables.topics} (sink_id, topic, generation, cluster_id, topic_id) ` +
      `SELECT $1, $2, coalesce(max(generation), -1) + 1, $3, $4 FROM ${tables.topics} WHERE sink_id = $1 AND topic = $2`,
    [sinkId, partition.topic, partition.clusterId, partition.topicId],
  )
}
