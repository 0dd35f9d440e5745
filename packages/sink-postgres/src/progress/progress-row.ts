import { SinkError } from '@sluice/ingest-core'
import type { Counts, PartitionId } from '@sluice/ingest-core'
import type { SqlSession } from '../session/session.ts'
import type { Bookkeeping } from './bookkeeping.ts'

/** Who has the partition: the epoch fences, the writer tells two processes apart that a restored backup gave one epoch. */
export interface Holder {
  readonly sinkId: string
  readonly owner: string
  readonly writer: string
}

export interface Acquired {
  readonly next: number
  readonly epoch: string
}

/**
 * Takes a partition over: the epoch rises, and whoever had it before is refused at its next commit (the fence of 4b).
 * `first` is where a partition begins that has no row yet.
 * @returns undefined when there is no row and no `first`
 */
export async function acquire(
  session: SqlSession,
  tables: Bookkeeping,
  holder: Holder,
  partition: PartitionId,
  first: number | undefined,
): Promise<Acquired | undefined> {
  const identity = [holder.sinkId, partition.clusterId, partition.topicId, partition.partition]
  if (first === undefined) {
    const taken = await session.query(
      `UPDATE ${tables.progress} SET epoch = epoch + 1, owner = $5, writer = $6, topic = $7, updated_at = now() ` +
        `WHERE sink_id = $1 AND cluster_id = $2 AND topic_id = $3 AND partition = $4 ` +
        `RETURNING next_offset::text AS next, epoch::text AS epoch`,
      [...identity, holder.owner, holder.writer, partition.topic],
    )
    return acquiredOf(taken.rows[0])
  }
  const made = await session.query(
    `INSERT INTO ${tables.progress} AS p (sink_id, cluster_id, topic_id, partition, owner, writer, topic, first_offset, next_offset, epoch) ` +
      `VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, 1) ON CONFLICT (sink_id, cluster_id, topic_id, partition) DO UPDATE ` +
      `SET epoch = p.epoch + 1, owner = excluded.owner, writer = excluded.writer, updated_at = now() ` +
      `RETURNING next_offset::text AS next, epoch::text AS epoch`,
    [...identity, holder.owner, holder.writer, partition.topic, first],
  )
  return acquiredOf(made.rows[0])
}

function acquiredOf(row: Readonly<Record<string, unknown>> | undefined): Acquired | undefined {
  return row === undefined ? undefined : { next: Number(row['next']), epoch: String(row['epoch']) }
}

/** `mine`: the range is next. `applied`: it is in already, by us: the reply to COMMIT was lost. */
export type Standing = 'mine' | 'applied'

/**
 * Locks the row and judges it (4b step 4). Waits for a transaction of ours whose COMMIT is still on its way.
 * @throws SinkError FENCED, PROGRESS_REWOUND, PROGRESS_BROKEN
 */
export async function lockProgress(
  session: SqlSession,
  tables: Bookkeeping,
  holder: Holder,
  partition: PartitionId,
  range: { readonly start: number; readonly end: number; readonly epoch: string },
): Promise<Standing> {
  const where = `${partition.topic}[${partition.partition}]`
  const found = await session.query(
    `SELECT next_offset::text AS next, epoch::text AS epoch, writer FROM ${tables.progress} ` +
      `WHERE sink_id = $1 AND cluster_id = $2 AND topic_id = $3 AND partition = $4 FOR UPDATE`,
    [holder.sinkId, partition.clusterId, partition.topicId, partition.partition],
  )
  const row = found.rows[0]
  if (row === undefined) {
    throw new SinkError(
      'PROGRESS_REWOUND',
      `${where}: the progress row is gone, so the database is not the one this range was read for; it is opened again`,
    )
  }
  const next = Number(row['next'])
  const evidence = { start: range.start, end: range.end, next, epoch: String(row['epoch']), mine: range.epoch }
  // A restored backup can have a lower epoch than ours: then nobody took over, time went back.
  if (BigInt(String(row['epoch'])) < BigInt(range.epoch)) {
    throw new SinkError(
      'PROGRESS_REWOUND',
      `${where}: the database went back to epoch ${evidence.epoch} and offset ${next} (a failover that lost commits); data went ` +
        'back with it, so reading again from there restores both',
      { evidence },
    )
  }
  if (row['epoch'] !== range.epoch || row['writer'] !== holder.writer) {
    throw new SinkError('FENCED', `${where}: another writer has epoch ${evidence.epoch}; ours is ${range.epoch}`, {
      evidence,
    })
  }
  if (next === range.start) return 'mine'
  if (next === range.end) return 'applied'
  if (next < range.start) {
    throw new SinkError(
      'PROGRESS_REWOUND',
      `${where}: progress went back from ${range.start} to ${next} (a failover that lost commits); data went back with it, so ` +
        'reading again from there restores both',
      { evidence },
    )
  }
  throw new SinkError(
    'PROGRESS_BROKEN',
    `${where}: progress is ${next}, which is neither ${range.start} nor ${range.end}`,
    {
      evidence,
    },
  )
}

/** The last statement before COMMIT: progress and counts move with the rows. */
export async function advance(
  session: SqlSession,
  tables: Bookkeeping,
  holder: Holder,
  partition: PartitionId,
  end: number,
  counts: Counts,
): Promise<void> {
  await session.query(
    `UPDATE ${tables.progress} SET next_offset = $5, consumed = consumed + $6, stored = stored + $7, duplicate = duplicate + $8, ` +
      `filtered = filtered + $9, dead_lettered = dead_lettered + $10, updated_at = now() ` +
      `WHERE sink_id = $1 AND cluster_id = $2 AND topic_id = $3 AND partition = $4`,
    [
      holder.sinkId,
      partition.clusterId,
      partition.topicId,
      partition.partition,
      end,
      counts.consumed,
      counts.stored + counts.late,
      counts.duplicate,
      counts.filtered,
      counts.deadLettered,
    ],
  )
}
