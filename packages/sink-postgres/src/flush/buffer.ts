import type { Counts, Fetched, Reject, SinkBatch, Tombstone } from '@sluice/ingest-core'
import { int64Column } from '../encode/encode-rows.ts'
import type { EncodedRows } from '../encode/encode-rows.ts'
import type { Refusal } from '../encode/check-values.ts'

/** A row that the storage, or a check in its name, refused. Its bytes are looked up when the dead letter is written. */
export interface RefusedRow extends Refusal {
  readonly offset: number
}

/** What is gathered for a partition since its last commit. */
export interface FlushBuffer {
  readonly start: number
  end: number
  readonly rows: EncodedRows[]
  readonly rejects: Reject[]
  readonly refused: RefusedRow[]
  readonly tombstones: Tombstone[]
  /** Fetched bytes as they came, for the dead letters of refused rows. */
  readonly origins: Fetched[]
  rowCount: number
  bytes: number
  counts: Pick<Counts, 'consumed' | 'filtered' | 'duplicate'>
}

export function emptyBuffer(start: number): FlushBuffer {
  return {
    start,
    end: start,
    rows: [],
    rejects: [],
    refused: [],
    tombstones: [],
    origins: [],
    rowCount: 0,
    bytes: 0,
    counts: { consumed: 0, filtered: 0, duplicate: 0 },
  }
}

export function addToBuffer(
  buffer: FlushBuffer,
  batch: SinkBatch,
  rows: EncodedRows,
  refused: readonly RefusedRow[],
): void {
  if (rows.length > 0) buffer.rows.push(rows)
  buffer.rejects.push(...batch.rejects)
  buffer.refused.push(...refused)
  buffer.tombstones.push(...(batch.tombstones ?? []))
  if (batch.origin !== undefined && buffer.origins.at(-1) !== batch.origin) {
    buffer.origins.push(batch.origin)
    buffer.bytes += batch.origin.byteLength
  }
  buffer.end = batch.end
  buffer.rowCount += rows.length
  buffer.bytes += rows.bytes.byteLength + rows.starts.byteLength + rows.offsets.byteLength
  for (const { value, key, headers } of batch.rejects) {
    buffer.bytes += (value?.length ?? 0) + (key?.length ?? 0) + (headers?.length ?? 0)
  }
  const { consumed, filtered, duplicate } = buffer.counts
  buffer.counts = {
    consumed: consumed + batch.consumed,
    filtered: filtered + batch.filtered,
    duplicate: duplicate + batch.duplicate,
  }
}

/** Refusals of a batch by offset instead of row. */
export function refusedRows({ batch }: SinkBatch, refused: ReadonlyMap<number, Refusal>): RefusedRow[] {
  if (refused.size === 0) return []
  const offsets = int64Column(batch, '_offset')
  return [...refused].map(([row, why]) => ({ ...why, offset: Number(offsets[row]!) }))
}

/**
 * Gives the memory of encoded rows back at once: they are large, and a collector that sees only small objects lets them
 * pile up. What `encode` made belongs to the buffer alone; batches and fetched bytes may be shared with other sinks.
 */
export function freeRows({ rows }: FlushBuffer): void {
  for (const { bytes } of rows) (bytes.buffer as ArrayBuffer).transfer(0)
}
