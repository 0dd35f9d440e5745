import { createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import type { Dirent } from 'node:fs'
import { link, mkdir, open, readdir, readFile, stat, unlink } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { ObjectHead, ObjectStore } from '../contracts/object-store.ts'
import { StoreError } from '../errors/store-error.ts'
import { errnoOf, isMissing, syncFolder } from '../log/log-meta.ts'
import { explainErrno } from './local-errno.ts'
import { checkObjectKey, clampRange, maxKeyBytes } from './object-key.ts'
import { checkDigest, createStoreSession, sha256Hex } from './store-session.ts'

export interface LocalStoreOptions {
  /** Folder of the store; made when missing. */
  readonly root: string
  /** `false` leaves out fsync: faster, and a power cut may lose what was acknowledged. Default true. */
  readonly durable?: boolean
  /** Unfinished writes older than this are removed at `open`, ms. Default one day. */
  readonly abandonedAfterMs?: number
}

/** Holds unfinished writes and metadata; keys cannot begin with it and listings never show it. */
const ownFolder = '.sluice'

/**
 * Objects as plain files of a folder, so that any tool can read them.
 *
 * A put writes to `.sluice/tmp`, syncs, and links the file to its name: `link` fails when the name exists, so of any number
 * of racing writers, in any number of processes, exactly one creates, and a reader sees all of a body or nothing.
 * Metadata is kept under `.sluice/meta`, named by key and digest and written before the link, so an object never shows
 * without it. The digest in `head` is computed from the file: what it says is what is stored.
 *
 * One machine and one file system with hard links; `open` proves them. A key cannot be another key's folder.
 */
export function createLocalStore(options: LocalStoreOptions): ObjectStore {
  const { durable = true, abandonedAfterMs = 24 * 60 * 60 * 1000 } = options
  const root = resolve(options.root)
  const name = 'local'
  const session = createStoreSession(name)
  const temporary = join(root, ownFolder, 'tmp')
  /** Digests already computed; a file is known by size, time and inode. */
  const digests = new Map<string, { readonly stamp: string; readonly sha256: string }>()

  function pathOf(key: string): string {
    checkObjectKey(name, key)
    if (key === ownFolder || key.startsWith(`${ownFolder}/`)) {
      throw new StoreError('STORE_KEY_INVALID', `${name}: ${ownFolder} is the store's own`, { store: name, key })
    }
    return join(root, key)
  }

  function metadataPath(key: string, sha256: string): string {
    const hash = sha256Hex(Buffer.from(key))
    return join(root, ownFolder, 'meta', hash.slice(0, 2), `${hash.slice(2)}-${sha256}.json`)
  }

  /** Turns the operating system's errors into ours. */
  async function guarded<T>(key: string | null, run: () => Promise<T>): Promise<T> {
    try {
      return await run()
    } catch (error) {
      const errno = errnoOf(error)
      if (error instanceof StoreError || errno === undefined || errno === 'ABORT_ERR') throw error
      const { code, text } = explainErrno(errno)
      throw new StoreError(code, `${name}: ${key ?? root}: ${text} (${errno})`, { store: name, key, cause: error })
    }
  }

  /** Makes a folder and, when durable, every new name on the way to it. */
  async function makeFolder(path: string): Promise<void> {
    const first = await mkdir(path, { recursive: true })
    if (first === undefined || !durable) return
    for (let folder = path; folder.length >= first.length; folder = dirname(folder)) await syncFolder(dirname(folder))
  }

  async function writeTemporary(body: Uint8Array): Promise<string> {
    const path = join(temporary, `${process.pid}-${randomUUID()}`)
    const handle = await open(path, 'wx')
    try {
      await handle.writeFile(body)
      if (durable) await handle.sync()
    } catch (error) {
      await handle.close()
      await unlink(path)
      throw error
    }
    await handle.close()
    return path
  }

  /** True when this call gave the file its name; false when a file has it already. */
  async function linkOnce(from: string, to: string): Promise<boolean> {
    await makeFolder(dirname(to))
    try {
      await link(from, to)
    } catch (error) {
      if (errnoOf(error) === 'EEXIST' && !(await isFolder(to))) return false
      throw error
    }
    if (durable) await syncFolder(dirname(to))
    return true
  }

  async function headOf(key: string): Promise<ObjectHead | undefined> {
    const path = pathOf(key)
    for (;;) {
      const found = await statFile(path)
      if (found === undefined) return undefined
      const stamp = `${found.ino}/${found.size}/${found.mtimeMs}`
      let sha256 = digests.get(key)?.stamp === stamp ? digests.get(key)!.sha256 : undefined
      if (sha256 === undefined) {
        sha256 = await digestOf(path)
        // Deleted while it was read.
        if (sha256 === undefined) continue
        remember(key, stamp, sha256)
      }
      return { key, bytes: found.size, sha256, metadata: await readMetadata(key, sha256) }
    }
  }

  function remember(key: string, stamp: string, sha256: string): void {
    if (digests.size >= 10_000) digests.delete(digests.keys().next().value!)
    digests.set(key, { stamp, sha256 })
  }

  async function readMetadata(key: string, sha256: string): Promise<Readonly<Record<string, string>>> {
    let text: string
    try {
      text = await readFile(metadataPath(key, sha256), 'utf8')
    } catch (error) {
      if (!isMissing(error)) throw error
      return {}
    }
    return Object.freeze(JSON.parse(text) as Record<string, string>)
  }

  async function removeAbandoned(): Promise<void> {
    const before = Date.now() - abandonedAfterMs
    for (const entry of await readdir(temporary)) {
      const path = join(temporary, entry)
      const found = await statFile(path)
      if (found !== undefined && found.mtimeMs < before) await unlinkIfThere(path)
    }
  }

  /** Create-only must hold here: two links to one name, of which the second has to fail (fault 53). */
  async function probe(): Promise<void> {
    const from = await writeTemporary(new Uint8Array(0))
    const to = `${from}-probe`
    try {
      const outcomes = [await linkOnce(from, to), await linkOnce(from, to)]
      if (outcomes[0] !== true || outcomes[1] !== false) {
        throw new StoreError('STORE_UNSUPPORTED', `${name}: ${root}: a second link to one name succeeded`, {
          store: name,
        })
      }
    } finally {
      await unlinkIfThere(from)
      await unlinkIfThere(to)
    }
  }

  return {
    name,
    supports: { createOnly: true, maxObjectBytes: 2 ** 31 - 1, maxKeyBytes },
    async open(signal) {
      signal.throwIfAborted()
      await guarded(null, async () => {
        await makeFolder(temporary)
        await removeAbandoned()
        await probe()
      })
      session.markOpen()
    },
    async putIfAbsent(key, body, digest, metadata, signal) {
      session.enter(signal)
      const path = pathOf(key)
      checkDigest(name, key, body, digest)
      return guarded(key, async () => {
        const present = await headOf(key)
        if (present !== undefined) return { outcome: 'exists', head: present }
        const unnamed = await writeTemporary(body)
        try {
          signal.throwIfAborted()
          if (Object.keys(metadata).length > 0) {
            const described = await writeTemporary(Buffer.from(JSON.stringify(metadata)))
            try {
              await linkOnce(described, metadataPath(key, digest))
            } finally {
              await unlinkIfThere(described)
            }
          }
          signal.throwIfAborted()
          if (await linkOnce(unnamed, path)) return { outcome: 'created' }
        } finally {
          await unlinkIfThere(unnamed)
        }
        const head = await headOf(key)
        if (head !== undefined) return { outcome: 'exists', head }
        throw new StoreError('STORE_UNAVAILABLE', `${name}: ${key}: was deleted while it was being created`, {
          store: name,
          key,
        })
      })
    },
    async get(key, signal, range) {
      session.enter(signal)
      const path = pathOf(key)
      clampRange(0, range)
      return guarded(key, async () => {
        if ((await statFile(path)) === undefined) {
          throw new StoreError('STORE_NOT_FOUND', `${name}: ${key} is not there`, { store: name, key })
        }
        if (range === undefined) return new Uint8Array(await readFile(path, { signal }))
        const handle = await open(path, 'r')
        try {
          const { start, end } = clampRange((await handle.stat()).size, range)
          const bytes = new Uint8Array(end - start)
          for (let done = 0; done < bytes.length;) {
            const { bytesRead } = await handle.read(bytes, done, bytes.length - done, start + done)
            if (bytesRead === 0)
              throw new StoreError('STORE_CORRUPT', `${name}: ${key}: became shorter`, { store: name, key })
            done += bytesRead
          }
          return bytes
        } finally {
          await handle.close()
        }
      })
    },
    async head(key, signal) {
      session.enter(signal)
      return guarded(key, () => headOf(key))
    },
    async *list(prefix, signal, after) {
      session.enter(signal)
      if (prefix.split('/').includes('..')) {
        throw new StoreError('STORE_KEY_INVALID', `${name}: a prefix cannot hold ..`, { store: name, key: prefix })
      }
      const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1)
      yield* walk(folder, prefix, signal, after)
    },
    async delete(keys, signal) {
      session.enter(signal)
      const paths = keys.map((key) => [key, pathOf(key)] as const)
      for (const [key, path] of paths) {
        signal.throwIfAborted()
        await guarded(key, async () => {
          if ((await statFile(path)) === undefined) return
          digests.delete(key)
          await unlinkIfThere(path)
          if (durable) await syncFolder(dirname(path))
          const described = metadataPath(key, '').slice(0, -'.json'.length)
          for (const entry of await entriesOf(dirname(described))) {
            const path = join(dirname(described), entry.name)
            if (path.startsWith(described)) await unlinkIfThere(path)
          }
        })
      }
    },
    async close() {
      session.markClosed()
    },
  }

  /** Byte order over whole keys: a folder sorts as its name with the slash, because that is how all its keys go on. */
  async function* walk(
    folder: string,
    prefix: string,
    signal: AbortSignal,
    after: string | undefined,
  ): AsyncGenerator<{ key: string; bytes: number }> {
    const entries = await guarded(folder, () => entriesOf(join(root, folder)))
    const names = entries
      .map((entry) => ({ folder: entry.isDirectory(), key: `${folder}${entry.name}${entry.isDirectory() ? '/' : ''}` }))
      .sort((a, b) => (a.key < b.key ? -1 : 1))
    for (const entry of names) {
      session.enter(signal)
      const { key } = entry
      if (key === `${ownFolder}/`) continue
      if (entry.folder) {
        if (!key.startsWith(prefix) && !prefix.startsWith(key)) continue
        if (after !== undefined && after > key && !after.startsWith(key)) continue
        yield* walk(key, prefix, signal, after)
        continue
      }
      if (!key.startsWith(prefix) || (after !== undefined && key <= after)) continue
      const found = await guarded(key, () => statFile(join(root, key)))
      if (found !== undefined) yield { key, bytes: found.size }
    }
  }
}

async function entriesOf(path: string): Promise<Dirent[]> {
  try {
    return (await readdir(path, { withFileTypes: true })).filter((entry) => entry.isDirectory() || entry.isFile())
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return []
    throw error
  }
}

async function statFile(path: string) {
  try {
    const found = await stat(path)
    return found.isFile() ? found : undefined
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return undefined
    throw error
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}

async function digestOf(path: string): Promise<string | undefined> {
  const hash = createHash('sha256')
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
  return hash.digest('hex')
}

async function unlinkIfThere(path: string): Promise<void> {
  try {
    await unlink(path)
  } catch (error) {
    if (!isMissing(error)) throw error
  }
}
