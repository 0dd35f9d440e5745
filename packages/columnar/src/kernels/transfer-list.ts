import type { Column, ColumnBatch } from '../types.ts'

/**
 * The buffers of a batch, each once, for `postMessage(batch, transferList(batch))`: the batch moves to the other thread and
 * its arrays are empty here afterwards. Buffers that Node does not let go of (shared ones) are left out and copied.
 */
export function transferList(batch: ColumnBatch): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>()
  const add = (view: { readonly buffer: ArrayBufferLike } | undefined) => {
    if (view?.buffer instanceof ArrayBuffer) buffers.add(view.buffer)
  }
  const visit = ({ validity, offsets, values, children }: Column) => {
    add(validity)
    add(offsets)
    add(values)
    children?.forEach(visit)
  }
  batch.columns.forEach(visit)
  return [...buffers]
}
