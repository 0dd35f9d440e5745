import { createFileSink } from '@sluice/ingest-core'
import type { FileSinkOptions, Sink } from '@sluice/ingest-core'
import type { AdlsStoreOptions } from './adls-options.ts'
import { createAdlsStore } from './adls-store.ts'

/** The file sink's options, with where the container is in place of the store. */
export interface AdlsSinkOptions extends Omit<FileSinkOptions, 'store'> {
  readonly adls: AdlsStoreOptions
}

/**
 * The file sink over a container: opens the store, makes the sink, and closes the store with it. Whoever needs the store elsewhere (audit, dead
 * letters) makes one with `createAdlsStore` and gives it to `createFileSink`.
 * @throws StoreError when the container cannot be used as the sink needs it
 */
export async function createAdlsSink(options: AdlsSinkOptions, signal: AbortSignal): Promise<Sink> {
  const { adls, ...more } = options
  const store = createAdlsStore(adls)
  let sink: Sink
  try {
    await store.open(signal)
    sink = createFileSink({ ...more, store })
  } catch (error) {
    await store.close()
    throw error
  }
  return {
    ...sink,
    async close() {
      await sink.close()
      await store.close()
    },
  }
}
