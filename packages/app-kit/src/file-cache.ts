import { createHash } from 'node:crypto'
import { mkdir, rename, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { CommittedFile, ObjectStore } from '@sluice/ingest-core'
import { AppError } from './errors.ts'
import type { LakeApp } from './lake-app.ts'

/** Objects of a lake as files of this machine. */
export interface LakeFiles {
  /** Paths of the objects, in the order of `files`; what is missing is fetched first. */
  paths(files: readonly Pick<CommittedFile, 'key' | 'sha256'>[], signal: AbortSignal): Promise<string[]>
}

const parallelReads = 8

export function openLakeFiles(app: Pick<LakeApp, 'files'>, store: ObjectStore): LakeFiles {
  return app.files.kind === 'local' ? createLocalFiles(app.files.root) : createFileCache(store, app.files.folder)
}

/** The objects of a local store are files already. */
export function createLocalFiles(root: string): LakeFiles {
  return { paths: (files) => Promise.resolve(files.map(({ key }) => join(root, key))) }
}

/**
 * Downloads each object once into `<folder>/<digest>/<key>`. Objects never change, and a bucket that was emptied and filled
 * anew has other digests, so a file that is there is right for ever. What arrives is held against the digest that the
 * commit chain names.
 * @throws AppError OBJECT_DAMAGED
 */
export function createFileCache(store: ObjectStore, folder: string): LakeFiles {
  async function fetch(key: string, sha256: string, signal: AbortSignal): Promise<string> {
    const path = join(folder, sha256, key)
    if (await exists(path)) return path
    const bytes = await store.get(key, signal)
    const found = createHash('sha256').update(bytes).digest('hex')
    if (found !== sha256) throw new AppError('OBJECT_DAMAGED', `${key} has digest ${found}, its commit says ${sha256}`)
    await mkdir(dirname(path), { recursive: true })
    // Half a file must never be taken for a whole one.
    const part = `${path}.${process.pid}.part`
    await writeFile(part, bytes)
    await rename(part, path)
    return path
  }

  return {
    async paths(files, signal) {
      const paths = new Array<string>(files.length)
      let next = 0
      const work = async (): Promise<void> => {
        for (let at = next++; at < files.length; at = next++) {
          const { key, sha256 } = files[at]!
          paths[at] = await fetch(key, sha256, signal)
        }
      }
      await Promise.all(Array.from({ length: Math.min(parallelReads, files.length) }, work))
      return paths
    },
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return false
    throw error
  }
}
