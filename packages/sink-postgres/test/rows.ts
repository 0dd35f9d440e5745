import { batchFromRows } from '@sluice/columnar'
import { arrowSchemaOf, lineageFields } from '@sluice/schemas'
import type { AvroSchema, Contract } from '@sluice/schemas'
import type { PartitionId, Reject, Sink, SinkBatch, Tombstone } from '@sluice/ingest-core'

export const never = new AbortController().signal
export const fromZero = (): Promise<number> => Promise.resolve(0)

export function contractOf(fields: readonly object[], more: Partial<Contract> = {}): Contract {
  const schema = { type: 'record', name: 'Thing', namespace: 'sluice.test', fields } as unknown as AvroSchema
  return {
    name: 'test.Thing',
    domain: 'test',
    event: 'Thing',
    description: "Things; it's a test",
    topic: 'test.things',
    table: 'things',
    format: 'avro',
    subject: 'test.things-value',
    versions: [{ version: 1, schema }],
    schema,
    key: ['id'],
    eventTime: 'at',
    eventTimeUnit: 'milli',
    latenessMs: 60_000,
    tombstones: 'skip',
    partitionBy: [],
    rules: [],
    pii: {},
    fieldIds: {},
    ...more,
  }
}

export const millis = { type: 'long', logicalType: 'timestamp-millis' }
export const optional = (type: unknown): unknown => ['null', type]

export function partitionOf(contract: Contract, partition = 0): PartitionId {
  return { clusterId: 'test', topicId: 'topic-1', topic: contract.topic, partition }
}

/** Rows of a contract as a batch; row `i` has offset `start + i` unless `offsets` says otherwise. */
export function batchOf(
  contract: Contract,
  partition: PartitionId,
  start: number,
  rows: readonly Readonly<Record<string, unknown>>[],
  more: {
    readonly rejects?: readonly Reject[]
    readonly tombstones?: readonly Tombstone[]
    readonly offsets?: readonly number[]
    readonly end?: number
  } = {},
): SinkBatch {
  const lineage = lineageFields.filter((field) => field.name !== '_ingested_at')
  const batch = batchFromRows(
    { fields: [...arrowSchemaOf(contract).fields, ...lineage] },
    rows.map((row, i) => ({
      ...row,
      _topic: partition.topic,
      _partition: partition.partition,
      _offset: BigInt(more.offsets?.[i] ?? start + i),
      _timestamp: 1_780_000_000_000n,
      _schema_id: 1,
    })),
  )
  const rejects = more.rejects ?? []
  const tombstones = more.tombstones ?? []
  const consumed = rows.length + rejects.length + tombstones.length
  return {
    partition,
    start,
    end: more.end ?? start + consumed,
    batch,
    rejects,
    ...(tombstones.length > 0 && { tombstones }),
    consumed,
    filtered: 0,
    duplicate: 0,
  }
}

/** Opens, writes one batch, commits, abandons. */
export async function land(sink: Sink, batch: SinkBatch) {
  await sink.open(batch.partition, () => Promise.resolve(batch.start), never)
  try {
    await sink.write(batch, never)
    return await sink.commit({ partition: batch.partition, reason: 'time' }, never)
  } finally {
    await sink.abandon(batch.partition)
  }
}

/** Deterministic numbers in [0, 1). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

export function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const out = [...items]
  for (let i = out.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    ;[out[i], out[j]] = [out[j]!, out[i]!]
  }
  return out
}
