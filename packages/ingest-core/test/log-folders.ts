import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Folders for one test file, removed together. */
export interface TestFolders {
  make(): Promise<string>
  removeAll(): Promise<void>
}

export function testFolders(): TestFolders {
  const made: string[] = []
  return {
    async make() {
      const folder = await mkdtemp(join(tmpdir(), 'sluice-test-'))
      made.push(folder)
      return folder
    },
    async removeAll() {
      for (const folder of made.splice(0)) await rm(folder, { recursive: true, force: true })
    },
  }
}
