import type { ColumnBatch } from '@sluice/columnar'
import type { Contract } from '@sluice/schemas'

const perMilli = { milli: 1n, micro: 1000n, nano: 1_000_000n } as const

/** Newest event time of a batch, ms since epoch (rounded down); null when no row has one. */
export function maxEventTime(
  batch: ColumnBatch,
  contract: Pick<Contract, 'eventTime' | 'eventTimeUnit'>,
): number | null {
  const at = batch.schema.fields.findIndex((field) => field.name === contract.eventTime)
  const column = batch.columns[at]
  if (column === undefined || !(column.values instanceof BigInt64Array)) return null
  const { values, validity } = column
  let max: bigint | null = null
  for (let row = 0; row < column.length; row++) {
    if (validity !== undefined && !(validity[row >> 3]! & (1 << (row & 7)))) continue
    const value = values[row]!
    if (max === null || value > max) max = value
  }
  if (max === null) return null
  const divisor = perMilli[column.type.kind === 'timestamp' ? column.type.unit : contract.eventTimeUnit]
  return Number(max / divisor - (max % divisor < 0n ? 1n : 0n))
}
