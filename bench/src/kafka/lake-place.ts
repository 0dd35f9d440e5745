import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { createLocalStore } from '@sluice/ingest-core'
import type { ObjectStore } from '@sluice/ingest-core'
import { createS3Store } from '@sluice/sink-s3-minio'

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

export function s3Client({ endpoint, accessKeyId, secretAccessKey }: Bucket): S3Client {
  return new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
  })
}

/** A new bucket of the MinIO that `tools/services` started. */
export async function makeBucket(env: Readonly<Record<string, string>>): Promise<Bucket> {
  const made = {
    endpoint: env['S3_ENDPOINT']!,
    accessKeyId: env['S3_ACCESS_KEY_ID']!,
    secretAccessKey: env['S3_SECRET_ACCESS_KEY']!,
    bucket: `bench-${process.pid}-${Date.now()}`,
  }
  const client = s3Client(made)
  await client.send(new CreateBucketCommand({ Bucket: made.bucket }))
  client.destroy()
  return made
}

export async function openPlace(place: LakePlace): Promise<ObjectStore> {
  const store =
    place.kind === 'local'
      ? createLocalStore({ root: place.root })
      : createS3Store({
          bucket: place.bucket,
          endpoint: place.endpoint,
          credentials: { accessKeyId: place.accessKeyId, secretAccessKey: place.secretAccessKey },
        })
  await store.open(AbortSignal.timeout(10_000))
  return store
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
