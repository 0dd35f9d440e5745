import type { PartitionId, StartPolicy } from '../contracts/records.ts'
import type { Source } from '../contracts/source.ts'
import { PipelineError } from './errors.ts'

/** Where a partition begins that the sink has never seen (fault 24). @throws PipelineError START_POLICY_NEEDED */
export async function firstOffset(source: Source, partition: PartitionId, policy: StartPolicy): Promise<number> {
  if (policy === 'fail') {
    throw new PipelineError(
      'START_POLICY_NEEDED',
      `${partition.topic}[${partition.partition}]: the sink has never seen this partition; set startPolicy to earliest or latest`,
    )
  }
  const { start, end } = await source.bounds(partition)
  return policy === 'earliest' ? start : end
}
