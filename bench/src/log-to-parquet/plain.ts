/**
 * The plain way, in a process of its own: record batches split by our parser, avsc to a row object per record, DuckDB's
 * appender, one COPY to zstd Parquet by date and hour. No rules, no dead letters, no offsets, no fsync; a record that
 * does not decode ends it. Arguments: records, `row` (the appender per value) or `chunk` (typed vectors of 2048
 * rows).
 */
import { mkdirSync } from 'node:fs'
import { DuckDBInstance } from '@duckdb/node-api'
import { createSegmentLogSource, letHeapGrow, splitRecordBatches } from '@sluice/ingest-core'
import type { PartitionId } from '@sluice/ingest-core'
import { createFileRegistry } from '@sluice/schemas'
import { serveRuns } from './contender.ts'
import { createEventAppender } from './event-appender.ts'
import type { UserEvent } from './event-appender.ts'
import { avscType, placesFor } from './event-log.ts'

// Both ways alike.
letHeapGrow()
const places = placesFor(Number(process.argv[2]))
const byChunk = process.argv[3] === 'chunk'
const instance = await DuckDBInstance.create(':memory:')
const connection = await instance.connect()

async function convert(): Promise<number> {
  mkdirSync(places.plain, { recursive: true })
  const appender = await createEventAppender(connection, byChunk)
  const registry = createFileRegistry(places.registry)
  const readers = new Map<number, ReturnType<typeof avscType>>()
  let rows = 0

  const source = await createSegmentLogSource({ root: places.log, follow: false })
  const { signal } = new AbortController()
  const ends = new Map<PartitionId, number>()
  for await (const { assigned } of source.assignments(signal)) {
    for (const partition of assigned) {
      const { start, end } = await source.bounds(partition)
      await source.seek(partition, start)
      ends.set(partition, end)
    }
    break
  }
  const total = [...ends.values()].reduce((sum, end) => sum + end, 0)
  while (rows < total) {
    for (const fetched of await source.poll(4 * 1024 * 1024, signal)) {
      if (fetched.kind !== 'batches') throw new Error('this log hands out record batches')
      const { slab } = splitRecordBatches(fetched.bytes, { from: fetched.start, maxInflatedBytes: 2 ** 26 })
      const bytes = Buffer.from(slab.bytes.buffer, slab.bytes.byteOffset, slab.bytes.byteLength)
      for (let i = 0; i < slab.length; i++) {
        const value = bytes.subarray(slab.valueStart[i]!, slab.valueEnd[i]!)
        if (value[0] !== 0) throw new Error('not in Confluent framing')
        const id = value.readUInt32BE(1)
        let reader = readers.get(id)
        if (reader === undefined) {
          const found = await registry.getById(id)
          if (found === undefined) throw new Error(`schema id ${id} is unknown`)
          readers.set(id, (reader = avscType(found.schema)))
        }
        appender.append(
          reader.fromBuffer(value.subarray(5)) as UserEvent,
          fetched.partition.partition,
          slab.offsets[i]!,
        )
        rows += 1
      }
    }
  }
  await appender.copyTo(places.plain)
  await source.close()
  return rows
}

serveRuns(convert, async () => {
  connection.closeSync()
  instance.closeSync()
})
