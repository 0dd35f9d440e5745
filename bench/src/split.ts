/**
 * How fast record batches are split into records: `node --conditions=sluice-source bench/src/split.ts [records]`.
 * Prints one JSON line per codec and batch size; MB are of inflated records, 10^6 bytes. Best of 15 runs, one thread.
 */
import { cpus } from 'node:os'
import { codecs, encodeRecordBatch, splitRecordBatches } from '@sluice/ingest-core'
import type { LogRecord } from '@sluice/ingest-core'

const total = Number(process.argv[2] ?? 200_000)
const runs = 15

/** Events of about 110 bytes, like an Avro-encoded user event. */
function recordAt(i: number): LogRecord {
  const user = `user_${String(i % 100).padStart(4, '0')}`
  const value = Buffer.from(
    `\0\0\0\0\x07${user}|PAGE_VIEW|session-${(i * 7919) % 1000}|PROD-${i % 10}|${i * 37}|Electronics|MOBILE|IN|${1.7e12 + i}`,
  )
  return { key: Buffer.from(user), value, timestamp: 1.7e12 + i }
}

console.error(`${cpus()[0]?.model}, Node ${process.version}, ${total} records`)
for (const codec of codecs) {
  for (const perBatch of [100, 2000]) {
    const batches: Uint8Array[] = []
    for (let at = 0; at < total; at += perBatch) {
      const records = Array.from({ length: Math.min(perBatch, total - at) }, (_, i) => recordAt(at + i))
      batches.push(encodeRecordBatch({ baseOffset: at, codec, records }))
    }
    const bytes = Buffer.concat(batches)
    let best = Infinity
    let inflated = 0
    for (let run = 0; run < runs; run++) {
      const before = performance.now()
      const { slab } = splitRecordBatches(bytes, { maxInflatedBytes: 2 ** 26 })
      best = Math.min(best, performance.now() - before)
      if (slab.length !== total) throw new Error(`${slab.length} of ${total} records came back`)
      inflated = slab.bytes.length
    }
    const line = {
      codec,
      perBatch,
      storedBytes: bytes.length,
      inflatedBytes: inflated,
      millionRecordsPerSecond: Number((total / best / 1000).toFixed(2)),
      megabytesPerSecond: Math.round(inflated / best / 1000),
    }
    console.log(JSON.stringify(line))
  }
}
