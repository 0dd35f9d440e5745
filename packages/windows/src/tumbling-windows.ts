import type { ColumnBatch } from '@sluice/columnar'
import { createAccumulators, type Cell } from './accumulators.ts'
import { columnIndex, rowFilter, timesOf } from './columns.ts'
import { WindowError } from './errors.ts'
import { compareGroups, createGroupCodes, type GroupValue } from './group-codes.ts'
import { checkOptions, type WindowOptions } from './options.ts'

/** The result of one group of one window; final: nothing of it is told again. */
export interface WindowResult {
  /** ms since epoch; `end` is exclusive. */
  readonly start: number
  readonly end: number
  readonly group: Readonly<Record<string, GroupValue>>
  /** By name of the aggregate; null when no row had a number. */
  readonly values: Readonly<Record<string, number | null>>
}

export interface TumblingWindows {
  /** Says that rows of this source will come, so that its silence holds windows open. */
  expect(source: string): void
  /**
   * Adds the rows of a batch. Rows of one source are taken in their order; its batches may be of any size.
   * @returns results of the windows that the watermark has passed, by start and then group
   * @throws WindowError WINDOW_COLUMN_UNSUITABLE, WINDOWS_FULL, WINDOWS_CLOSED
   */
  add(source: string, batch: ColumnBatch): WindowResult[]
  /** A source that is silent no longer holds the others up; its next row counts again. */
  idle(source: string): WindowResult[]
  /** Ends all windows. */
  close(): WindowResult[]
  /** No row before this time is waited for, ms since epoch; -Infinity before every source has spoken. */
  readonly watermark: number
  readonly counts: WindowCounts
}

export interface WindowCounts {
  readonly rows: number
  /** In no window: behind the watermark, when their window was over. */
  readonly late: number
  /** In no window: event time null or outside the time range. */
  readonly untimed: number
  /** Left out by `where`. */
  readonly filtered: number
}

/**
 * Aggregates rows into windows of equal length by event time. A window is told once, when the watermark (the least of the
 * sources' newest event times, minus the lateness) has passed its end. As long as no row comes later than that, results
 * equal those of all rows at once, whatever the order of arrival: sums are exact before they are rounded.
 *
 * Rows are read from column buffers; memory is one cell per group of each open window.
 */
export function createTumblingWindows(given: WindowOptions): TumblingWindows {
  const { sizeMs, latenessMs, time, groupBy, where, aggregates, timeRange, maxCells } = checkOptions(given)
  const codes = createGroupCodes(groupBy, columnIndex)
  const accumulators = createAccumulators(aggregates, columnIndex)
  const windows = new Map<number, Map<number, Cell>>()
  /** Newest event time by source; -Infinity before its first row. */
  const newest = new Map<string, number>()
  let cells = 0
  let closed = false
  let told = -Infinity
  let groups = new Int32Array(0)
  const counts = { rows: 0, late: 0, untimed: 0, filtered: 0 }

  function leastExcept(source: string | undefined): number {
    let least = Infinity
    for (const [name, at] of newest) if (name !== source && at < least) least = at
    return least
  }

  function watermark(): number {
    const least = leastExcept(undefined)
    // Without a source nothing is known; a watermark never goes back.
    return Math.max(told, least === Infinity ? -Infinity : least - latenessMs)
  }

  function cellOf(start: number, group: number): Cell {
    let window = windows.get(start)
    if (window === undefined) windows.set(start, (window = new Map()))
    let cell = window.get(group)
    if (cell === undefined) {
      cells += 1
      if (cells > maxCells) {
        throw new WindowError('WINDOWS_FULL', `more than ${maxCells} groups in ${windows.size} open windows`)
      }
      window.set(group, (cell = accumulators.newCell()))
    }
    return cell
  }

  /** Takes out what is over, in the order of time and groups. */
  function take(until: number): WindowResult[] {
    const over = [...windows.keys()].filter((start) => start + sizeMs <= until).sort((a, b) => a - b)
    const results: WindowResult[] = []
    for (const start of over) {
      const window = windows.get(start)!
      windows.delete(start)
      cells -= window.size
      const rows = [...window].map(([group, cell]) => ({ values: codes.valuesOf(group), cell }))
      rows.sort((a, b) => compareGroups(a.values, b.values))
      for (const { values, cell } of rows) {
        const group = Object.fromEntries(groupBy.map((name, i) => [name, values[i]!]))
        results.push({ start, end: start + sizeMs, group, values: accumulators.valuesOf(cell) })
      }
    }
    told = Math.max(told, until)
    return results
  }

  function assertOpen(): void {
    if (closed) throw new WindowError('WINDOWS_CLOSED', 'the windows are closed')
  }

  return {
    expect(source) {
      assertOpen()
      if (!newest.has(source)) newest.set(source, -Infinity)
    },
    add(source, batch) {
      assertOpen()
      const { length } = batch
      counts.rows += length
      if (length === 0) return take(watermark())
      const times = timesOf(batch, time)
      const wanted = where === undefined ? undefined : rowFilter(batch, where)
      if (groups.length < length) groups = new Int32Array(length)
      codes.codesOf(batch, groups)
      const feed = accumulators.reader(batch)
      const others = leastExcept(source)
      let own = newest.get(source) ?? -Infinity
      let lastStart = NaN
      let lastGroup = -1
      let cell: Cell | undefined
      for (let i = 0; i < length; i++) {
        const at = times(i)
        if (!(at >= timeRange.min && at < timeRange.max)) {
          counts.untimed += 1
          continue
        }
        const start = Math.floor(at / sizeMs) * sizeMs
        // Judged before the row itself moves the watermark, and row by row, so that the size of batches plays no part.
        const isLate = start + sizeMs <= Math.max(told, Math.min(own, others) - latenessMs)
        if (at > own) own = at
        if (isLate) {
          counts.late += 1
          continue
        }
        if (wanted !== undefined && !wanted(i)) {
          counts.filtered += 1
          continue
        }
        const group = groups[i]!
        if (start !== lastStart || group !== lastGroup) {
          cell = cellOf(start, group)
          lastStart = start
          lastGroup = group
        }
        feed(cell!, i)
      }
      newest.set(source, own)
      return take(watermark())
    },
    idle(source) {
      assertOpen()
      newest.delete(source)
      return take(watermark())
    },
    close() {
      if (closed) return []
      closed = true
      return take(Infinity)
    },
    get watermark() {
      return watermark()
    },
    get counts() {
      return { ...counts }
    },
  }
}
