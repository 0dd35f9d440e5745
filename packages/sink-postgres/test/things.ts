import type { Reject, Sink, SinkBatch } from '@sluice/ingest-core'
import { batchOf, contractOf, fromZero, millis, never, optional, partitionOf } from './rows.ts'
import type { Produced } from './audit.ts'

/** A small contract for tests of faults. Every tenth record is bad already when it reaches the sink. */
export const things = contractOf([
  { name: 'id', type: 'string' },
  { name: 'at', type: millis },
  { name: 'name', type: optional('string') },
  { name: 'price', type: 'double' },
])

export const partition = partitionOf(things)

export const thingAt = (offset: number): Record<string, unknown> => ({
  id: `id-${String(offset).padStart(6, '0')}`,
  at: BigInt(1_780_000_000_000 + offset),
  name: offset % 10 === 3 ? `nul \0 ${offset}` : `name ${offset}`,
  price: offset,
})

function rejectAt(offset: number): Reject {
  return {
    offset,
    timestamp: 1_780_000_000_000,
    key: null,
    value: Uint8Array.of(9, offset & 255),
    headers: null,
    schemaId: null,
    stage: 'decode',
    code: 'truncated',
    path: '',
    expected: 'more bytes',
  }
}

const isReject = (offset: number): boolean => offset % 10 === 7

/** Offsets `[start, end)` as the decode stage would deliver them. */
export function thingsBatch(start: number, end: number): SinkBatch {
  const offsets = Array.from({ length: end - start }, (_, i) => start + i)
  const good = offsets.filter((offset) => !isReject(offset))
  return batchOf(things, partition, start, good.map(thingAt), {
    offsets: good,
    rejects: offsets.filter(isReject).map(rejectAt),
    end,
  })
}

/** What `[0, end)` must have become: rows with NUL are refused by the sink, others came as rejects. */
export function producedUpTo(end: number): Produced {
  const offsets = Array.from({ length: end }, (_, i) => i)
  const bad = offsets.filter((offset) => isReject(offset) || offset % 10 === 3)
  const is = new Set(bad)
  return { bad, good: offsets.filter((offset) => !is.has(offset)) }
}

/** Lands up to `end` in steps, as a pipeline does: reopens after errors that say so. */
export async function runThings(sink: Sink, end: number, step: number, reopens = 0): Promise<void> {
  for (let left = reopens; ; left--) {
    try {
      const { next } = await sink.open(partition, fromZero, never)
      for (let at = next; at < end; at += step) {
        await sink.write(thingsBatch(at, Math.min(end, at + step)), never)
        await sink.commit({ partition, reason: 'time' }, never)
      }
      await sink.abandon(partition)
      return
    } catch (error) {
      await sink.abandon(partition)
      if (left <= 0) throw error
    }
  }
}
