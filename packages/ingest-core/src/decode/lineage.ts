import { lineageFields as allLineageFields } from '@sluice/schemas'
import type { Column, Field } from '@sluice/columnar'
import type { PartitionId, RecordSlab } from '../contracts/records.ts'

/** Where a row came from: the columns behind those of the contract. The sink adds `_ingested_at` at the commit. */
export const lineageFields: readonly Field[] = allLineageFields.filter((field) => field.name !== '_ingested_at')

/**
 * Columns for the rows that stem from records `records[row]` of the slab, in the order of `lineageFields`.
 * @param schemaIds per record of the slab; negative for none
 */
export function lineageColumns(
  partition: PartitionId,
  slab: RecordSlab,
  records: Int32Array,
  schemaIds: Float64Array,
): readonly Column[] {
  const length = records.length
  const offsets = new BigInt64Array(length)
  const timestamps = nullable(length)
  const ids = nullable(length)
  const times = new BigInt64Array(length)
  const idValues = new Int32Array(length)
  for (let row = 0; row < length; row++) {
    const record = records[row]!
    offsets[row] = BigInt(slab.offsets[record]!)
    const timestamp = slab.timestamps[record]!
    if (timestamp >= 0) {
      times[row] = BigInt(timestamp)
      timestamps.set(row)
    }
    const id = schemaIds[record]!
    if (id >= 0) {
      idValues[row] = id
      ids.set(row)
    }
  }
  const [topicType, partitionType, offsetType, timestampType, idType] = lineageFields.map((field) => field.type)
  return [
    repeated(topicType!, partition.topic, length),
    { type: partitionType!, length, nullCount: 0, values: new Int32Array(length).fill(partition.partition) },
    { type: offsetType!, length, nullCount: 0, values: offsets },
    { type: timestampType!, length, values: times, ...timestamps.end() },
    { type: idType!, length, values: idValues, ...ids.end() },
  ]
}

interface Nullable {
  set(row: number): void
  end(): Pick<Column, 'nullCount' | 'validity'>
}

function nullable(length: number): Nullable {
  const validity = new Uint8Array((length + 7) >> 3)
  let present = 0
  return {
    set(row) {
      validity[row >> 3]! |= 1 << (row & 7)
      present += 1
    },
    end: () => (present === length ? { nullCount: 0 } : { nullCount: length - present, validity }),
  }
}

function repeated(type: Column['type'], text: string, length: number): Column {
  const one = new TextEncoder().encode(text)
  const values = new Uint8Array(one.length * length)
  const offsets = new Int32Array(length + 1)
  for (let row = 0; row < length; row++) {
    values.set(one, row * one.length)
    offsets[row + 1] = (row + 1) * one.length
  }
  return { type, length, nullCount: 0, offsets, values }
}
