import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join, relative } from 'node:path'
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  S3Client,
  type ListObjectVersionsCommandOutput,
} from '@aws-sdk/client-s3'

/** An object and everything that was ever stored under its name. */
export interface StoredObject {
  readonly key: string
  readonly versions: readonly StoredVersion[]
}

export interface StoredVersion {
  /** Differs when the content was written again, also with the same bytes. */
  readonly id: string
  readonly bytes: number
  /** True for the mark that a delete leaves. */
  readonly deleted: boolean
}

/** The lake as the auditor sees it: past the proxies, and by no code of the product. */
export interface LakeView {
  /** Every object, by key; the stores' own (`.sluice/`) left out. */
  objects(): Promise<readonly StoredObject[]>
  read(key: string): Promise<Uint8Array>
  close(): void
}

const ownFolder = '.sluice/'

export interface S3Place {
  readonly endpoint: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/** Makes a bucket that keeps every version of every object, and looks at it. */
export async function createS3View(place: S3Place, bucket: string): Promise<LakeView> {
  const { endpoint, region, accessKeyId, secretAccessKey } = place
  const client = new S3Client({
    endpoint,
    region,
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
  })
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  await client.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status: 'Enabled' } }))
  return {
    async objects() {
      const found = new Map<string, StoredVersion[]>()
      const add = (key: string | undefined, version: StoredVersion): void => {
        if (key === undefined || key.startsWith(ownFolder)) return
        const known = found.get(key)
        if (known === undefined) found.set(key, [version])
        else known.push(version)
      }
      let at: { KeyMarker?: string; VersionIdMarker?: string } | undefined = {}
      while (at !== undefined) {
        const page: ListObjectVersionsCommandOutput = await client.send(
          new ListObjectVersionsCommand({ Bucket: bucket, ...at }),
        )
        for (const { Key, VersionId = '', ETag = '', Size = 0 } of page.Versions ?? [])
          add(Key, { id: `${VersionId} ${ETag}`, bytes: Size, deleted: false })
        for (const { Key, VersionId = '' } of page.DeleteMarkers ?? [])
          add(Key, { id: VersionId, bytes: 0, deleted: true })
        at =
          page.IsTruncated === true
            ? {
                ...(page.NextKeyMarker !== undefined && { KeyMarker: page.NextKeyMarker }),
                ...(page.NextVersionIdMarker !== undefined && { VersionIdMarker: page.NextVersionIdMarker }),
              }
            : undefined
      }
      return sorted(found)
    },
    async read(key) {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }))
      return Body!.transformToByteArray()
    },
    close: () => client.destroy(),
  }
}

/**
 * A folder keeps no versions: a file is known by inode, time and size, and each look adds what it sees to what earlier looks
 * saw. So it finds only what differs between two looks; the run looks several times a second.
 */
export function createFolderView(root: string): LakeView {
  const seen = new Map<string, StoredVersion[]>()
  return {
    async objects() {
      const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
        throw error
      })
      const present = new Set<string>()
      for (const entry of entries) {
        if (!entry.isFile()) continue
        const path = join(entry.parentPath, entry.name)
        const key = relative(root, path)
        if (key.startsWith(ownFolder)) continue
        present.add(key)
        const { ino, mtimeMs, size } = await stat(path)
        note(key, { id: `${ino} ${mtimeMs} ${size}`, bytes: size, deleted: false })
      }
      for (const key of seen.keys()) if (!present.has(key)) note(key, { id: 'gone', bytes: 0, deleted: true })
      return sorted(seen)
    },
    read: (key) => readFile(join(root, key)),
    close: () => undefined,
  }

  function note(key: string, version: StoredVersion): void {
    const known = seen.get(key)
    if (known === undefined) seen.set(key, [version])
    else if (known.at(-1)!.id !== version.id) known.push(version)
  }
}

function sorted(found: ReadonlyMap<string, readonly StoredVersion[]>): StoredObject[] {
  return [...found]
    .map(([key, versions]) => ({ key, versions: [...versions] }))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
