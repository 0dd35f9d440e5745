import { domains, findFeed, listFeeds, type Feed } from '@sluice/generators'

/**
 * Feeds from words: names of feeds, names of domains (all of their feeds), or `all`. In the order named, each once.
 * @throws {GeneratorError} FEED_UNKNOWN
 */
export function resolveFeeds(words: readonly string[]): readonly Feed[] {
  const feeds = words.flatMap((word) => {
    if (word === 'all') return listFeeds()
    return domains.find((domain) => domain.name === word)?.feeds ?? [findFeed(word).feed]
  })
  return [...new Set(feeds)]
}
