import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMemoryStore, type MemoryStore } from '@sluice/ingest-core'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createFileCache } from '@sluice/app-kit'

const never = new AbortController().signal
const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex')
let folder: string
let store: MemoryStore

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-cache-'))
  store = createMemoryStore()
  await store.open(never)
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const put = async (key: string, text: string) => {
  await store.putIfAbsent(key, Buffer.from(text), digestOf(text), {}, never)
  return { key, sha256: digestOf(text) }
}

it('fetches each object once, in any number, in order', async () => {
  const files = await Promise.all(
    Array.from({ length: 30 }, (_, i) => put(`events/date=2026-01-05/f${i}.parquet`, `body ${i}`)),
  )
  let reads = 0
  const counting = { ...store, get: (...args: Parameters<MemoryStore['get']>) => ((reads += 1), store.get(...args)) }
  const cache = createFileCache(counting, folder)
  const paths = await cache.paths(files, never)
  expect(await Promise.all(paths.map((path) => readFile(path, 'utf8')))).toEqual(files.map((_, i) => `body ${i}`))
  expect(paths[3]).toContain('/events/date=2026-01-05/f3.parquet') // partition folders are columns to DuckDB
  expect(await cache.paths(files.toReversed(), never)).toEqual(paths.toReversed())
  expect(reads).toBe(30)
})

it('does not take an object of an emptied and refilled bucket for the one before', async () => {
  const before = await put('a.parquet', 'old')
  const cache = createFileCache(store, folder)
  const [old] = await cache.paths([before], never)
  await store.delete(['a.parquet'], never)
  const after = await put('a.parquet', 'new')
  const [fresh] = await cache.paths([after], never)
  expect([await readFile(old!, 'utf8'), await readFile(fresh!, 'utf8')]).toEqual(['old', 'new'])
})

it('refuses an object that is not what its commit names, and keeps nothing of it', async () => {
  await put('a.parquet', 'tampered')
  const cache = createFileCache(store, folder)
  await expect(cache.paths([{ key: 'a.parquet', sha256: digestOf('true') }], never)).rejects.toMatchObject({
    code: 'OBJECT_DAMAGED',
  })
  expect(await readdir(folder)).toEqual([])
})
