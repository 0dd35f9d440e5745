import { analytics } from './analytics/analytics.ts'
import { bakery } from './bakery/bakery.ts'
import type { Domain, Feed } from './domain.ts'
import { ecommerce } from './ecommerce/ecommerce.ts'
import { GeneratorError } from './errors.ts'
import { pharma } from './pharma/pharma.ts'
import { telco } from './telco/telco.ts'

/** All domains that can be simulated. */
export const domains: readonly Domain[] = Object.freeze([bakery, pharma, ecommerce, analytics, telco])

/** Every feed, in the order of domains. */
export function listFeeds(): readonly Feed[] {
  return domains.flatMap((domain) => domain.feeds)
}

/** @throws {GeneratorError} FEED_UNKNOWN naming the known feeds */
export function findFeed(name: string): { readonly domain: Domain; readonly feed: Feed } {
  for (const domain of domains) {
    const feed = domain.feeds.find((each) => each.name === name)
    if (feed !== undefined) return { domain, feed }
  }
  const known = listFeeds().map((feed) => feed.name)
  throw new GeneratorError('FEED_UNKNOWN', `there is no feed "${name}"; feeds: ${known.join(', ')}`)
}
