import type { ColumnBatch } from '@sluice/columnar'
import type { Contract } from '@sluice/schemas'
import type { RecordSlab } from '../contracts/records.ts'

const perMilli = { milli: 1n, micro: 1000n, nano: 1_000_000n } as const
const highWord = 0x1_0000_0000

/** Newest event time of a batch, ms since epoch (rounded down); null when no row has one. */
export function maxEventTime(
  batch: ColumnBatch,
  contract: Pick<Contract, 'eventTime' | 'eventTimeUnit'>,
): number | null {
  const at = batch.schema.fields.findIndex((field) => field.name === contract.eventTime)
  const column = batch.columns[at]
  if (column === undefined || !(column.values instanceof BigInt64Array)) return null
  const { values, validity } = column
  // Halves instead of a BigInt per row: the order of doubles is that of the values, up to equals.
  const words = new Int32Array(values.buffer, values.byteOffset, 2 * column.length)
  let newest = -1
  let most = -Infinity
  for (let row = 0; row < column.length; row++) {
    if (validity !== undefined && !(validity[row >> 3]! & (1 << (row & 7)))) continue
    const value = words[2 * row + 1]! * highWord + (words[2 * row]! >>> 0)
    if (value <= most) continue
    most = value
    newest = row
  }
  if (newest < 0) return null
  const max = values[newest]!
  const divisor = perMilli[column.type.kind === 'timestamp' ? column.type.unit : contract.eventTimeUnit]
  return Number(max / divisor - (max % divisor < 0n ? 1n : 0n))
}

/** Oldest record time of the records at `records` of a slab, ms since epoch; null when none has one. */
export function oldestRecordTime(slab: RecordSlab, records: Int32Array): number | null {
  let oldest = Infinity
  for (let row = 0; row < records.length; row++) {
    const time = slab.timestamps[records[row]!]!
    if (time >= 0 && time < oldest) oldest = time
  }
  return oldest === Infinity ? null : oldest
}
