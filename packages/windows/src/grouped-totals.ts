import type { ColumnBatch } from '@sluice/columnar'
import { createAccumulators, type Cell } from './accumulators.ts'
import { columnIndex, rowFilter } from './columns.ts'
import { WindowError } from './errors.ts'
import { compareGroups, createGroupCodes, type GroupValue } from './group-codes.ts'
import { windowDefaults, type WindowOptions } from './options.ts'

export type TotalsOptions = Pick<WindowOptions, 'groupBy' | 'where' | 'aggregates' | 'maxCells'>

export interface GroupTotal {
  readonly group: Readonly<Record<string, GroupValue>>
  readonly values: Readonly<Record<string, number | null>>
}

/** The same aggregates without windows: over everything added so far, whatever its time. */
export interface GroupedTotals {
  /** @throws WindowError WINDOW_COLUMN_UNSUITABLE, WINDOWS_FULL */
  add(batch: ColumnBatch): void
  /** By group. */
  results(): GroupTotal[]
}

export function createGroupedTotals(options: TotalsOptions): GroupedTotals {
  const { groupBy = [], where, aggregates, maxCells = windowDefaults.maxCells } = options
  const codes = createGroupCodes(groupBy, columnIndex)
  const accumulators = createAccumulators(aggregates, columnIndex)
  const cells: (Cell | undefined)[] = []
  let groups = new Int32Array(0)
  return {
    add(batch) {
      if (batch.length === 0) return
      if (groups.length < batch.length) groups = new Int32Array(batch.length)
      codes.codesOf(batch, groups)
      if (codes.size > maxCells) throw new WindowError('WINDOWS_FULL', `more than ${maxCells} groups`)
      const wanted = where === undefined ? undefined : rowFilter(batch, where)
      const feed = accumulators.reader(batch)
      for (let i = 0; i < batch.length; i++) {
        if (wanted !== undefined && !wanted(i)) continue
        feed((cells[groups[i]!] ??= accumulators.newCell()), i)
      }
    },
    results() {
      const rows = cells.flatMap((cell, group) => (cell === undefined ? [] : [{ values: codes.valuesOf(group), cell }]))
      rows.sort((a, b) => compareGroups(a.values, b.values))
      return rows.map(({ values, cell }) => ({
        group: Object.fromEntries(groupBy.map((name, i) => [name, values[i]!])),
        values: accumulators.valuesOf(cell),
      }))
    },
  }
}
