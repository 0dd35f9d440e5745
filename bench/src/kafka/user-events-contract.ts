import { fileURLToPath } from 'node:url'
import { getContract } from '@sluice/schemas'
import type { Contract } from '@sluice/schemas'

/** Where the registry of the benchmarks on Kafka lies. */
export const registryFolder = fileURLToPath(new URL('../../.data/kafka-registry', import.meta.url))

/** UserEvent v2 under the name of another topic. */
export function contractOf(topic: string): Contract {
  return { ...getContract('ecommerce.UserEvent'), topic }
}
