import type { Column, ColumnBatch, Schema } from '@sluice/columnar'
import type { Reject } from '../contracts/sink.ts'
import type { FlushSpec, Verdict } from './flush-spec.ts'

/**
 * Dead letters as a batch of `schema`, the columns of the contract `sluice.DeadLetter`. What was decided (verdict, first
 * seen, pipeline) comes from the plan, the bytes from the log: nothing here depends on who encodes it or when.
 */
export function deadLetterBatch(
  schema: Schema,
  spec: FlushSpec,
  rejects: readonly Reject[],
  verdicts: readonly Verdict[],
): ColumnBatch {
  const { clusterId, topicId, topic, partition } = spec.partition
  const values: Readonly<Record<string, (reject: Reject, verdict: Verdict) => unknown>> = {
    cluster_id: () => clusterId,
    topic_id: () => topicId,
    topic: () => topic,
    partition: () => partition,
    offset: (reject) => BigInt(reject.offset),
    timestamp: (reject) => (reject.timestamp < 0 ? null : BigInt(reject.timestamp)),
    key: (reject) => reject.key,
    value: (reject) => reject.value,
    headers: (reject) => reject.headers,
    schema_id: (reject) => reject.schemaId,
    stage: (_, verdict) => verdict.stage,
    code: (_, verdict) => verdict.code,
    path: (_, verdict) => verdict.path,
    expected: (_, verdict) => verdict.expected,
    attempt: () => 1,
    pipeline: () => spec.pipeline,
    pipeline_version: () => spec.pipelineVersion,
    first_seen: () => BigInt(spec.ingestedAt) * 1000n,
  }
  const columns = schema.fields.map(({ name, type }) => {
    const valueOf = values[name]
    if (valueOf === undefined) throw new TypeError(`the dead-letter contract has a field ${name} that nothing fills`)
    return column(
      type,
      rejects.map((reject, i) => valueOf(reject, verdicts[i]!)),
    )
  })
  return { schema, length: rejects.length, columns }
}

function column(type: Column['type'], values: readonly unknown[]): Column {
  const length = values.length
  const validity = new Uint8Array((length + 7) >> 3)
  let nullCount = 0
  values.forEach((value, row) => {
    if (value === null) nullCount += 1
    else validity[row >> 3]! |= 1 << (row & 7)
  })
  const base = { type, length, nullCount, ...(nullCount > 0 && { validity }) }
  switch (type.kind) {
    case 'int32':
      return { ...base, values: Int32Array.from(values, (value) => (value as number | null) ?? 0) }
    case 'int64':
    case 'timestamp':
      return { ...base, values: BigInt64Array.from(values, (value) => (value as bigint | null) ?? 0n) }
    case 'enum':
      return { ...base, values: Int32Array.from(values, (value) => Math.max(0, type.symbols.indexOf(value as string))) }
    case 'utf8':
      return { ...base, ...slab(values.map((value) => new TextEncoder().encode((value as string | null) ?? ''))) }
    case 'binary':
      return { ...base, ...slab(values.map((value) => (value as Uint8Array | null) ?? new Uint8Array())) }
    default:
      throw new TypeError(`the dead-letter contract has a field of type ${type.kind} that nothing fills`)
  }
}

function slab(parts: readonly Uint8Array[]): { readonly offsets: Int32Array; readonly values: Uint8Array } {
  const offsets = new Int32Array(parts.length + 1)
  parts.forEach((part, i) => (offsets[i + 1] = offsets[i]! + part.length))
  const values = new Uint8Array(offsets[parts.length]!)
  parts.forEach((part, i) => values.set(part, offsets[i]!))
  return { offsets, values }
}
