import { createFileSink } from '@sluice/ingest-core'
import type { FileSinkOptions, Sink } from '@sluice/ingest-core'
import type { S3StoreOptions } from './s3-options.ts'
import { createS3Store } from './s3-store.ts'

/** The file sink's options, with where the bucket is in place of the store. */
export interface S3SinkOptions extends Omit<FileSinkOptions, 'store'> {
  readonly s3: S3StoreOptions
}

/**
 * The file sink over a bucket: opens the store, makes the sink, and closes the store with it. Whoever needs the store elsewhere (audit, dead
 * letters) makes one with `createS3Store` and gives it to `createFileSink`.
 * @throws StoreError when the bucket cannot be used as the sink needs it
 */
export async function createS3Sink(options: S3SinkOptions, signal: AbortSignal): Promise<Sink> {
  const { s3, ...more } = options
  const store = createS3Store(s3)
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
