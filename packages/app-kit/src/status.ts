import { renderTable } from '@sluice/runtime'
import type { PartitionState } from './lake-state.ts'

/** Progress and lag of each partition, as a table. */
export function describePartitions(partitions: readonly PartitionState[]): string {
  const table = renderTable(
    [
      { title: 'topic', value: ({ partition }) => partition.topic },
      { title: 'partition', value: ({ partition }) => partition.partition },
      { title: 'log start', value: ({ start }) => start },
      { title: 'log end', value: ({ end }) => end },
      { title: 'landed up to', value: ({ next }) => next ?? 0 },
      { title: 'lag', value: ({ start, end, next }) => end - (next ?? start) },
      { title: 'commits', value: ({ flushes }) => flushes },
    ],
    partitions,
  )
  return `${table}\n`
}
