import type { Column, ColumnBatch } from '@sluice/columnar'
import type { Reject, SinkBatch } from '../contracts/sink.ts'

/** A batch with buffers of its own: a sink may hand those it is given over to another thread. */
export function copySinkBatch(batch: SinkBatch): SinkBatch {
  return { ...batch, batch: copyColumnBatch(batch.batch), rejects: batch.rejects.map(copyReject) }
}

/** Rows with buffers of their own. */
export function copyColumnBatch(batch: ColumnBatch): ColumnBatch {
  return { ...batch, columns: batch.columns.map(copyColumn) }
}

function copyColumn(column: Column): Column {
  const { validity, offsets, values, children } = column
  return {
    ...column,
    ...(validity !== undefined && { validity: validity.slice() }),
    ...(offsets !== undefined && { offsets: offsets.slice() }),
    ...(values !== undefined && { values: values.slice() }),
    ...(children !== undefined && { children: children.map(copyColumn) }),
  }
}

function copyReject(reject: Reject): Reject {
  const copy = (bytes: Uint8Array | null): Uint8Array | null => (bytes === null ? null : new Uint8Array(bytes))
  return { ...reject, key: copy(reject.key), value: copy(reject.value), headers: copy(reject.headers) }
}
