import { rm } from 'node:fs/promises'
import { join } from 'node:path'

/** Names of the app that other data carries for ever: changing one starts a new life. */
export const SINK_ID = 'bronze'
export const OWNER = 'local-medallion'
export const PIPELINE = 'bakery-bronze'
export const PIPELINE_VERSION = '1'

/** Where things are below the data folder. */
export interface Places {
  readonly root: string
  /** Segment log: what Kafka is in the other profiles. */
  readonly log: string
  readonly registry: string
  readonly lake: string
  readonly ledger: string
}

export function placesOf(dataDir: string): Places {
  return {
    root: dataDir,
    log: join(dataDir, 'log'),
    registry: join(dataDir, 'registry'),
    lake: join(dataDir, 'lake'),
    ledger: join(dataDir, 'ledger', 'bakery.jsonl'),
  }
}

/** Removes everything the app made, and only that. */
export async function removeAll(places: Places): Promise<void> {
  for (const folder of [places.log, places.lake, places.registry, places.ledger, `${places.ledger}.summary.json`]) {
    await rm(folder, { recursive: true, force: true })
  }
}
