import type { PartitionId } from '../contracts/records.ts'

/** Identity of a partition as one string; the display name is not part of it. */
export function partitionKey(partition: PartitionId): string {
  return `${partition.clusterId}/${partition.topicId}/${partition.partition}`
}
