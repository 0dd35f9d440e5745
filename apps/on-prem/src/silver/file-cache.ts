import { mkdir, rename, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { ObjectStore } from '@sluice/ingest-core'

/** Objects of a store as files on the local disk, for DuckDB. Keys are immutable, so a file once there stays right. */
export interface FileCache {
  /** Paths of the objects, in the order of `keys`. */
  paths(keys: readonly string[], signal: AbortSignal): Promise<string[]>
}

/** The objects of a local store are files already. */
export function createLocalFiles(root: string): FileCache {
  return { paths: (keys) => Promise.resolve(keys.map((key) => join(root, key))) }
}

const parallelReads = 8

/** Downloads each object once into `folder`. */
export function createFileCache(store: ObjectStore, folder: string): FileCache {
  async function fetch(key: string, signal: AbortSignal): Promise<string> {
    const path = join(folder, key)
    const known = await stat(path).catch(() => undefined)
    if (known !== undefined) return path
    const bytes = await store.get(key, signal)
    await mkdir(dirname(path), { recursive: true })
    // Half a file must never be taken for a whole one.
    const part = `${path}.${process.pid}.part`
    await writeFile(part, bytes)
    await rename(part, path)
    return path
  }

  return {
    async paths(keys, signal) {
      const paths: string[] = []
      for (let at = 0; at < keys.length; at += parallelReads) {
        const some = keys.slice(at, at + parallelReads)
        paths.push(...(await Promise.all(some.map((key) => fetch(key, signal)))))
      }
      return paths
    },
  }
}
