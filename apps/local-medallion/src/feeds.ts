import { listFeeds } from '@sluice/generators'
import { contracts, type Contract } from '@sluice/schemas'

/** The six feeds of the bakery, by topic. */
export const bakeryFeeds: readonly string[] = listFeeds()
  .filter((feed) => feed.contract.domain === 'bakery')
  .map((feed) => feed.name)

/** Contracts of the bakery's six topics. */
export const bakeryContracts: readonly Contract[] = Object.values(contracts).filter(({ topic }) =>
  bakeryFeeds.includes(topic),
)
