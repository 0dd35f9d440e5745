import { createFileSink } from '@sluice/ingest-core'
import type { FileSinkOptions, Sink } from '@sluice/ingest-core'
import type { GcsStoreOptions } from './gcs-options.ts'
import { createGcsStore } from './gcs-store.ts'

/** The file sink's options, with where the bucket is in place of the store. */
export interface GcsSinkOptions extends Omit<FileSinkOptions, 'store'> {
  readonly gcs: GcsStoreOptions
}

/**
 * The file sink over a bucket: opens the store, makes the sink, and closes the store with it. Whoever needs the store elsewhere (audit, dead
 * letters) makes one with `createGcsStore` and gives it to `createFileSink`.
 * @throws StoreError when the bucket cannot be used as the sink needs it
 */
export async function createGcsSink(options: GcsSinkOptions, signal: AbortSignal): Promise<Sink> {
  const { gcs, ...more } = options
  const store = createGcsStore(gcs)
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
