import { takeRows } from '@sluice/columnar'
import type { ColumnBatch } from '@sluice/columnar'
import type { SinkBatch } from '../contracts/sink.ts'
import { SinkError } from './errors.ts'

/**
 * Divides a batch at an offset inside it. Rows and rejects know their offsets, filtered records only when the batch says so;
 * `planned` is how many of those an adopted plan counts before the cut. Redeliveries lie before the batch and go to the
 * first part.
 *
 * @throws SinkError PLAN_MISMATCH when the counts cannot be divided so; SINK_BATCH_INVALID when nothing tells how
 */
export function splitSinkBatch(batch: SinkBatch, at: number, planned?: number): readonly [SinkBatch, SinkBatch] {
  const located =
    batch.filteredOffsets?.filter((offset) => offset < at).length ?? (batch.filtered === 0 ? 0 : undefined)
  const filteredBefore = planned ?? located
  if (filteredBefore === undefined) {
    throw new SinkError(
      'SINK_BATCH_INVALID',
      'a batch that is to be divided does not say where its filtered records are',
    )
  }
  const offsets = offsetsOf(batch.batch)
  let rows = 0
  while (rows < offsets.length && Number(offsets[rows]) < at) rows += 1
  const before = batch.rejects.filter((reject) => reject.offset < at)
  const after = batch.rejects.filter((reject) => reject.offset >= at)
  const filteredAfter = batch.filtered - filteredBefore
  const roomBefore = at - batch.start - rows - before.length
  const roomAfter = batch.end - at - (offsets.length - rows) - after.length
  const fits = filteredBefore >= 0 && filteredAfter >= 0 && filteredBefore <= roomBefore && filteredAfter <= roomAfter
  if (!fits || (located !== undefined && located !== filteredBefore)) {
    throw new SinkError(
      'PLAN_MISMATCH',
      `${batch.partition.topic}[${batch.partition.partition}] up to ${at}: the open plan counts other filtered records than arrive now`,
      { evidence: { start: batch.start, at, end: batch.end, filteredBefore, filtered: batch.filtered } },
    )
  }
  const { partition, derivation, filteredOffsets } = batch
  const common = { partition, ...(derivation !== undefined && { derivation }) }
  const known = (wanted: (offset: number) => boolean): Pick<SinkBatch, 'filteredOffsets'> =>
    filteredOffsets === undefined ? {} : { filteredOffsets: filteredOffsets.filter(wanted) }
  return [
    {
      ...common,
      start: batch.start,
      end: at,
      batch: rowsBetween(batch.batch, 0, rows),
      rejects: before,
      consumed: rows + before.length + filteredBefore + batch.duplicate,
      filtered: filteredBefore,
      ...known((offset) => offset < at),
      duplicate: batch.duplicate,
    },
    {
      ...common,
      start: at,
      end: batch.end,
      batch: rowsBetween(batch.batch, rows, offsets.length),
      rejects: after,
      consumed: offsets.length - rows + after.length + filteredAfter,
      filtered: filteredAfter,
      ...known((offset) => offset >= at),
      duplicate: 0,
    },
  ]
}

/** Offsets of the rows. @throws SinkError SINK_BATCH_INVALID */
export function offsetsOf(batch: ColumnBatch): BigInt64Array {
  const at = batch.schema.fields.findIndex((field) => field.name === '_offset')
  const column = batch.columns[at]
  if (column?.type.kind === 'int64') return column.values as BigInt64Array
  throw new SinkError('SINK_BATCH_INVALID', 'a batch has no int64 column _offset')
}

function rowsBetween(batch: ColumnBatch, from: number, to: number): ColumnBatch {
  if (from === 0 && to === batch.length) return batch
  return takeRows(
    batch,
    Int32Array.from({ length: to - from }, (_, i) => from + i),
  )
}
