import type { Column, ColumnBatch } from '@sluice/columnar'
import type { Contract } from '@sluice/schemas'
import type { PartitionId } from '../contracts/records.ts'
import type { Reject, SinkBatch } from '../contracts/sink.ts'

const schema = {
  type: 'record',
  name: 'Reading',
  namespace: 'sluice.conformance',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'site', type: ['null', 'string'], default: null },
    { name: 'at', type: ['null', { type: 'long', logicalType: 'timestamp-millis' }], default: null },
  ],
}

/** The contract whose rows the sink suite writes. */
export const sinkTestContract: Contract = {
  name: 'conformance.Reading',
  domain: 'conformance',
  event: 'Reading',
  description: 'Rows of the sink conformance suite',
  topic: 'conformance.readings',
  table: 'readings',
  format: 'avro',
  subject: 'conformance.readings-value',
  versions: [{ version: 1, schema }],
  schema,
  key: ['id'],
  id: 'id',
  eventTime: 'at',
  eventTimeUnit: 'milli',
  latenessMs: 60_000,
  tombstones: 'skip',
  partitionBy: [{ field: 'at', transform: 'day', as: 'date' }],
  rules: [],
  pii: {},
  fieldIds: {},
}

export const sinkTestPartition: PartitionId = {
  clusterId: 'conformance',
  topicId: 'topic-id-1',
  topic: sinkTestContract.topic,
  partition: 0,
}

/** Noon of a day in 2026, ms. */
export const sinkTestNoon = Date.UTC(2026, 10, 21, 12)

/** What becomes of one offset: a row, a reject, a filtered record, or nothing (a hole of the log). */
export type TestRecord =
  | { readonly is: 'row'; readonly at?: number | null; readonly site?: string | null }
  | { readonly is: 'reject'; readonly code?: string }
  | { readonly is: 'filtered' }
  | { readonly is: 'hole' }

/** `r` row, `l` row an hour before noon (late after an `r`), `x` reject, `f` filtered, `-` hole. */
export function testRecords(letters: string): TestRecord[] {
  return [...letters].map((letter, i): TestRecord => {
    if (letter === 'x') return { is: 'reject' }
    if (letter === 'f') return { is: 'filtered' }
    if (letter === '-') return { is: 'hole' }
    return { is: 'row', at: sinkTestNoon + i * 1000 - (letter === 'l' ? 3_600_000 : 0) }
  })
}

/** Records `[start, end)` of a log as the decode stage would deliver them. */
export function testBatch(
  log: readonly TestRecord[],
  start: number,
  end: number,
  options: { readonly partition?: PartitionId; readonly duplicate?: number } = {},
): SinkBatch {
  const { partition = sinkTestPartition, duplicate = 0 } = options
  const rows: { readonly offset: number; readonly record: Extract<TestRecord, { is: 'row' }> }[] = []
  const rejects: Reject[] = []
  const filtered: number[] = []
  for (let offset = start; offset < end; offset++) {
    const record = log[offset]!
    if (record.is === 'row') rows.push({ offset, record })
    else if (record.is === 'reject') rejects.push(rejectAt(offset, record.code ?? 'truncated'))
    else if (record.is === 'filtered') filtered.push(offset)
  }
  return {
    partition,
    start,
    end,
    batch: batchOf(partition, rows),
    rejects,
    consumed: rows.length + rejects.length + filtered.length + duplicate,
    filtered: filtered.length,
    filteredOffsets: Float64Array.from(filtered),
    duplicate,
  }
}

function rejectAt(offset: number, code: string): Reject {
  return {
    offset,
    timestamp: sinkTestNoon + offset,
    key: null,
    value: Uint8Array.of(0, 0xff, offset & 0xff),
    headers: null,
    schemaId: 1,
    stage: 'decode',
    code,
    path: 'id',
    expected: 'a string',
  }
}

function batchOf(
  partition: PartitionId,
  rows: readonly { readonly offset: number; readonly record: Extract<TestRecord, { is: 'row' }> }[],
): ColumnBatch {
  const millis = { kind: 'timestamp', unit: 'milli', utc: true } as const
  const columns: readonly (readonly [string, boolean, Column])[] = [
    ['id', false, texts(rows.map(({ offset }) => `id-${offset}`))],
    ['site', true, texts(rows.map(({ record }) => record.site ?? null))],
    [
      'at',
      true,
      longs(
        millis,
        rows.map(({ record }) => (record.at === undefined ? sinkTestNoon : record.at)),
      ),
    ],
    ['_topic', false, texts(rows.map(() => partition.topic))],
    ['_partition', false, ints(rows.map(() => partition.partition))],
    [
      '_offset',
      false,
      longs(
        { kind: 'int64' },
        rows.map(({ offset }) => offset),
      ),
    ],
    [
      '_timestamp',
      true,
      longs(
        millis,
        rows.map(({ offset }) => sinkTestNoon + offset),
      ),
    ],
    ['_schema_id', true, ints(rows.map(() => 1))],
  ]
  return {
    schema: { fields: columns.map(([name, nullable, { type }]) => ({ name, type, nullable })) },
    length: rows.length,
    columns: columns.map(([, , column]) => column),
  }
}

function presence(values: readonly unknown[]): Pick<Column, 'length' | 'nullCount' | 'validity'> {
  const validity = new Uint8Array((values.length + 7) >> 3)
  values.forEach((value, row) => {
    if (value !== null) validity[row >> 3]! |= 1 << (row & 7)
  })
  const nullCount = values.filter((value) => value === null).length
  return { length: values.length, nullCount, ...(nullCount > 0 && { validity }) }
}

function texts(values: readonly (string | null)[]): Column {
  const parts = values.map((value) => new TextEncoder().encode(value ?? ''))
  const offsets = new Int32Array(parts.length + 1)
  parts.forEach((part, i) => (offsets[i + 1] = offsets[i]! + part.length))
  const bytes = new Uint8Array(offsets[parts.length]!)
  parts.forEach((part, i) => bytes.set(part, offsets[i]!))
  return { type: { kind: 'utf8' }, ...presence(values), offsets, values: bytes }
}

function ints(values: readonly number[]): Column {
  return { type: { kind: 'int32' }, ...presence(values), values: Int32Array.from(values) }
}

function longs(type: Column['type'], values: readonly (number | null)[]): Column {
  return { type, ...presence(values), values: BigInt64Array.from(values, (value) => BigInt(value ?? 0)) }
}
