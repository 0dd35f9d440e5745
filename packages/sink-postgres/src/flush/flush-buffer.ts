import { createBackOff, SinkError, sleep } from '@sluice/ingest-core'
import type { Counts, PartitionId, Reject } from '@sluice/ingest-core'
import { describeSqlError, failureKind, sqlstateOf } from '../sql/sqlstate.ts'
import { copySql, lockSql, stagingSql } from '../merge/merge.ts'
import { advance, lockProgress } from '../progress/progress-row.ts'
import type { SqlSession } from '../session/session.ts'
import type { ResolvedSink } from '../sink-options.ts'
import type { ReadyTable } from '../table/prepare-table.ts'
import type { Refusal } from '../encode/check-values.ts'
import { askFirst, without } from './ask-first.ts'
import type { FlushBuffer, RefusedRow } from './buffer.ts'
import { copyChunks, offsetOfLine } from './copy-chunks.ts'
import { loadDirectly, lockShape, planDirectLoad, TableChanged } from './direct-load.ts'
import type { DirectLoad } from './key-order.ts'
import type { PostgresHookPoint } from './hooks.ts'
import { rejectsOfRows, storeLetters } from './letters.ts'
import { loadRefused, loadTaken, suspiciousFlushes } from './habits.ts'
import type { Habits } from './habits.ts'
import { mergeRows, requireFew } from './merge-rows.ts'
import { readTombstones, stageTombstones } from './tombstones.ts'
import { begin } from './transaction.ts'

export interface Flushed {
  readonly counts: Counts
  /** Rows of the table that were written. */
  readonly changed: number
}

export interface FlushContext {
  readonly sink: ResolvedSink
  readonly partition: PartitionId
  readonly epoch: string
  /** The table as it is now; `reload` reads the catalog again. */
  table(): Promise<ReadyTable>
  reload(): Promise<void>
  readonly habits: Habits
}

/**
 * Brings a buffer into the database, exactly once (RELIABILITY 4b). A failed try changes nothing and is repeated while the
 * deadline allows, with a new connection: also after a lost reply to COMMIT, because the next try finds in the locked
 * progress row whether it happened.
 *
 * @throws SinkError FENCED, PROGRESS_REWOUND, PROGRESS_BROKEN, SINK_UNAVAILABLE, SINK_REFUSED, TABLE_MISMATCH,
 *   SINK_REJECTS_TOO_MANY
 */
export async function flushBuffer(context: FlushContext, buffer: FlushBuffer, signal: AbortSignal): Promise<Flushed> {
  const { sink, partition } = context
  const { clock } = sink
  const where = `${partition.topic}[${partition.partition}] [${buffer.start}, ${buffer.end})`
  const backOff = createBackOff({ ...sink.retry, jitter: 0.5, random: Math.random })
  const deadline = clock.now() + sink.retry.deadlineMs
  const tries: Tries = { applied: undefined, refusedByCopy: new Map(), load: 'allowed' }
  const { refusedByCopy } = tries
  let reloads = 0
  let leftOut = 0
  for (;;) {
    try {
      return await attempt(context, buffer, tries, signal)
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof SinkError || isDefect(error)) throw error
      const kind = error instanceof TableChanged ? 'drift' : failureKind(error)
      if (kind === 'row' && tries.load === 'begun') {
        // A key that is there, or a row at fault: which, and which row, is for the merge to find.
        loadRefused(context.habits)
        tries.load = 'refused'
        continue
      }
      if (kind === 'row' && refusedByCopy.size > leftOut && refusedByCopy.size <= limitOf(sink, buffer)) {
        leftOut = refusedByCopy.size
        continue
      }
      if (kind === 'drift' && reloads < 2) {
        reloads += 1
        await context.reload()
        continue
      }
      if (kind === 'stop' || kind === 'drift' || kind === 'row') {
        throw new SinkError('SINK_REFUSED', `${where}: ${describeSqlError(error)}`, {
          evidence: { sqlstate: sqlstateOf(error) ?? null },
        })
      }
      const delay = backOff.next()
      if (clock.now() + delay > deadline) {
        throw new SinkError(
          'SINK_UNAVAILABLE',
          `${where}: ${backOff.attempts} tries in ${sink.retry.deadlineMs} ms, the last: ${describeSqlError(error)}; nothing is lost`,
          { evidence: { attempts: backOff.attempts, sqlstate: sqlstateOf(error) ?? null } },
        )
      }
      await sleep(clock, delay, signal)
      signal.throwIfAborted()
    }
  }
}

/** What the tries of one flush leave to the next. */
interface Tries {
  /** What the last try would have made true, should its COMMIT have happened. */
  applied: Flushed | undefined
  readonly refusedByCopy: Map<number, RefusedRow>
  /** Whether rows may go straight into the table. */
  load: 'allowed' | 'begun' | 'refused'
}

async function attempt(
  context: FlushContext,
  buffer: FlushBuffer,
  tries: Tries,
  signal: AbortSignal,
): Promise<Flushed> {
  const { sink, partition, epoch } = context
  const { holder, bookkeeping, hooks } = sink
  const at = (point: PostgresHookPoint): void | Promise<void> =>
    hooks.at(point, { partition: `${partition.topic}[${partition.partition}]`, start: buffer.start })
  const table = await context.table()
  // Sorted before the transaction begins, so that nothing is locked meanwhile (4b step 2).
  const load = tries.load === 'refused' ? undefined : planDirectLoad(table, buffer, context.habits)
  tries.load = load === undefined ? 'refused' : 'begun'
  const session = await sink.connection.session(signal)
  let done = false
  try {
    await at('before_begin')
    await begin(session, sink)
    await at('after_begin')
    const range = { start: buffer.start, end: buffer.end, epoch }
    const standing = await lockProgress(session, bookkeeping, holder, partition, range)
    await at('after_lock')
    if (standing === 'applied') {
      // Only a try of this very flush can have moved progress here: same epoch, same writer.
      if (tries.applied === undefined) {
        throw new SinkError(
          'PROGRESS_BROKEN',
          `${partition.topic}[${partition.partition}] is at ${buffer.end} before its flush`,
        )
      }
      await session.query('ROLLBACK')
      done = true
      return tries.applied
    }
    const { letters, changed, ignored } =
      load === undefined
        ? await storeRows(context, table, session, buffer, tries.refusedByCopy, at)
        : await loadRows(context, table, session, buffer, load, at)
    await at('after_merge')
    const rejects = [...buffer.rejects, ...letters].sort((a, b) => a.offset - b.offset)
    const letterContext = {
      tables: bookkeeping,
      sinkId: holder.sinkId,
      partition,
      flushStart: buffer.start,
      pipeline: sink.pipeline,
      firstSeen: sink.clock.now(),
    }
    await storeLetters(session, letterContext, rejects)
    await at('after_dead_letters')
    const { consumed, filtered, duplicate } = buffer.counts
    const deadLettered = rejects.length
    const counts = {
      consumed,
      stored: consumed - filtered - duplicate - deadLettered - ignored,
      late: 0,
      duplicate: duplicate + ignored,
      filtered,
      deadLettered,
    }
    await advance(session, bookkeeping, holder, partition, buffer.end, counts)
    await at('before_commit')
    tries.applied = { counts, changed }
    await session.query('COMMIT')
    done = true
    if (load !== undefined) loadTaken(context.habits)
    await at('after_commit')
    return tries.applied
  } finally {
    session.release(!done)
  }
}

interface StoredRows {
  readonly letters: readonly Reject[]
  readonly changed: number
  /** Rows left out because their key was there (`insert-ignore`). */
  readonly ignored: number
}

/** Copies the rows of a buffer straight into the table, in the caller's transaction. */
async function loadRows(
  { sink, partition, habits }: FlushContext,
  table: ReadyTable,
  session: SqlSession,
  buffer: FlushBuffer,
  load: DirectLoad,
  at: (point: PostgresHookPoint) => void | Promise<void>,
): Promise<StoredRows> {
  await lockShape(session, table)
  await at('after_table_lock')
  const flush = { topic: partition.topic, partition: partition.partition, ingestedAt: sink.clock.now() }
  let found: ReadonlyMap<number, Refusal> = new Map()
  if (habits.suspicious > 0) {
    found = await askFirst(session, table, load.rows)
    requireFew(table, found, load.rows.length, limitOf(sink, buffer))
    habits.suspicious = found.size > 0 ? suspiciousFlushes : habits.suspicious - 1
  }
  await loadDirectly(session, table, without(load, found), flush)
  await at('after_load')
  const refused = [...buffer.refused, ...[...found].map(([offset, why]) => ({ ...why, offset }))]
  const letters = rejectsOfRows(refused, buffer, table.plan.contract)
  return { letters, changed: load.rows.length - found.size, ignored: 0 }
}

/**
 * Stages the rows of a buffer and merges them, in the caller's transaction. Rows that COPY stops at are noted in
 * `refusedByCopy` before its error goes on, and left out of the next try.
 */
export async function storeRows(
  context: Pick<FlushContext, 'sink' | 'partition' | 'habits'>,
  table: ReadyTable,
  session: SqlSession,
  buffer: FlushBuffer,
  refusedByCopy: Map<number, RefusedRow>,
  at: (point: PostgresHookPoint) => void | Promise<void>,
): Promise<StoredRows> {
  const { sink, partition, habits } = context
  const { plan } = table
  const tombstones = readTombstones(plan, buffer.tombstones)
  const refused = [...buffer.refused, ...tombstones.refused]
  if (buffer.rowCount === 0 && tombstones.deletes.length === 0) {
    return { letters: rejectsOfRows(refused, buffer, plan.contract), changed: 0, ignored: 0 }
  }
  const leaveOut = new Set(refusedByCopy.keys())
  const lock = lockSql(table)
  await session.query(lock === undefined ? stagingSql(table) : `${lock};${stagingSql(table)}`)
  await at('after_staging')
  try {
    await session.copyIn(copySql(table), copyChunks(buffer.rows, leaveOut))
  } catch (error) {
    noteRefusedLine(error, buffer, leaveOut, refusedByCopy)
    throw error
  }
  if (tombstones.deletes.length > 0) await stageTombstones(session, plan, tombstones.deletes)
  await at('after_copy')
  const offsets = stagedOffsets(buffer, leaveOut, tombstones.deletes)
  const merged = await mergeRows({
    session,
    table,
    flush: { topic: partition.topic, partition: partition.partition, ingestedAt: sink.clock.now() },
    offsets,
    maxRefused: limitOf(sink, buffer),
    habits,
  })
  const byServer = [...merged.refused].map(([offset, why]) => ({ ...why, offset }))
  refused.push(...refusedByCopy.values(), ...byServer)
  const stored = offsets.length - merged.refused.size
  const ignored = plan.mode === 'insert-ignore' ? stored - merged.changed : 0
  return { letters: rejectsOfRows(refused, buffer, plan.contract), changed: merged.changed, ignored }
}

function limitOf({ maxRefusedShare, minRefused }: ResolvedSink, { rowCount }: FlushBuffer): number {
  return Math.max(minRefused, Math.floor(rowCount * maxRefusedShare))
}

/** COPY names the line it stopped at; that row is left out of the next try. */
function noteRefusedLine(
  error: unknown,
  buffer: FlushBuffer,
  leaveOut: ReadonlySet<number>,
  refusedByCopy: Map<number, RefusedRow>,
): void {
  if (failureKind(error) !== 'row') return
  const context = (error as { readonly where?: unknown }).where
  const match = typeof context === 'string' ? /, line (\d+)(?:, column (\S+))?/.exec(context) : null
  const offset = match === null ? undefined : offsetOfLine(buffer.rows, leaveOut, Number(match[1]))
  if (offset === undefined) return
  refusedByCopy.set(offset, {
    offset,
    state: sqlstateOf(error)!,
    column: match![2] ?? '',
    expected: 'a value that the server takes',
  })
}

function stagedOffsets(
  buffer: FlushBuffer,
  leaveOut: ReadonlySet<number>,
  deletes: readonly { readonly offset: number }[],
): Float64Array {
  const all = new Float64Array(buffer.rowCount - leaveOut.size + deletes.length)
  let to = 0
  for (const part of buffer.rows) {
    for (let row = 0; row < part.length; row++) if (!leaveOut.has(part.offsets[row]!)) all[to++] = part.offsets[row]!
  }
  for (const { offset } of deletes) all[to++] = offset
  return deletes.length === 0 ? all : all.sort()
}

/** A mistake of this code, not of the world: it must not be waited out (fault 84). */
function isDefect(error: unknown): boolean {
  return (
    error instanceof TypeError ||
    error instanceof RangeError ||
    error instanceof ReferenceError ||
    error instanceof SyntaxError
  )
}
