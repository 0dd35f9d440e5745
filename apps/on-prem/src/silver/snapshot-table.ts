import { createHash } from 'node:crypto'
import type { ObjectStore } from '@sluice/ingest-core'
import { SilverError } from './errors.ts'

/** A file of a snapshot. Files never change; a snapshot that keeps a file of its predecessor names it again. */
export interface SnapshotFile {
  readonly key: string
  readonly rows: number
  readonly bytes: number
  readonly sha256: string
  /** Folder below the table, `date=2026-11-21`. One file per partition. */
  readonly partition: string
  /** What the job wants to know about the partition next time. */
  readonly note?: string
}

/** The table at one moment: which files it is made of, and what of its input it has seen. */
export interface Snapshot {
  readonly number: number
  /** Name and version of the job that made it. */
  readonly job: string
  /** Per chain of the input the position up to which it was read. */
  readonly inputs: Readonly<Record<string, number>>
  /** By partition. */
  readonly files: readonly SnapshotFile[]
  /** Whatever the job counts. */
  readonly counts: Readonly<Record<string, number>>
}

/**
 * A table that is rewritten piece by piece on a store where nothing is ever overwritten: immutable files, and a chain of
 * create-only manifests `_snapshots/<table>/<number>`, each naming all files of one snapshot and the digest of the manifest
 * before it. Readers take the newest manifest. Of two jobs that run at once one gets the number, the other starts over.
 */
export interface SnapshotTable {
  readonly table: string
  /** @throws SilverError SNAPSHOT_BROKEN */
  latest(signal: AbortSignal): Promise<Snapshot | undefined>
  /** Stores a file under a name made of its content: what a job that died left behind is used again or never named. */
  addFile(partition: string, bytes: Uint8Array, rows: number, signal: AbortSignal): Promise<SnapshotFile>
  /** @returns false when another job has made a snapshot with this number */
  commit(snapshot: Snapshot, signal: AbortSignal): Promise<boolean>
}

interface Manifest extends Snapshot {
  readonly version: 1
  readonly table: string
  readonly previous: string | null
}

const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** `prefix` is empty or ends in `/`. The store is opened and closed by whoever made it. */
export function createSnapshotTable(options: {
  readonly store: ObjectStore
  readonly table: string
  readonly prefix?: string
}): SnapshotTable {
  const { store, table, prefix = '' } = options
  const folder = `${prefix}_snapshots/${table}/`
  const manifestKey = (number: number): string => `${folder}${String(number).padStart(10, '0')}`

  async function read(number: number, signal: AbortSignal): Promise<{ manifest: Manifest; sha256: string }> {
    const key = manifestKey(number)
    const body = await store.get(key, signal)
    let manifest: Manifest
    try {
      manifest = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as Manifest
    } catch (cause) {
      throw new SilverError('SNAPSHOT_BROKEN', `${key} is not JSON; restore it from a backup`, { cause })
    }
    if (manifest.version !== 1 || manifest.table !== table || manifest.number !== number) {
      throw new SilverError('SNAPSHOT_BROKEN', `${key} is not manifest ${number} of ${table}`)
    }
    return { manifest, sha256: digestOf(body) }
  }

  async function newest(signal: AbortSignal): Promise<number> {
    let last = 0
    for await (const { key } of store.list(folder, signal)) {
      const number = Number(key.slice(folder.length))
      if (Number.isSafeInteger(number)) last = Math.max(last, number)
    }
    return last
  }

  return {
    table,

    async latest(signal) {
      const number = await newest(signal)
      if (number === 0) return undefined
      const { version: _v, table: _t, previous: _p, ...snapshot } = (await read(number, signal)).manifest
      return snapshot
    },

    async addFile(partition, bytes, rows, signal) {
      const sha256 = digestOf(bytes)
      const key = `${prefix}${table}/${partition}/${table}-${sha256.slice(0, 24)}.parquet`
      const placed = await store.putIfAbsent(key, bytes, sha256, { rows: String(rows) }, signal)
      if (placed.outcome === 'exists' && placed.head.sha256 !== sha256) {
        throw new SilverError('SNAPSHOT_BROKEN', `${key} exists with other content; nothing was overwritten`)
      }
      return { key, rows, bytes: bytes.length, sha256, partition }
    },

    async commit(snapshot, signal) {
      const { number } = snapshot
      const previous = number === 1 ? null : (await read(number - 1, signal)).sha256
      const manifest: Manifest = { version: 1, table, previous, ...snapshot }
      const bytes = new TextEncoder().encode(`${JSON.stringify(manifest, null, 1)}\n`)
      const sha256 = digestOf(bytes)
      const placed = await store.putIfAbsent(manifestKey(number), bytes, sha256, { table }, signal)
      // The same manifest there already: our own, of which the reply was lost.
      return placed.outcome === 'created' || placed.head.sha256 === sha256
    },
  }
}
