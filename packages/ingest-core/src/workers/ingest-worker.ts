import { enableCompileCache } from 'node:module'
import { parentPort, workerData } from 'node:worker_threads'
import type { IngestWorkerData } from './ingest-workers.ts'

const data = workerData as IngestWorkerData
// Before what it is to serve: a thread does not have the cache of its process by itself.
if (data.compileCache !== undefined) enableCompileCache(data.compileCache)
const [{ createIngestHandlers }, { serveWorker }] = await Promise.all([
  import('./ingest-handlers.ts'),
  import('./protocol.ts'),
])

serveWorker(parentPort!, createIngestHandlers(data))
