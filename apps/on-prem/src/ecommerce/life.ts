import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { produceFeeds, readBounds } from '@sluice/app-kit'
import type { CompatibilityMode } from '@sluice/schemas'
import type { OnPremConfig } from '../config.ts'
import { createBucket, removeObjects } from '../parts/store.ts'
import { registeredVersion } from './schema-versions.ts'
import { userEvent, type ShopApp } from './shop-app.ts'

/** What new versions of the subject are held to: old and new readers read everything, whatever was written before. */
export const shopMode: CompatibilityMode = 'FULL_TRANSITIVE'

/** Topics, bucket, and the first schema version; harmless when all are there. @returns what there is now */
export async function initShop(config: OnPremConfig, app: ShopApp, signal: AbortSignal): Promise<string> {
  const made = await app.topics.create(config.produce.partitions)
  if (config.store.kind === 's3') await createBucket(config)
  const store = await app.openStore(signal)
  await store.close()
  const { registry, close } = app.openRegistry()
  try {
    let current = await registeredVersion(registry, userEvent, signal)
    if (current === undefined) {
      const [first] = userEvent.versions
      current = { version: first!.version, id: await registry.register(userEvent.subject, first!.schema, signal) }
      if ('setMode' in registry && typeof registry.setMode === 'function') {
        await registry.setMode(userEvent.subject, shopMode, signal)
      }
    }
    const topic = made.length > 0 ? `topic ${userEvent.topic} made` : `topic ${userEvent.topic} was there`
    return `${topic}; ${store.name} store ready; ${userEvent.subject} at version ${current.version}`
  } finally {
    await close()
  }
}

export interface ProduceShopOptions {
  readonly count: number
  /** Default: the newest version that the registry has. */
  readonly version?: number
  readonly signal: AbortSignal
}

/** Simulates shop users into the topic, in the version the registry has. @returns what was written */
export async function produceShop(config: OnPremConfig, app: ShopApp, options: ProduceShopOptions): Promise<string> {
  const { count, signal } = options
  const { seed, rate, bad, partitions } = config.produce
  await app.topics.create(partitions)
  const version = options.version ?? (await currentVersion(app, signal))
  const output = await app.topics.openOutput()
  try {
    const before = await producedSoFar(app, signal)
    const summary = await produceFeeds({
      app,
      feeds: [userEvent.topic],
      output,
      count,
      seed,
      rate,
      faults: { bad },
      writerVersions: { [userEvent.topic]: version },
      signal,
    })
    const records = summary.records.toLocaleString('en-US')
    return `produced ${records} records in version ${version}, seed ${summary.seed}, behind ${before.toLocaleString('en-US')}`
  } finally {
    await output.close()
  }
}

async function currentVersion(app: ShopApp, signal: AbortSignal): Promise<number> {
  const { registry, close } = app.openRegistry()
  try {
    return (await registeredVersion(registry, userEvent, signal))?.version ?? userEvent.versions[0]!.version
  } finally {
    await close()
  }
}

async function producedSoFar(app: ShopApp, signal: AbortSignal): Promise<number> {
  return (await readBounds(app, signal)).reduce((sum, { end }) => sum + end, 0)
}

/** Removes what the app made: topic, objects and the data folder. Schemas stay: ids are for ever. */
export async function removeShop(config: OnPremConfig, app: ShopApp, signal: AbortSignal): Promise<void> {
  await app.topics.remove()
  if (config.store.kind === 's3') await removeObjects(config, ownPrefixes, signal)
  for (const name of ['log', 'registry', 'lake', 'ledger', 'cache']) {
    await rm(join(config.dataDir, name), { recursive: true, force: true })
  }
}

/** Data, dead letters, the commit chain, and its marks of topic, owner and consumers. */
const ownPrefixes = [
  'events/',
  `dead-letter-queue/${userEvent.topic}/`,
  '_ingest/ecommerce-raw/',
  '_ingest/_topics/ecommerce-raw/',
  '_ingest/_fed/ecommerce-raw/',
  '_ingest/_owners/events%2F',
] as const
