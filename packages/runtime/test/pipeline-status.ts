import type { CommitInfo, CommitReceipt, PartitionStatus, PipelineStatus } from '@sluice/ingest-core'

export const NOW = Date.UTC(2026, 0, 5, 12)

export const partitionOf = (partition: number, topic = 'orders') => ({
  clusterId: 'c',
  topicId: topic,
  topic,
  partition,
})

const counts = { consumed: 0, stored: 0, late: 0, duplicate: 0, filtered: 0, deadLettered: 0, inFlight: 0 }

export function partitionStatus(
  partition: number,
  more: Partial<PartitionStatus> = {},
  topic?: string,
): PartitionStatus {
  return {
    partition: partitionOf(partition, topic),
    epoch: 1,
    state: 'running',
    next: 0,
    lag: 0,
    inFlightBytes: 0,
    watermark: null,
    lastCommit: null,
    oldestPending: null,
    busySince: null,
    error: null,
    counts,
    ...more,
  }
}

export function pipelineStatus(more: Partial<PipelineStatus> = {}): PipelineStatus {
  return {
    running: true,
    partitions: [],
    topics: {},
    budget: { limit: 100, used: 40, peak: 60 },
    loop: { waitsFor: 'source', since: NOW },
    source: null,
    circuits: {},
    ...more,
  }
}

export const flow = (more: Partial<typeof counts>) => ({ ...counts, ...more })

export function receiptOf(more: Partial<CommitReceipt> = {}): CommitReceipt {
  return {
    partition: partitionOf(0),
    start: 0,
    end: 10,
    counts: { ...counts, consumed: 10, stored: 10 },
    files: [
      { key: 'a', rows: 5, bytes: 2_000 },
      { key: 'b', rows: 5, bytes: 3_000_000 },
    ],
    reason: 'rows',
    ...more,
  }
}

export const commitInfo: CommitInfo = { at: NOW, tookMs: 400, oldestRecord: NOW - 2_000 }
