import { readdir } from 'node:fs/promises'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { SourceError } from '../errors/source-error.ts'
import { newLogId, readIfThere, replaceFile } from '../log/log-meta.ts'

interface RegisteredFile {
  readonly partition: number
  /** Digest of the first line; null while the file had none. */
  readonly first: string | null
}

/** Which file is which partition, for ever: kept in a small file beside the data. */
export interface FileRegister {
  /** Random, made with the register: the cluster id of everything in it. */
  readonly id: string
  /** Files that are there, by partition; new ones get the next numbers in name order. */
  refresh(): Promise<ReadonlyMap<number, string>>
  /** Remembers a first line, or holds it against the remembered one. @throws SourceError SOURCE_REPLACED */
  identify(partition: number, fingerprint: string | undefined): Promise<void>
}

export interface FileRegisterOptions {
  readonly source: string
  readonly registerFile: string
  /** Absolute paths wanted now, in order. */
  readonly files: () => Promise<readonly string[]>
}

export async function openFileRegister(options: FileRegisterOptions): Promise<FileRegister> {
  const { source, registerFile } = options
  const base = dirname(resolve(registerFile))
  const text = await readIfThere(registerFile)
  const { id, files } = text === undefined ? { id: newLogId(), files: new Map<string, RegisteredFile>() } : parse(text)

  function parse(text: string): { id: string; files: Map<string, RegisteredFile> } {
    try {
      const parsed = JSON.parse(text)
      if (parsed.version !== 1 || typeof parsed.id !== 'string') throw new TypeError('its version is unknown')
      return { id: parsed.id, files: new Map(Object.entries(parsed.files as Record<string, RegisteredFile>)) }
    } catch (cause) {
      const message = `${registerFile} cannot be understood; without it no file can be told from another`
      throw new SourceError('SOURCE_CORRUPT', message, { source, cause })
    }
  }

  async function save(): Promise<void> {
    await replaceFile(
      registerFile,
      `${JSON.stringify({ version: 1, id, files: Object.fromEntries(files) }, null, 2)}\n`,
    )
  }

  return {
    id,
    async refresh() {
      const present = new Map<number, string>()
      let added = text === undefined && files.size === 0
      for (const path of await options.files()) {
        const name = relative(base, path).split(sep).join('/')
        let file = files.get(name)
        if (file === undefined) {
          file = { partition: files.size, first: null }
          files.set(name, file)
          added = true
        }
        present.set(file.partition, path)
      }
      if (added) await save()
      return present
    },
    async identify(partition, fingerprint) {
      for (const [name, file] of files) {
        if (file.partition !== partition || fingerprint === undefined || fingerprint === file.first) continue
        if (file.first !== null) {
          const message = `${name}: its first line is another than before, so line numbers mean other records; give the new file a new name`
          throw new SourceError('SOURCE_REPLACED', message, { source })
        }
        files.set(name, { partition, first: fingerprint })
        await save()
      }
    },
  }
}

/** Files of a folder, not of those below it, whose names end so; hidden ones are left out. In name order. */
export async function filesOfFolder(folder: string, suffix: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(suffix) && !entry.name.startsWith('.'))
    .map((entry) => join(resolve(folder), entry.name))
    .sort()
}
