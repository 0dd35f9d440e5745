import type { Output } from '@sluice/generators'
import { openSegmentLog, type Codec } from '@sluice/ingest-core'
import { SimulatorError } from './errors.ts'

export interface SegmentLogOutputOptions {
  /** Partitions by topic; topics that are missing are made. */
  readonly topics: Readonly<Record<string, number>>
  /** Default zstd, level 1. */
  readonly codec?: Codec
}

export interface SegmentLogOutput extends Output {
  /** Next offset by topic and partition, when it was opened. */
  readonly nextOffsets: Readonly<Record<string, readonly number[]>>
}

/**
 * Writes to an embedded segment log, which the pipeline reads with `createSegmentLogSource`. What was written survives a
 * crash of the process at once, a power cut once `close` has resolved.
 * @throws {SimulatorError} PARTITIONS_DIFFER
 * @throws {LogError} LOG_LOCKED, LOG_CORRUPT, LOG_WRITE_FAILED
 */
export async function createSegmentLogOutput(
  root: string,
  options: SegmentLogOutputOptions,
): Promise<SegmentLogOutput> {
  const { topics, codec = 'zstd' } = options
  const level = codec === 'zstd' || codec === 'gzip' ? { level: 1 } : {}
  const log = await openSegmentLog({ root, codec, fsync: 'roll', ...level })
  const nextOffsets: Record<string, number[]> = {}
  let closed = false
  try {
    for (const [topic, partitions] of Object.entries(topics)) {
      const known = log.topics().get(topic) ?? (await log.createTopic(topic, { partitions }))
      if (known.partitions !== partitions) {
        throw new SimulatorError('PARTITIONS_DIFFER', `${topic} has ${known.partitions} partitions, not ${partitions}`)
      }
      const ends = Array.from({ length: partitions }, (_, partition) => log.bounds(topic, partition))
      nextOffsets[topic] = (await Promise.all(ends)).map(({ end }) => end)
    }
  } catch (error) {
    await log.close()
    throw error
  }
  return {
    nextOffsets,
    write: (topic, records) => log.write(topic, records),
    async close() {
      if (closed) return
      closed = true
      try {
        await log.flush()
      } finally {
        await log.close()
      }
    },
  }
}
