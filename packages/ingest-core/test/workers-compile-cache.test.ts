import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'

let folder = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-compile-cache-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const script = new URL('./workers-compile-cache.ts', import.meta.url).pathname

/** Modules in the cache before a worker has run, and after. */
function modulesCached(...args: string[]): { before: number; after: number } {
  const output = execFileSync(process.execPath, ['--conditions=sluice-source', script, ...args], { encoding: 'utf8' })
  return JSON.parse(output) as { before: number; after: number }
}

it('the compile cache of the process serves its workers', () => {
  const { before, after } = modulesCached(folder)
  expect(before).toBeGreaterThan(0)
  expect(after).toBeGreaterThan(before)
})

it('without one, workers make none', () => {
  expect(modulesCached()).toEqual({ before: 0, after: 0 })
})
