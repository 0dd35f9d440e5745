import { parentPort, workerData } from 'node:worker_threads'
import { createIngestHandlers } from './ingest-handlers.ts'
import type { IngestWorkerData } from './ingest-workers.ts'
import { serveWorker } from './protocol.ts'

serveWorker(parentPort!, createIngestHandlers(workerData as IngestWorkerData))
