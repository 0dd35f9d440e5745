import type { Counts } from '../contracts/sink.ts'
import type { DecodedBatch } from '../decode/decoded.ts'
import { PipelineError } from './errors.ts'

/** consumed = stored + duplicate + late + filtered + deadLettered + in flight. */
export interface FlowCounts extends Counts {
  /** Taken from the source in this run and not yet decided by a commit; a restart reads them again. */
  readonly inFlight: number
}

export const noCounts: Counts = { consumed: 0, stored: 0, late: 0, duplicate: 0, filtered: 0, deadLettered: 0 }

export function addCounts(a: Counts, b: Counts): Counts {
  return {
    consumed: a.consumed + b.consumed,
    stored: a.stored + b.stored,
    late: a.late + b.late,
    duplicate: a.duplicate + b.duplicate,
    filtered: a.filtered + b.filtered,
    deadLettered: a.deadLettered + b.deadLettered,
  }
}

/** @throws PipelineError CONSERVATION_BROKEN when the outcomes do not add up to what was consumed */
export function assertConserved(where: string, counts: Counts, inFlight = 0): void {
  const outcomes = counts.stored + counts.late + counts.duplicate + counts.filtered + counts.deadLettered + inFlight
  if (counts.consumed === outcomes && inFlight >= 0) return
  throw new PipelineError(
    'CONSERVATION_BROKEN',
    `${where}: consumed ${counts.consumed}, but stored ${counts.stored} + late ${counts.late} + duplicate ` +
      `${counts.duplicate} + filtered ${counts.filtered} + dead-lettered ${counts.deadLettered} + in flight ${inFlight} = ` +
      `${outcomes}; this is a defect of the pipeline or sink: stop and report it`,
  )
}

/** A decoded batch begins where the one before ended, and each of its records has an outcome. @throws PipelineError */
export function assertAccounted(where: string, batch: DecodedBatch, writtenEnd: number): void {
  const tombstones = batch.tombstones?.length ?? 0
  const outcomes = batch.batch.length + batch.rejects.length + tombstones + batch.filtered + batch.duplicate
  if (batch.consumed === outcomes && batch.start === writtenEnd) return
  throw new PipelineError(
    'CONSERVATION_BROKEN',
    `${where}: batch [${batch.start}, ${batch.end}) after ${writtenEnd}: consumed ${batch.consumed}, outcomes ${outcomes}`,
  )
}
