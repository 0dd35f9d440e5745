import { parentPort, workerData } from 'node:worker_threads'
import type { DecodeRequest } from '../src/decode/request.ts'
import { splitRecordBatches } from '../src/log/record-batch.ts'
import { createIngestHandlers } from '../src/workers/ingest-handlers.ts'
import type { IngestWorkerData } from '../src/workers/ingest-workers.ts'
import { serveWorker } from '../src/workers/protocol.ts'
import type { HandlerResult } from '../src/workers/protocol.ts'

const handlers = createIngestHandlers(workerData as IngestWorkerData)
const decode = handlers['decode'] as unknown as (request: DecodeRequest) => HandlerResult

/** The real worker, which ends at records whose value holds POISON, wherever the real decoder would meet them. */
serveWorker(parentPort!, {
  ...handlers,
  decode(request: DecodeRequest) {
    const { fetched, from, to, cell, crashed } = request
    if (fetched.kind === 'batches') {
      const { slab } = splitRecordBatches(fetched.bytes, { from, to, maxInflatedBytes: 1e8 })
      for (let i = 0; i < slab.length; i++) {
        const value = Buffer.from(slab.bytes.subarray(Math.max(0, slab.valueStart[i]!), Math.max(0, slab.valueEnd[i]!)))
        if (!value.includes('POISON') || crashed.includes(slab.offsets[i]!)) continue
        if (cell !== undefined) new Float64Array(cell)[0] = slab.offsets[i]!
        process.exit(7)
      }
    }
    return decode(request)
  },
})
