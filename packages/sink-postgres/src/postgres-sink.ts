import { createBackOff, partitionKey, SinkError, sleep } from '@sluice/ingest-core'
import type { CommitReceipt, PartitionId, Sink, SinkBatch, SinkUsage } from '@sluice/ingest-core'
import { createRowEncoder } from './encode/encode-rows.ts'
import type { RowEncoder } from './encode/encode-rows.ts'
import { addToBuffer, emptyBuffer, freeRows, refusedRows } from './flush/buffer.ts'
import type { FlushBuffer } from './flush/buffer.ts'
import { flushBuffer } from './flush/flush-buffer.ts'
import { freshHabits } from './flush/habits.ts'
import type { Habits } from './flush/habits.ts'
import { inTransaction } from './flush/transaction.ts'
import { prepareBookkeeping } from './progress/bookkeeping.ts'
import { checkTopic, claimTable } from './progress/claims.ts'
import { acquire } from './progress/progress-row.ts'
import type { Acquired } from './progress/progress-row.ts'
import { resolveSink } from './sink-options.ts'
import type { PostgresSinkOptions } from './sink-options.ts'
import { describeSqlError, failureKind, sqlstateOf } from './sql/sqlstate.ts'
import { prepareTable } from './table/prepare-table.ts'
import type { ReadyTable } from './table/prepare-table.ts'
import type { TablePlan } from './table/table-options.ts'

/** One opening of a partition. Nothing of it outlives `abandon`. */
interface Lane {
  readonly partition: PartitionId
  readonly plan: TablePlan
  readonly abort: AbortController
  /** Calls of one partition run one after the other. */
  turn: Promise<unknown>
  epoch: string
  buffer: FlushBuffer
}

/** A table shared by the partitions of its topic. */
interface SharedTable {
  ready: Promise<ReadyTable> | undefined
  encoder: { readonly table: ReadyTable; readonly rows: RowEncoder } | undefined
  readonly habits: Habits
}

/**
 * Rows, dead letters and offsets in one PostgreSQL transaction, each record exactly once (RELIABILITY 4b).
 *
 * `write` checks rows against the catalog and encodes them as binary COPY. `commit` locks the progress row, copies into a
 * temporary table, merges once, stores dead letters, moves progress, commits. What the server refuses for the sake of a row
 * costs that row.
 *
 * @throws TypeError for options that cannot work
 */
export function createPostgresSink(given: PostgresSinkOptions): Sink {
  const options = resolveSink(given)
  const { holder, bookkeeping, clock, hooks } = options
  const lanes = new Map<string, Lane>()
  const shared = new Map<TablePlan, SharedTable>()
  let closed = false

  function laneOf(partition: PartitionId): Lane {
    const lane = lanes.get(partitionKey(partition))
    if (lane !== undefined) return lane
    throw new SinkError('SINK_NOT_OPEN', `${nameOf(partition)} is not open${closed ? '; the sink is closed' : ''}`)
  }

  /** Runs `work` after what was asked of the partition before it. */
  function inTurn<T>(lane: Lane, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const result = lane.turn.then(() => {
      const both = AbortSignal.any([signal, lane.abort.signal])
      both.throwIfAborted()
      return work(both)
    })
    lane.turn = result.catch(() => undefined)
    return result
  }

  function sharedOf(plan: TablePlan): SharedTable {
    let table = shared.get(plan)
    if (table === undefined) shared.set(plan, (table = { ready: undefined, encoder: undefined, habits: freshHabits() }))
    return table
  }

  /** Waits out what waiting helps. Nothing is being written yet, so any try may be repeated. */
  async function patiently<T>(what: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const backOff = createBackOff({ ...options.retry, jitter: 0.5, random: Math.random })
    const deadline = clock.now() + options.retry.deadlineMs
    for (;;) {
      try {
        return await work()
      } catch (error) {
        signal.throwIfAborted()
        if (error instanceof SinkError || error instanceof TypeError || error instanceof RangeError) throw error
        const kind = failureKind(error)
        const evidence = { sqlstate: sqlstateOf(error) ?? null }
        if (kind !== 'pause' && kind !== 'retry') {
          throw new SinkError('SINK_REFUSED', `${what}: ${describeSqlError(error)}`, { evidence })
        }
        const delay = backOff.next()
        if (clock.now() + delay > deadline) {
          throw new SinkError('SINK_UNAVAILABLE', `${what}: ${describeSqlError(error)}; nothing is lost`, { evidence })
        }
        await sleep(clock, delay, signal)
        signal.throwIfAborted()
      }
    }
  }

  function tableOf(plan: TablePlan, signal: AbortSignal): Promise<ReadyTable> {
    const table = sharedOf(plan)
    if (table.ready === undefined) {
      const reading = patiently(`table ${plan.target}`, signal, () =>
        inTransaction(options, signal, async (session) => {
          await prepareBookkeeping(session, options.schema, options.ddl)
          return prepareTable(session, plan, options.ddl)
        }),
      )
      table.ready = reading
      reading.catch(() => {
        if (table.ready === reading) table.ready = undefined
      })
    }
    return table.ready
  }

  async function encoderOf(plan: TablePlan, signal: AbortSignal): Promise<RowEncoder> {
    const table = sharedOf(plan)
    const ready = await tableOf(plan, signal)
    if (table.encoder?.table !== ready) table.encoder = { table: ready, rows: createRowEncoder(ready) }
    return table.encoder.rows
  }

  async function takeOver(
    partition: PartitionId,
    plan: TablePlan,
    first: () => Promise<number>,
    signal: AbortSignal,
  ): Promise<Acquired> {
    await tableOf(plan, signal)
    const where = nameOf(partition)
    const attempt = (begin: number | undefined): Promise<Acquired | undefined> =>
      patiently(where, signal, () =>
        inTransaction(options, signal, async (session) => {
          await hooks.at('before_acquire', { partition: where, start: -1 })
          const claim = { sinkId: holder.sinkId, owner: holder.owner, topic: partition.topic }
          await claimTable(session, bookkeeping, plan.target, claim)
          await checkTopic(session, bookkeeping, holder.sinkId, partition)
          const acquired = await acquire(session, bookkeeping, holder, partition, begin)
          await hooks.at('after_acquire', { partition: where, start: acquired?.next ?? -1 })
          return acquired
        }),
      )
    return (await attempt(undefined)) ?? (await attempt(await first()))!
  }

  function usageOf({ buffer }: Lane): SinkUsage {
    const ask = buffer.rowCount >= options.flushRows || buffer.bytes >= options.flushBytes
    return {
      rows: buffer.rowCount,
      bufferedBytes: buffer.bytes,
      encodedBytes: buffer.bytes,
      openFiles: buffer.rowCount > 0 ? 1 : 0,
      ...(ask && { commitAdvised: true }),
    }
  }

  return {
    name: options.connection.name,

    async open(partition, first, signal) {
      const key = partitionKey(partition)
      if (closed) throw new SinkError('SINK_NOT_OPEN', `${nameOf(partition)}: the sink is closed`)
      if (lanes.has(key)) throw new SinkError('SINK_ALREADY_OPEN', `${nameOf(partition)} is open already`)
      const plan = options.tables.get(partition.topic)
      if (plan === undefined) {
        throw new SinkError('SINK_NO_TABLE', `no table for topic ${partition.topic}; add its contract to the sink`)
      }
      const lane: Lane = {
        partition,
        plan,
        abort: new AbortController(),
        turn: Promise.resolve(),
        epoch: '',
        buffer: emptyBuffer(0),
      }
      lanes.set(key, lane)
      try {
        return await inTurn(lane, signal, async (both) => {
          const { next, epoch } = await takeOver(partition, plan, first, both)
          lane.epoch = epoch
          lane.buffer = emptyBuffer(next)
          return { next }
        })
      } catch (error) {
        lanes.delete(key)
        throw error
      }
    },

    async write(batch, signal) {
      const lane = laneOf(batch.partition)
      return inTurn(lane, signal, async (both) => {
        checkBatch(batch, lane.buffer.end)
        const encoder = await encoderOf(lane.plan, both)
        const { rows, refused } = encoder.encode(batch.batch)
        addToBuffer(lane.buffer, batch, rows, refusedRows(batch, refused))
        return usageOf(lane)
      })
    },

    async commit(cut, signal): Promise<CommitReceipt | undefined> {
      const lane = laneOf(cut.partition)
      return inTurn(lane, signal, async (both) => {
        const { buffer, plan } = lane
        if (buffer.end === buffer.start) return undefined
        const context = {
          sink: options,
          partition: lane.partition,
          epoch: lane.epoch,
          table: () => tableOf(plan, both),
          reload: async () => {
            sharedOf(plan).ready = undefined
            await tableOf(plan, both)
          },
          habits: sharedOf(plan).habits,
        }
        const { counts, changed } = await flushBuffer(context, buffer, both)
        lane.buffer = emptyBuffer(buffer.end)
        const files = changed === 0 ? [] : [{ key: plan.target, rows: changed, bytes: encodedBytes(buffer) }]
        freeRows(buffer)
        return { partition: lane.partition, start: buffer.start, end: buffer.end, counts, files, reason: cut.reason }
      })
    },

    async abandon(partition) {
      const lane = lanes.get(partitionKey(partition))
      if (lane === undefined) return
      lanes.delete(partitionKey(partition))
      lane.abort.abort()
      await lane.turn
    },

    async close() {
      if (closed) return
      closed = true
      const open = [...lanes.values()]
      lanes.clear()
      for (const lane of open) lane.abort.abort()
      await Promise.all(open.map((lane) => lane.turn))
    },
  }
}

function checkBatch(batch: SinkBatch, expected: number): void {
  const where = `${nameOf(batch.partition)}: batch [${batch.start}, ${batch.end})`
  if (batch.start !== expected || batch.end < batch.start) {
    throw new SinkError('SINK_NOT_CONTIGUOUS', `${where} after ${expected}`, {
      evidence: { expected, start: batch.start, end: batch.end },
    })
  }
  const tombstones = batch.tombstones?.length ?? 0
  const outcomes = batch.batch.length + batch.rejects.length + batch.filtered + batch.duplicate + tombstones
  if (batch.consumed !== outcomes) {
    throw new SinkError('SINK_BATCH_INVALID', `${where} consumed ${batch.consumed}, outcomes ${outcomes}`)
  }
}

function encodedBytes(buffer: FlushBuffer): number {
  return buffer.rows.reduce((sum, rows) => sum + rows.bytes.length, 0)
}

function nameOf(partition: PartitionId): string {
  return `${partition.topic}[${partition.partition}]`
}
