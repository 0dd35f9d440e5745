import { parentPort } from 'node:worker_threads'
import { blockMs } from './slow-decoding.ts'

// The real worker, where the package has it. Its listener comes first, and does its work only when this one returns.
await import(new URL('workers/ingest-worker.ts', import.meta.resolve('@sluice/ingest-core')).href)

let blocked = false
parentPort!.on('message', ({ op }: { op: string }) => {
  if (op !== 'decode' || blocked) return
  blocked = true
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, blockMs)
})
