import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { testServices } from '@sluice-tools/services'
import type { TestServices } from '@sluice-tools/services'
import { createS3Store } from '../src/s3-store.ts'
import type { S3Store } from '../src/s3-store.ts'
import type { S3StoreOptions } from '../src/s3-options.ts'

export const never = new AbortController().signal

/** The real MinIO of this run, with buckets for the asking. */
export interface Minio {
  readonly endpoint: string
  readonly client: S3Client
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
  /** A bucket of this test file; the same for the same name. */
  bucket(name: string): Promise<string>
  /** Options for a store in that bucket; `more` wins. */
  options(bucket: string, more?: Partial<S3StoreOptions>): S3StoreOptions
  /** An open store in the bucket of this name. */
  store(name: string, more?: Partial<S3StoreOptions>): Promise<S3Store>
  release(): Promise<void>
}

export async function startMinio(): Promise<Minio> {
  const services: TestServices = await testServices(['minio'])
  const { S3_ENDPOINT, S3_REGION, S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY } = services.env
  const credentials = { accessKeyId: S3_ACCESS_KEY_ID!, secretAccessKey: S3_SECRET_ACCESS_KEY! }
  const client = new S3Client({ endpoint: S3_ENDPOINT!, region: S3_REGION!, forcePathStyle: true, credentials })
  const made = new Map<string, Promise<string>>()
  const own = `t${process.pid}-${Date.now().toString(36)}`
  const minio: Minio = {
    endpoint: S3_ENDPOINT!,
    client,
    credentials,
    bucket(name) {
      const bucket = `${own}-${name.toLowerCase()}`
      const known = made.get(name)
      if (known !== undefined) return known
      const making = client.send(new CreateBucketCommand({ Bucket: bucket })).then(() => bucket)
      made.set(name, making)
      return making
    },
    options: (bucket, more) => ({ bucket, endpoint: S3_ENDPOINT!, region: S3_REGION!, credentials, ...more }),
    async store(name, more) {
      const store = createS3Store(minio.options(await minio.bucket(name), more))
      await store.open(never)
      return store
    },
    async release() {
      client.destroy()
      await services.release()
    },
  }
  return minio
}
