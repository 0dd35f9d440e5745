import { expect } from 'vitest'
import { splitRecordBatches } from '@sluice/ingest-core'
import type { AssignmentChange, Fetched, PartitionId, Source } from '@sluice/ingest-core'

export const never = new AbortController().signal

/** Values of a read at or above its start, as a worker would see them. */
export function valuesOf(fetched: Fetched): { offset: number; value: string }[] {
  const { abortedTransactions } = fetched.kind === 'batches' ? fetched : {}
  const slab =
    fetched.kind === 'slab'
      ? fetched.slab
      : splitRecordBatches(fetched.bytes, {
          from: fetched.start,
          maxInflatedBytes: 2 ** 26,
          ...(abortedTransactions && { abortedTransactions }),
        }).slab
  return Array.from({ length: slab.length }, (_, i) => ({
    offset: slab.offsets[i]!,
    value: Buffer.from(slab.bytes.subarray(slab.valueStart[i]!, slab.valueEnd[i]!)).toString(),
  })).filter(({ offset }) => offset >= fetched.start)
}

/** Takes changes until `count` partitions are there; in their order. */
export async function assigned(source: Source, count: number): Promise<PartitionId[]> {
  const ids: PartitionId[] = []
  for await (const change of source.assignments(never)) {
    ids.push(...change.assigned)
    if (ids.length >= count) break
  }
  return ids.sort((a, b) => a.partition - b.partition)
}

/** Polls one partition until it has come to `end`; reads must follow each other without a gap. */
export async function readTo(source: Source, from: number, end: number): Promise<{ offset: number; value: string }[]> {
  const records: { offset: number; value: string }[] = []
  let next = from
  for (let idle = 0; next < end;) {
    const fetched = await source.poll(1 << 20, never)
    idle = fetched.length === 0 ? idle + 1 : 0
    expect(idle, `polls without a record at offset ${next}`).toBeLessThan(200)
    for (const one of fetched) {
      expect(one.start).toBe(next)
      next = one.end
      records.push(...valuesOf(one))
    }
  }
  expect(next).toBe(end)
  return records
}

/** Polls until an error comes, and gives it. */
export async function pollError(source: Source, ms = 30_000): Promise<Error> {
  const until = Date.now() + ms
  while (Date.now() < until) {
    try {
      await source.poll(1 << 20, never)
    } catch (error) {
      return error as Error
    }
  }
  throw new Error(`no error in ${ms} ms`)
}

/** Follows the changes in the background; the last state is `held`. */
export function follow(source: Source): { readonly changes: AssignmentChange[]; held(): string[]; end(): void } {
  const changes: AssignmentChange[] = []
  const ending = new AbortController()
  const held = new Map<string, PartitionId>()
  const nameOf = ({ topic, partition }: PartitionId): string => `${topic}-${partition}`
  void (async () => {
    for await (const change of source.assignments(ending.signal)) {
      changes.push(change)
      for (const id of change.revoked) held.delete(nameOf(id))
      for (const id of change.assigned) held.set(nameOf(id), id)
    }
  })()
  return { changes, held: () => [...held.keys()].sort(), end: () => ending.abort() }
}
