import { getContract, type Contract } from '@sluice/schemas'

/** The feed that is simulated. */
export const feed = 'ecommerce-events'
export const sinkId = 'chaos'

/** Its contract on a topic of the run's own. Tombstones are skipped, so that something is filtered. */
export function contractOn(topic: string): Contract {
  return { ...getContract('ecommerce.UserEvent'), topic, tombstones: 'skip' }
}
