import { join } from 'node:path'
import { CreateBucketCommand, HeadBucketCommand, S3Client } from '@aws-sdk/client-s3'
import type { LakeApp } from '@sluice/app-kit'
import { createLocalStore, type ObjectStore } from '@sluice/ingest-core'
import { createS3Store } from '@sluice/sink-s3-minio'
import type { OnPremConfig } from '../config.ts'

type StoreConfig = Pick<OnPremConfig, 'store' | 'dataDir'>

function s3Access({ store }: StoreConfig) {
  const { endpoint, region, accessKeyId, secretAccessKey } = store
  return {
    region,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(accessKeyId !== undefined && secretAccessKey !== undefined
      ? { credentials: { accessKeyId, secretAccessKey: secretAccessKey.reveal() } }
      : {}),
  }
}

/** The lake's store, not opened. */
export function createStore(config: StoreConfig): ObjectStore {
  if (config.store.kind === 'local') return createLocalStore({ root: lakeFolder(config) })
  return createS3Store({ bucket: config.store.bucket, ...s3Access(config) })
}

export async function openStore(config: StoreConfig, signal: AbortSignal): Promise<ObjectStore> {
  const store = createStore(config)
  await store.open(signal)
  return store
}

/** Makes the bucket when it is missing. @returns whether it did */
export async function createBucket(config: StoreConfig): Promise<boolean> {
  const Bucket = config.store.bucket
  const client = new S3Client({ ...s3Access(config), forcePathStyle: config.store.endpoint !== undefined })
  try {
    try {
      await client.send(new HeadBucketCommand({ Bucket }))
      return false
    } catch (error) {
      if ((error as { name?: unknown }).name !== 'NotFound') throw error
    }
    await client.send(new CreateBucketCommand({ Bucket }))
    return true
  } finally {
    client.destroy()
  }
}

/** Deletes what lies below the prefixes: only what an app wrote, as a bucket may be shared. */
export async function removeObjects(
  config: StoreConfig,
  prefixes: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  await createBucket(config)
  const store = await openStore(config, signal)
  try {
    for (const prefix of prefixes) {
      const keys: string[] = []
      for await (const { key } of store.list(prefix, signal)) keys.push(key)
      await store.delete(keys, signal)
    }
  } finally {
    await store.close()
  }
}

/** Where DuckDB finds the objects. */
export function lakeFiles(config: StoreConfig): LakeApp['files'] {
  if (config.store.kind === 'local') return { kind: 'local', root: lakeFolder(config) }
  return { kind: 'cache', folder: join(config.dataDir, 'cache') }
}

export function lakeFolder({ dataDir }: Pick<OnPremConfig, 'dataDir'>): string {
  return join(dataDir, 'lake')
}
