import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createLocalStore } from '@sluice/ingest-core'
import type { ObjectStore } from '@sluice/ingest-core'

/** A bucket of MinIO. */
export interface Bucket {
  readonly endpoint: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly bucket: string
}

/** Where a run writes: a folder, or a bucket under a prefix. */
export type LakePlace =
  { readonly kind: 'local'; readonly root: string } | ({ readonly kind: 'minio'; readonly prefix: string } & Bucket)

/** Loads the client of a bucket only where there is one, as an app does. */
export async function openPlace(place: LakePlace): Promise<ObjectStore> {
  const store = place.kind === 'local' ? createLocalStore({ root: place.root }) : await bucketStore(place)
  await store.open(AbortSignal.timeout(10_000))
  return store
}

async function bucketStore({ bucket, endpoint, accessKeyId, secretAccessKey }: Bucket): Promise<ObjectStore> {
  const { createS3Store } = await import('@sluice/sink-s3-minio')
  return createS3Store({ bucket, endpoint, credentials: { accessKeyId, secretAccessKey } })
}

export const prefixOf = (place: LakePlace): string => (place.kind === 'local' ? '' : place.prefix)

/** A folder with all Parquet files of the place, for DuckDB: the place itself, or `folder` with copies of the objects. */
export async function localCopy(place: LakePlace, folder: string): Promise<string> {
  if (place.kind === 'local') return place.root
  rmSync(folder, { recursive: true, force: true })
  const store = await openPlace(place)
  const signal = new AbortController().signal
  for await (const { key } of store.list(`${place.prefix}/`, signal)) {
    if (!key.endsWith('.parquet')) continue
    const file = join(folder, key)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, await store.get(key, signal))
  }
  await store.close()
  return folder
}
