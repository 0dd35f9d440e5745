import { access } from 'node:fs/promises'
import { AppError, type LakeApp } from '@sluice/app-kit'
import { createLocalStore, createSegmentLogSource } from '@sluice/ingest-core'
import { createFileRegistry } from '@sluice/schemas'
import { bakeryContracts, bakeryFeeds } from './feeds.ts'
import { OWNER, PIPELINE, PIPELINE_VERSION, SINK_ID, placesOf, type Places } from './places.ts'

export interface BakeryApp extends LakeApp {
  readonly places: Places
}

/** The bakery on nothing but Node: a segment log, a folder as lake, a file as registry. */
export function openBakery(dataDir: string): BakeryApp {
  const places = placesOf(dataDir)
  return {
    places,
    contracts: bakeryContracts,
    sinkId: SINK_ID,
    owner: OWNER,
    pipeline: { name: PIPELINE, version: PIPELINE_VERSION },
    ledger: places.ledger,
    // One file on one disk: what was registered before a record was written is seen at the first look.
    schemaChecks: 1,
    files: { kind: 'local', root: places.lake },
    async openStore(signal) {
      const store = createLocalStore({ root: places.lake })
      await store.open(signal)
      return store
    },
    async openSource(purpose) {
      try {
        await access(places.log)
      } catch (cause) {
        throw new AppError('SOURCE_MISSING', `there is no log in ${places.log}`, { cause })
      }
      const follow = purpose.follow === true
      return createSegmentLogSource({ root: places.log, topics: bakeryFeeds, follow })
    },
    openRegistry: () => ({ registry: createFileRegistry(places.registry), close: () => Promise.resolve() }),
  }
}
