import type { Column } from '@sluice/columnar'
import type { ColumnLimits } from '../table/fit.ts'
import type { PlannedColumn, ValuePolicy } from '../table/table-options.ts'
import { bigValue, int32Of, smallValue } from './decimal.ts'
import { wordsOf } from './field-writer.ts'

/** Why a row cannot be stored: as PostgreSQL would have said, had it been asked. */
export interface Refusal {
  /** SQLSTATE. */
  readonly state: string
  readonly column: string
  /** What was expected, without contents of the row. */
  readonly expected: string
}

export interface ColumnCheck {
  /** Rows that are refused. */
  readonly refused: ReadonlyMap<number, Refusal>
  /** Rows (1) whose value is written as null, by policy. */
  readonly nulled: Uint8Array | undefined
}

const two32 = 4_294_967_296
/** 4714-11-24 BC, PostgreSQL's first day, and the end of what is exact in milliseconds (the year 287396). */
const firstMillis = -210_866_803_200_000
const endMillis = 2 ** 53
const firstDay = -2_440_588
const endDay = 2_145_042_541 - 10_957 - 1
const dayMicros = 86_400_000_000

/**
 * Checks the values of a column against what the catalog says the target takes, so that a bad row costs a comparison and
 * not a failed statement. What is left for the server are constraints that only it can judge.
 */
export function checkColumn(
  planned: PlannedColumn,
  column: Column,
  limits: ColumnLimits,
  policy: Required<ValuePolicy>,
  required: boolean,
): ColumnCheck {
  const refused = new Map<number, Refusal>()
  let nulled: Uint8Array | undefined
  const { type } = column
  const { name } = planned
  const refuse = (row: number, state: string, expected: string): void => {
    if (!refused.has(row)) refused.set(row, { state, column: name, expected })
  }
  const outside = (row: number, state: string, expected: string, how: 'reject' | 'null'): void => {
    if (how === 'reject') refuse(row, state, expected)
    else (nulled ??= new Uint8Array(column.length))[row] = 1
  }
  const { validity, length } = column
  const isNull = (row: number): boolean => validity !== undefined && (validity[row >> 3]! & (1 << (row & 7))) === 0
  const each = (bad: (row: number) => boolean, found: (row: number) => void): void => {
    for (let row = 0; row < length; row++) if (bad(row) && !isNull(row)) found(row)
  }
  switch (type.kind) {
    case 'utf8': {
      const { maxChars } = limits
      const bytes = column.values as Uint8Array
      if (maxChars !== undefined) {
        const offsets = column.offsets!
        each(
          (row) =>
            offsets[row + 1]! - offsets[row]! > maxChars &&
            characters(bytes, offsets[row]!, offsets[row + 1]!) > maxChars,
          (row) => refuse(row, '22001', `at most ${maxChars} characters`),
        )
      }
      if (policy.nul === 'reject' && bytes.includes(0)) {
        for (const row of rowsWithNul(column)) refuse(row, '22021', 'text without U+0000')
      }
      break
    }
    case 'list':
    case 'map':
    case 'struct':
      if (policy.nul === 'reject') {
        for (const row of rowsWithNul(column)) if (!isNull(row)) refuse(row, '22P05', 'text without U+0000')
      }
      break
    case 'float32':
    case 'float64':
      if (policy.nonFinite !== 'keep') {
        const values = column.values as Float64Array
        const how = policy.nonFinite
        each(
          (row) => !Number.isFinite(values[row]!),
          (row) => outside(row, '22003', 'a finite number', how),
        )
      }
      break
    case 'int32': {
      const { maxInteger: max } = limits
      const values = column.values as Int32Array
      if (max !== undefined) {
        each(
          (row) => values[row]! > max || values[row]! < -max - 1,
          (row) => refuse(row, '22003', `a whole number from ${-max - 1} to ${max}`),
        )
      }
      break
    }
    case 'int64': {
      const { maxInteger: max } = limits
      if (max !== undefined) {
        const words = wordsOf(column)
        each(
          (row) => Math.abs(words[2 * row + 1]! * two32 + (words[2 * row]! >>> 0) + 0.5) > max + 1,
          (row) => refuse(row, '22003', `a whole number from ${-max - 1} to ${max}`),
        )
      }
      break
    }
    case 'decimal':
      checkDecimals(column, type.precision, type.scale, limits, isNull, refuse)
      break
    case 'date': {
      const values = column.values as Int32Array
      each(
        (row) => values[row]! < firstDay || values[row]! > endDay,
        (row) => outside(row, '22008', 'a date from 4714-11-24 BC to 5874897-12-31', policy.outOfRange),
      )
      break
    }
    case 'time': {
      const micro = type.unit === 'micro'
      const values = micro ? undefined : (column.values as Int32Array)
      const words = micro ? wordsOf(column) : undefined
      const most = micro ? dayMicros : dayMicros / 1000
      const at = (row: number): number =>
        values === undefined ? words![2 * row + 1]! * two32 + (words![2 * row]! >>> 0) : values[row]!
      each(
        (row) => at(row) < 0 || at(row) > most,
        (row) => outside(row, '22008', 'a time from 00:00 to 24:00', policy.outOfRange),
      )
      break
    }
    case 'timestamp': {
      if (type.unit === 'nano') break
      const words = wordsOf(column)
      const per = type.unit === 'micro' ? 1000 : 1
      const first = firstMillis * per
      // In microseconds PostgreSQL's own end, the year 294277, is past what is exact; both are checked with the same bound.
      const end = endMillis * per
      each(
        (row) => {
          const value = words[2 * row + 1]! * two32 + (words[2 * row]! >>> 0)
          return value < first || value >= end
        },
        (row) => outside(row, '22008', 'a time from 4714 BC to 287396', policy.outOfRange),
      )
      break
    }
    default:
  }
  if (limits.notNull || required) {
    if (column.nullCount > 0) {
      for (let row = 0; row < length; row++) if (isNull(row)) refuse(row, '23502', 'a value that is not null')
    }
    if (nulled !== undefined) nulled.forEach((is, row) => is === 1 && refuse(row, '23502', 'a value that is not null'))
  }
  return { refused, nulled }
}

function checkDecimals(
  column: Column,
  precision: number,
  scale: number,
  limits: ColumnLimits,
  isNull: (row: number) => boolean,
  refuse: (row: number, state: string, expected: string) => void,
): void {
  if (limits.precision === undefined || limits.scale === undefined) return
  const wholeDigits = limits.precision - limits.scale
  if (wholeDigits >= precision - scale && limits.scale >= scale) return
  const words = int32Of(column.values as Uint8Array)
  // |value| < 10^(wholeDigits + scale), and no digits beyond the scale of the target: the server would round them away.
  const limit = 10n ** BigInt(Math.max(0, wholeDigits + scale))
  const step = 10n ** BigInt(Math.max(0, scale - limits.scale))
  const smallLimit = limit <= 9_007_199_254_740_992n ? Number(limit) : undefined
  const smallStep = Number(step)
  const expected = `at most ${wholeDigits} digits before and ${limits.scale} after the point`
  for (let row = 0; row < column.length; row++) {
    const small = smallValue(words, 4 * row)
    const fits =
      small !== undefined && (smallLimit === undefined || Math.abs(small) < smallLimit) && smallStep <= 2 ** 53
        ? small % smallStep === 0
        : fitsBig(bigValue(words, 4 * row), limit, step)
    if (!fits && !isNull(row)) refuse(row, '22003', expected)
  }
}

function fitsBig(value: bigint, limit: bigint, step: bigint): boolean {
  return value < limit && value > -limit && value % step === 0n
}

/** Code points of valid UTF-8. */
function characters(bytes: Uint8Array, start: number, end: number): number {
  let count = 0
  for (let i = start; i < end; i++) if ((bytes[i]! & 0xc0) !== 0x80) count++
  return count
}

/** Rows of a column, at any depth of which some text holds U+0000. */
export function rowsWithNul(column: Column): number[] {
  const { type, offsets, children } = column
  if (type.kind === 'utf8') {
    const bytes = column.values as Uint8Array
    const rows: number[] = []
    let row = 0
    for (let at = bytes.indexOf(0); at >= 0; at = bytes.indexOf(0, offsets![row]!)) {
      while (offsets![row + 1]! <= at) row++
      rows.push(row)
      row++
      if (row >= column.length) break
    }
    return rows
  }
  const inner = [...new Set((children ?? []).flatMap(rowsWithNul))].sort((a, b) => a - b)
  if (offsets === undefined || inner.length === 0) return inner
  const rows: number[] = []
  let row = 0
  for (const item of inner) {
    while (offsets[row + 1]! <= item) row++
    if (rows.at(-1) !== row) rows.push(row)
  }
  return rows
}
