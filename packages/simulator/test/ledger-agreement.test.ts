import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { domains, faultsOf, type Domain, type Feed } from '@sluice/generators'
import { createLocalStore } from '@sluice/ingest-core'
import { afterAll, describe, expect, it } from 'vitest'
import { type FeedLog, writeFeedLog } from './support/feed-log.ts'
import { landAndCompare } from './support/land-feeds.ts'

const folders: string[] = []
const logs: FeedLog[] = []

afterAll(async () => {
  for (const log of logs) await log.dispose()
  for (const folder of folders) await rm(folder, { recursive: true, force: true })
})

async function agree(domain: Domain, writerVersions: Readonly<Record<string, number>> = {}): Promise<void> {
  const feedLog = await writeFeedLog({
    feeds: domain.feeds,
    seed: `agreement of ${domain.name}`,
    count: 1000,
    writerVersions,
  })
  logs.push(feedLog)
  for (const feed of domain.feeds) expectEveryFault(feed, feedLog, writerVersions[feed.name])

  const folder = await mkdtemp(join(tmpdir(), 'sluice-simulator-lake-'))
  folders.push(folder)
  const { summary, diff } = await landAndCompare(feedLog, {
    contracts: domain.feeds.map(({ contract }) => contract),
    store: createLocalStore({ root: folder, durable: false }),
  })
  expect(summary.outcome).toBe('caught-up')
  expect(diff).toEqual({ compared: feedLog.ledger.length, pending: 0, differences: [] })
  for (const [topic, counted] of Object.entries(summary.topics)) {
    const expected = (outcome: string) => feedLog.ledger.filter((e) => e.topic === topic && e.expect === outcome).length
    expect([counted.stored, counted.late, counted.deadLettered, counted.filtered]).toEqual([
      expected('stored'),
      expected('late'),
      expected('dead-letter'),
      expected('filtered'),
    ])
  }
}

/** The agreement says nothing about a fault that did not happen. */
function expectEveryFault(feed: Feed, { ledger }: FeedLog, version: number | undefined): void {
  const seen = new Set(ledger.filter(({ topic }) => topic === feed.name).map(({ fault }) => fault))
  const missing = faultsOf(feed, version).filter((fault) => !seen.has(fault))
  expect(missing, `${feed.name}: faults that did not happen`).toEqual([])
}

describe('the ledger agrees with the pipeline, record by record, with every fault of every feed', () => {
  // The bakery's rare promotions take a world of many days; a busy machine needs its time for it.
  it.each(domains.map((domain) => [domain.name, domain] as const))('%s', (_, domain) => agree(domain), 300_000)

  it('ecommerce, written with version 1 among version 2', () => {
    const domain = domains.find(({ name }) => name === 'ecommerce')!
    return agree(domain, { 'ecommerce-events': 1 })
  })
})
