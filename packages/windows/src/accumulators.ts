import type { Column, ColumnBatch } from '@sluice/columnar'
import { WindowError } from './errors.ts'
import { createExactSum, type ExactSum } from './exact-sum.ts'
import type { Aggregate } from './options.ts'

/** What a group of a window has gathered. One per group, never one per row. */
export interface Cell {
  rows: number
  readonly columns: ColumnCell[]
}

/** Of one number column. */
interface ColumnCell {
  count: number
  min: number
  max: number
  readonly sum: ExactSum
}

export interface Accumulators {
  newCell(): Cell
  /** Reads rows of a batch into cells. */
  reader(batch: ColumnBatch): (cell: Cell, row: number) => void
  valuesOf(cell: Cell): Record<string, number | null>
}

/** One accumulator per number column, however many aggregates look at it. */
export function createAccumulators(
  aggregates: Readonly<Record<string, Aggregate>>,
  indexOf: (batch: ColumnBatch, name: string) => number,
): Accumulators {
  const names: string[] = []
  const outputs = Object.entries(aggregates).map(([name, aggregate]) => {
    if (aggregate === 'count') return { name, kind: 'count' as const, at: -1 }
    const [kind, column] = Object.entries(aggregate)[0] as ['sum' | 'mean' | 'min' | 'max', string]
    if (!names.includes(column)) names.push(column)
    return { name, kind, at: names.indexOf(column) }
  })

  return {
    newCell: () => ({
      rows: 0,
      columns: names.map(() => ({ count: 0, min: Infinity, max: -Infinity, sum: createExactSum() })),
    }),
    reader(batch) {
      const numbers = names.map((name) => numbersOf(batch.columns[indexOf(batch, name)]!, name))
      return (cell, row) => {
        cell.rows += 1
        for (let c = 0; c < numbers.length; c++) {
          const value = numbers[c]!(row)
          if (value === null) continue
          const into = cell.columns[c]!
          into.count += 1
          into.sum.add(value)
          if (value < into.min) into.min = value
          if (value > into.max) into.max = value
        }
      }
    },
    valuesOf(cell) {
      const values: Record<string, number | null> = {}
      for (const { name, kind, at } of outputs)
        values[name] = kind === 'count' ? cell.rows : valueOf(cell.columns[at]!, kind)
      return values
    },
  }
}

function valueOf({ count, min, max, sum }: ColumnCell, kind: 'sum' | 'mean' | 'min' | 'max'): number | null {
  if (count === 0) return null
  switch (kind) {
    case 'sum':
      return sum.value()
    case 'mean':
      return sum.value() / count
    case 'min':
      return min
    case 'max':
      return max
  }
}

function numbersOf(column: Column, name: string): (row: number) => number | null {
  const { type, values, validity } = column
  switch (type.kind) {
    case 'int32':
    case 'float32':
    case 'float64':
    case 'int64':
      break
    default:
      throw new WindowError(
        'WINDOW_COLUMN_UNSUITABLE',
        `${name}: a column of type ${type.kind} holds no numbers to add up`,
      )
  }
  const numbers = values as Int32Array | Float32Array | Float64Array | BigInt64Array
  return (i) => {
    if (validity !== undefined && ((validity[i >> 3]! >> (i & 7)) & 1) === 0) return null
    return Number(numbers[i])
  }
}
