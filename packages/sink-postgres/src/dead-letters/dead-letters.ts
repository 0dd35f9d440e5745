import { DeadLetterError, fetchedFromRecords, partitionKey } from '@sluice/ingest-core'
import type {
  DeadLetters,
  DecodeService,
  Fetched,
  LakeAudit,
  LetterSelection,
  LetterStatus,
  ReplayOptions,
  ReplayReport,
} from '@sluice/ingest-core'
import { createRowEncoder } from '../encode/encode-rows.ts'
import { addToBuffer, emptyBuffer, refusedRows } from '../flush/buffer.ts'
import type { FlushBuffer, RefusedRow } from '../flush/buffer.ts'
import type { PostgresHookPoint } from '../flush/hooks.ts'
import { storeRows } from '../flush/flush-buffer.ts'
import { freshHabits } from '../flush/habits.ts'
import { inTransaction } from '../flush/transaction.ts'
import type { SqlSession } from '../session/session.ts'
import { resolveSink } from '../sink-options.ts'
import type { PostgresSinkOptions, ResolvedSink } from '../sink-options.ts'
import { prepareTable } from '../table/prepare-table.ts'
import { auditSink } from './audit.ts'
import { decideLetter, lockOpen, readLetters } from './letter-rows.ts'
import type { Verdict } from './letter-rows.ts'

export interface PostgresDeadLettersOptions extends PostgresSinkOptions {
  /** Decodes letters again, in workers: a letter that ended a worker once may do it again. */
  readonly decoder: DecodeService
  /** Attempts after which a letter is left alone unless forced (RELIABILITY input 31). Default 5. */
  readonly maxAttempts?: number
  /** Letters decided by one transaction. Default 500. */
  readonly lettersPerTransaction?: number
}

const never = new AbortController().signal
type Skipped = { -readonly [why in keyof ReplayReport['skipped']]: number }

interface Tried {
  readonly status: LetterStatus
  readonly value: Uint8Array | null
}

/**
 * The operations of `createDeadLetters` over the dead letters of a PostgreSQL sink. A replay decodes letters again by the
 * same stage as fresh records and lands them with their decision in one transaction, so that a crash, a lost reply
 * or a second replay lands nothing twice. Takes the options of the sink.
 */
export function createPostgresDeadLetters(options: PostgresDeadLettersOptions): DeadLetters {
  const sink = resolveSink(options)
  const { decoder, maxAttempts = 5, lettersPerTransaction = 500 } = options
  const { bookkeeping, holder } = sink

  async function withSession<T>(signal: AbortSignal, work: (session: SqlSession) => Promise<T>): Promise<T> {
    const session = await sink.connection.session(signal)
    let done = false
    try {
      const result = await work(session)
      done = true
      return result
    } finally {
      session.release(!done)
    }
  }

  const list = (selection: LetterSelection, signal: AbortSignal): Promise<LetterStatus[]> =>
    withSession(signal, (session) => readLetters(session, bookkeeping, holder.sinkId, selection))

  async function attempt(status: LetterStatus, how: ReplayOptions, skipped: Skipped): Promise<Tried | undefined> {
    const { letter } = status
    const skip = (why: keyof Skipped): undefined => {
      skipped[why] += 1
      return undefined
    }
    if (status.state !== 'open') return skip('decided')
    if (letter.code === 'batch_too_large') return skip('wholeBatch')
    if (letter.attempt >= maxAttempts && how.force !== true) return skip('exhausted')
    if (how.fix === undefined) return { status, value: letter.value }
    let value: unknown
    try {
      value = await how.fix(letter)
    } catch (cause) {
      throw new DeadLetterError('FIX_FAILED', `the fix function threw for ${status.key}`, { cause })
    }
    if (value === undefined) return skip('unfixed')
    if (value instanceof Uint8Array) return { status, value }
    throw new DeadLetterError(
      'FIX_FAILED',
      `the fix function returned something that is not a Uint8Array for ${status.key}`,
    )
  }

  async function replay(how: ReplayOptions = {}, signal: AbortSignal = never): Promise<ReplayReport> {
    const skipped: Skipped = { decided: 0, exhausted: 0, unfixed: 0, wholeBatch: 0 }
    const stillBad: { key: string; code: string; path: string }[] = []
    const changed = new Map<string, number>()
    let landed = 0
    const open = how.keys === undefined
    const selection = { ...how, ...(open && { limit: undefined }) } as LetterSelection
    const chosen = (await list(selection, signal))
      .filter((status) => !open || status.state === 'open')
      .slice(0, how.limit)
    const tried: Tried[] = []
    for (const status of chosen) {
      const one = await attempt(status, how, skipped)
      if (one !== undefined) tried.push(one)
    }
    for (const group of groups(tried, lettersPerTransaction)) {
      const outcome = await tryGroup(sink, decoder, group, how.dryRun === true, signal)
      skipped.decided += outcome.decided
      landed += outcome.landed
      stillBad.push(...outcome.stillBad)
      if (outcome.changed > 0) changed.set(outcome.table, (changed.get(outcome.table) ?? 0) + outcome.changed)
    }
    const files = [...changed].map(([key, rows]) => ({ key, rows }))
    return { dryRun: how.dryRun === true, finished: 0, landed, stillBad, skipped, files }
  }

  return {
    list: (selection = {}, signal = never) => list(selection, signal),
    async show(key, signal = never) {
      const [status] = await list({ keys: [key] }, signal)
      if (status !== undefined) return status
      throw new DeadLetterError('LETTER_UNKNOWN', `no dead letter ${key}`)
    },
    replay,
    async discard(selection, reason, signal = never) {
      const open = (await list(selection, signal)).filter((status) => status.state === 'open')
      let count = 0
      for (let at = 0; at < open.length; at += lettersPerTransaction) {
        const some = open.slice(at, at + lettersPerTransaction)
        count += await inTransaction(sink, signal, async (session) => {
          const locked = await lockOpen(session, bookkeeping, some)
          for (const { letter, key } of some) {
            if (locked.has(key)) await decideLetter(session, bookkeeping, letter, { state: 'discarded', reason })
          }
          return locked.size
        })
      }
      return count
    },
    audit: (signal = never): Promise<LakeAudit> =>
      withSession(signal, (session) => auditSink(session, bookkeeping, holder.sinkId)),
  }
}

/** Letters of one partition, at most `size`, offsets ascending. */
function groups(tried: readonly Tried[], size: number): Tried[][] {
  const byPartition = new Map<string, Tried[]>()
  for (const one of tried) {
    const key = partitionKey(one.status.letter.partition)
    byPartition.set(key, [...(byPartition.get(key) ?? []), one])
  }
  return [...byPartition.values()].flatMap((mine) => {
    const sorted = mine.sort((a, b) => a.status.letter.offset - b.status.letter.offset)
    return Array.from({ length: Math.ceil(sorted.length / size) }, (_, i) => sorted.slice(i * size, (i + 1) * size))
  })
}

interface GroupOutcome {
  readonly landed: number
  readonly decided: number
  readonly stillBad: readonly { readonly key: string; readonly code: string; readonly path: string }[]
  readonly table: string
  readonly changed: number
}

async function tryGroup(
  sink: ResolvedSink,
  decoder: DecodeService,
  group: readonly Tried[],
  dryRun: boolean,
  signal: AbortSignal,
): Promise<GroupOutcome> {
  const { partition } = group[0]!.status.letter
  const plan = sink.tables.get(partition.topic)
  if (plan === undefined) {
    throw new DeadLetterError(
      'REPLAY_MISMATCH',
      `no table for topic ${partition.topic}; it is needed to decode its letters`,
    )
  }
  const records = group.map(({ status: { letter }, value }) => ({
    offset: letter.offset,
    timestamp: letter.timestamp,
    value,
    headers: letter.headers,
  }))
  const fetched = fetchedFromRecords(partition, records)
  const batches = await decoder.decode(fetched, fetched.start)
  decoder.release(partition)
  const refusedByCopy = new Map<number, RefusedRow>()
  const at = (point: PostgresHookPoint): void | Promise<void> =>
    sink.hooks.at(point, { partition: `${partition.topic}[${partition.partition}]`, start: fetched.start })
  let left = 0
  for (;;) {
    try {
      const decided = await inTransaction(sink, signal, async (session) => {
        await at('after_begin')
        const table = await prepareTable(session, plan, sink.ddl)
        const locked = await lockOpen(
          session,
          sink.bookkeeping,
          group.map(({ status }) => status),
        )
        await at('after_lock')
        const mine = group.filter(({ status }) => locked.has(status.key))
        const offsets = new Set(mine.map(({ status }) => status.letter.offset))
        const buffer = bufferOf(fetched, batches, createRowEncoder(table), partition, offsets)
        const context = { sink, partition, habits: { ...freshHabits(), known: 1 } }
        const stored = await storeRows(context, table, session, buffer, refusedByCopy, at)
        await at('after_merge')
        const bad = new Map([...buffer.rejects, ...stored.letters].map((reject) => [reject.offset, reject]))
        const stillBad: { key: string; code: string; path: string }[] = []
        for (const { status } of mine) {
          const reject = bad.get(status.letter.offset)
          const verdict: Verdict =
            reject === undefined ? { state: 'landed', reason: null } : { state: 'open', ...reject }
          await decideLetter(session, sink.bookkeeping, status.letter, verdict)
          if (reject !== undefined) stillBad.push({ key: status.key, code: reject.code, path: reject.path })
        }
        await at('after_dead_letters')
        const outcome = {
          landed: mine.length - stillBad.length,
          decided: group.length - mine.length,
          stillBad,
          table: plan.target,
          changed: stored.changed,
        }
        // All of it was done on the real table, and none of it stays.
        if (dryRun) throw new DryRun(outcome)
        await at('before_commit')
        return outcome
      })
      await at('after_commit')
      return decided
    } catch (error) {
      if (error instanceof DryRun) return error.outcome
      // COPY names one row at a time; each is left out of the next try.
      if (refusedByCopy.size === left) throw error
      left = refusedByCopy.size
    }
  }
}

class DryRun extends Error {
  readonly outcome: GroupOutcome
  constructor(outcome: GroupOutcome) {
    super('dry run')
    this.outcome = outcome
  }
}

function bufferOf(
  fetched: Fetched,
  batches: Awaited<ReturnType<DecodeService['decode']>>,
  encoder: ReturnType<typeof createRowEncoder>,
  partition: Fetched['partition'],
  wanted: ReadonlySet<number>,
): FlushBuffer {
  const buffer = emptyBuffer(fetched.start)
  for (const decoded of batches) {
    const batch = { ...decoded, partition, origin: fetched }
    const { rows, refused } = encoder.encode(batch.batch, wanted)
    const rejects = batch.rejects.filter(({ offset }) => wanted.has(offset))
    const tombstones = (batch.tombstones ?? []).filter(({ offset }) => wanted.has(offset))
    addToBuffer(buffer, { ...batch, rejects, tombstones }, rows, refusedRows(batch, refused))
  }
  return buffer
}
