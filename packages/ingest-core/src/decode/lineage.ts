import type { Column, Field } from '@sluice/columnar'
import type { PartitionId, RecordSlab } from '../contracts/records.ts'

/** Where a row came from: the columns behind those of the contract. The sink adds `_ingested_at` at the commit. */
export const lineageFields: readonly Field[] = [
  { name: '_topic', type: { kind: 'utf8' }, nullable: false },
  { name: '_partition', type: { kind: 'int32' }, nullable: false },
  { name: '_offset', type: { kind: 'int64' }, nullable: false },
  { name: '_timestamp', type: { kind: 'timestamp', unit: 'milli', utc: true }, nullable: true },
  { name: '_schema_id', type: { kind: 'int32' }, nullable: true },
]

/**
 * Columns for the rows that stem from records `records[0, length)` of the slab.
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
  const timestamps = new BigInt64Array(length)
  const ids = new Int32Array(length)
  const hasTime = new Uint8Array((length + 7) >> 3)
  const hasId = new Uint8Array((length + 7) >> 3)
  let noTime = 0
  let noId = 0
  for (let row = 0; row < length; row++) {
    const record = records[row]!
    offsets[row] = BigInt(slab.offsets[record]!)
    const timestamp = slab.timestamps[record]!
    if (timestamp < 0) noTime += 1
    else {
      timestamps[row] = BigInt(timestamp)
      hasTime[row >> 3]! |= 1 << (row & 7)
    }
    const id = schemaIds[record]!
    if (id < 0) noId += 1
    else {
      ids[row] = id
      hasId[row >> 3]! |= 1 << (row & 7)
    }
  }
  const [topic, partitionType, offset, timestamp, schemaId] = lineageFields.map((field) => field.type)
  return [
    repeated(topic!, partition.topic, length),
    { type: partitionType!, length, nullCount: 0, values: new Int32Array(length).fill(partition.partition) },
    { type: offset!, length, nullCount: 0, values: offsets },
    { type: timestamp!, length, nullCount: noTime, values: timestamps, ...(noTime > 0 && { validity: hasTime }) },
    { type: schemaId!, length, nullCount: noId, values: ids, ...(noId > 0 && { validity: hasId }) },
  ]
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
