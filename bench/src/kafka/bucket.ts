import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import type { Bucket } from './lake-place.ts'

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
