/**
 * Which rows are late, computed from the produced order alone and without any code of the pipeline.
 *
 * Definition. For each partition, in offset order, the watermark is the greatest event time of the rows so far that
 * decode and pass the rules (dead-lettered and filtered records do not move it). A row is late when its event time is
 * less than the watermark before it minus the contract's `latenessMs`; a late row does not move the watermark.
 */
export interface LatenessTruth {
  /** Greatest event time seen, in the event time's own unit; -Infinity before the first row. */
  watermark(partition: number): number
  /** Judges the next row of a partition and moves the watermark. @returns true when it is late */
  next(partition: number, eventTime: number): boolean
  /** Watermarks by partition, for a later run that continues this one; null where no row was seen. */
  snapshot(): (number | null)[]
}

export function createLatenessTruth(options: {
  readonly partitions: number
  /** Allowed lateness in the unit of the event time. */
  readonly lateness: number
  readonly initial?: readonly (number | null)[]
}): LatenessTruth {
  const { partitions, lateness, initial } = options
  const watermarks = Array.from({ length: partitions }, (_, p) => initial?.[p] ?? -Infinity)
  return {
    watermark: (partition) => watermarks[partition]!,
    next(partition, eventTime) {
      const watermark = watermarks[partition]!
      if (eventTime < watermark - lateness) return true
      if (eventTime > watermark) watermarks[partition] = eventTime
      return false
    },
    snapshot: () => watermarks.map((w) => (w === -Infinity ? null : w)),
  }
}
