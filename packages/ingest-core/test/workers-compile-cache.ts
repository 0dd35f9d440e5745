import { readdirSync } from 'node:fs'
import { enableCompileCache, flushCompileCache, getCompileCacheDir } from 'node:module'

/** Run as a process of its own: the folder of a compile cache or nothing; prints how many modules are in it. */
const [folder] = process.argv.slice(2)
if (folder !== undefined) enableCompileCache(folder)
const { createIngestWorkers } = await import('../src/workers/ingest-workers.ts')

function cached(): number {
  flushCompileCache()
  const at = getCompileCacheDir()
  return at === undefined ? 0 : readdirSync(at).length
}

const before = cached()
const workers = createIngestWorkers({ contracts: [], size: 1 })
await workers.pool.run('k', { op: 'rows.release', make: () => ({ args: { key: 'k' }, transfer: [] }) })
await workers.close()
console.log(JSON.stringify({ before, after: cached() }))
