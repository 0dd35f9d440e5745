import { SinkError } from '@sluice/ingest-core'
import type { Refusal } from '../encode/check-values.ts'
import { mergeStatements, newKeysSql } from '../merge/merge.ts'
import { stage } from '../merge/names.ts'
import type { FlushConstants, StageRange } from '../merge/names.ts'
import type { SqlSession } from '../session/session.ts'
import { failureKind, namesOf, sqlstateOf } from '../sql/sqlstate.ts'
import type { ReadyTable } from '../table/prepare-table.ts'
import { diagnose } from './diagnose.ts'
import { knownFlushes, merged, suspiciousFlushes } from './habits.ts'
import type { Habits } from './habits.ts'

export interface Merged {
  /** Rows of the target that were written. */
  readonly changed: number
  /** Rows that the server refused, by offset. */
  readonly refused: ReadonlyMap<number, Refusal>
}

export interface MergeOptions {
  readonly session: SqlSession
  readonly table: ReadyTable
  readonly flush: FlushConstants
  /** Offsets of the staged rows, ascending. */
  readonly offsets: Float64Array
  /** Refused rows at most; more mean that not the rows are at fault. */
  readonly maxRefused: number
  readonly habits: Habits
}

/**
 * Merges the staged rows, setting aside those the server refuses. First the whole; when a row is at fault, the constraints
 * that can be asked about all rows at once; then halves, down to the row. Nothing is sent twice: all of it happens on
 * the staging table, each try inside a savepoint.
 *
 * @throws SinkError SINK_REJECTS_TOO_MANY; errors of the server that are not about a row
 */
export async function mergeRows(options: MergeOptions): Promise<Merged> {
  const { session, table, flush, offsets, habits } = options
  const refused = new Map<number, Refusal>()
  let changed = 0
  let halved = false
  let onlyNew = table.plan.mode === 'append'

  function refuse(found: Iterable<readonly [number, Refusal]>): void {
    for (const [offset, why] of found) refused.set(offset, why)
    requireFew(table, refused, offsets.length, options.maxRefused)
  }

  async function askForBad(): Promise<boolean> {
    const found = await diagnose(session, table)
    if (found.size === 0) return false
    refuse(found)
    await session.query(`DELETE FROM ${stage} WHERE _offset = ANY('{${[...found.keys()].join(',')}}')`)
    return true
  }

  /** @returns the error when a row is at fault; then nothing of the range is stored */
  async function attempt(range?: StageRange): Promise<unknown> {
    await session.query('SAVEPOINT merge')
    let written = 0
    const quick = range === undefined && habits.known === 0 ? newKeysSql(table, flush) : undefined
    try {
      let rest = true
      if (quick !== undefined) {
        const staged = offsets.length - refused.size
        written = (await session.query(quick)).affected
        rest = written < staged
        onlyNew = !rest
        if (written < staged / 2) habits.known = knownFlushes
      }
      for (const { sql, counts } of rest ? mergeStatements(table, flush, range) : []) {
        const { affected } = await session.query(sql)
        if (counts) written += affected
      }
      // Deferred constraints are checked here, where it can still be told which row it was (fault 62).
      await session.query('SET CONSTRAINTS ALL IMMEDIATE')
    } catch (error) {
      if (failureKind(error) !== 'row') throw error
      requireOwnColumn(error, table)
      await session.query('ROLLBACK TO SAVEPOINT merge')
      if (quick === undefined || sqlstateOf(error) !== '23505') return error
      habits.known = knownFlushes
      return attempt()
    }
    await session.query('RELEASE SAVEPOINT merge;SET CONSTRAINTS ALL DEFERRED')
    changed += written
    return undefined
  }

  /** Rows `[from, to)` of `left` are known to hold a bad one. */
  async function halve(left: readonly number[], from: number, to: number, error: unknown): Promise<void> {
    if (to - from === 1) {
      refuse([[left[from]!, refusalOf(error)]])
      return
    }
    const middle = (from + to) >> 1
    for (const [a, b] of [
      [from, middle],
      [middle, to],
    ] as const) {
      const failed = await attempt({ from: left[a]!, to: left[b - 1]! + 1 })
      if (failed !== undefined) await halve(left, a, b, failed)
    }
  }

  if (habits.known > 0) habits.known -= 1
  if (habits.suspicious > 0) {
    habits.suspicious -= 1
    await askForBad()
  }
  let failed = await attempt()
  if (failed !== undefined && (await askForBad())) failed = await attempt()
  if (failed !== undefined) {
    const left = Array.from(offsets).filter((offset) => !refused.has(offset))
    halved = true
    await halve(left, 0, left.length, failed)
  }
  if (refused.size > 0) habits.suspicious = suspiciousFlushes
  // Constraints that were asked about can be asked about before a load, too.
  if (refused.size > 0 && onlyNew && !halved) habits.wait = 0
  else merged(habits, onlyNew && refused.size === 0)
  return { changed, refused }
}

/** @throws SinkError SINK_REJECTS_TOO_MANY */
export function requireFew(
  { plan }: ReadyTable,
  refused: ReadonlyMap<number, Refusal>,
  rows: number,
  most: number,
): void {
  if (refused.size <= most) return
  const all = new Set([...refused.values()].map(({ state, expected }) => `${state} (${expected})`))
  const states = [...all].slice(0, 5)
  throw new SinkError(
    'SINK_REJECTS_TOO_MANY',
    `${plan.target} refuses ${refused.size} of ${rows} rows: ${states.join(', ')}; nothing was stored`,
    { evidence: { refused: refused.size, rows, states } },
  )
}

/** A NOT NULL column that the contract does not fill is a matter of the table, not of its rows (fault 66). */
function requireOwnColumn(error: unknown, table: ReadyTable): void {
  const { column } = namesOf(error)
  if (sqlstateOf(error) !== '23502' || column === undefined) return
  if (table.plan.columns.some((each) => each.name === column)) return
  throw new SinkError(
    'TABLE_MISMATCH',
    `${table.plan.target}: column ${column} must not be null and the contract does not fill it. To mend it: ` +
      `ALTER TABLE ${table.plan.target} ALTER COLUMN "${column}" DROP NOT NULL;`,
  )
}

function refusalOf(error: unknown): Refusal {
  const { column, constraint } = namesOf(error)
  const state = sqlstateOf(error)!
  return {
    state,
    column: column ?? '',
    expected: constraint === undefined ? 'a row that the server takes' : `what constraint ${constraint} asks for`,
  }
}
