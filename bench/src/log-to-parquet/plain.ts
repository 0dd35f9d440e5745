/**
 * The plain way, in a process of its own: record batches split by our parser, avsc to a row object per record, DuckDB's
 * appender, one COPY to zstd Parquet by date and hour. No rules, no dead letters, no offsets, no fsync; a record that
 * does not decode ends it. Arguments: records, `row` (the appender per value) or `chunk` (typed vectors of 2048
 * rows).
 */
import { mkdirSync } from 'node:fs'
import { DuckDBDataChunk, DuckDBInstance } from '@duckdb/node-api'
import { createSegmentLogSource, splitRecordBatches } from '@sluice/ingest-core'
import type { PartitionId } from '@sluice/ingest-core'
import { createFileRegistry } from '@sluice/schemas'
import { serveRuns } from './contender.ts'
import { avscType, placesFor } from './event-log.ts'

interface UserEvent {
  readonly event_id: string
  readonly user_id: string
  readonly event_type: string
  readonly timestamp: number
  readonly session_id: string
  readonly product_id: string | null
  readonly product_name: string | null
  readonly price: number | null
  readonly category: string | null
  readonly device_type: string | null
  readonly country: string | null
}

const chunkRows = 2048
const places = placesFor(Number(process.argv[2]))
const byChunk = process.argv[3] === 'chunk'
const instance = await DuckDBInstance.create(':memory:')
const connection = await instance.connect()

async function convert(): Promise<number> {
  mkdirSync(places.plain, { recursive: true })
  await connection.run(
    `CREATE OR REPLACE TABLE events (event_id VARCHAR, user_id VARCHAR, event_type VARCHAR, timestamp BIGINT, session_id VARCHAR,
     product_id VARCHAR, product_name VARCHAR, price DOUBLE, category VARCHAR, device_type VARCHAR, country VARCHAR,
     _partition INTEGER, _offset BIGINT)`,
  )
  const appender = await connection.createAppender('events')
  const types = Array.from({ length: appender.columnCount }, (_, at) => appender.columnType(at))
  const columns: unknown[][] = types.map(() => [])
  const registry = createFileRegistry(places.registry)
  const readers = new Map<number, ReturnType<typeof avscType>>()
  let rows = 0

  const flush = (): void => {
    if (columns[0]!.length === 0) return
    const chunk = DuckDBDataChunk.create(types, columns[0]!.length)
    chunk.setColumns(columns as Parameters<typeof chunk.setColumns>[0])
    appender.appendDataChunk(chunk)
    for (const column of columns) column.length = 0
  }
  const text = (value: string | null): void => {
    if (value === null) appender.appendNull()
    else appender.appendVarchar(value)
  }
  const append = (event: UserEvent, partition: number, offset: number): void => {
    rows += 1
    if (byChunk) {
      columns[0]!.push(event.event_id)
      columns[1]!.push(event.user_id)
      columns[2]!.push(event.event_type)
      columns[3]!.push(BigInt(event.timestamp))
      columns[4]!.push(event.session_id)
      columns[5]!.push(event.product_id)
      columns[6]!.push(event.product_name)
      columns[7]!.push(event.price)
      columns[8]!.push(event.category)
      columns[9]!.push(event.device_type)
      columns[10]!.push(event.country)
      columns[11]!.push(partition)
      columns[12]!.push(BigInt(offset))
      if (columns[0]!.length === chunkRows) flush()
      return
    }
    text(event.event_id)
    text(event.user_id)
    text(event.event_type)
    appender.appendBigInt(BigInt(event.timestamp))
    text(event.session_id)
    text(event.product_id)
    text(event.product_name)
    if (event.price === null) appender.appendNull()
    else appender.appendDouble(event.price)
    text(event.category)
    text(event.device_type)
    text(event.country)
    appender.appendInteger(partition)
    appender.appendBigInt(BigInt(offset))
    appender.endRow()
  }

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
        append(reader.fromBuffer(value.subarray(5)) as UserEvent, fetched.partition.partition, slab.offsets[i]!)
      }
    }
  }
  flush()
  appender.closeSync()
  await connection.run(
    `COPY (SELECT *, strftime(make_timestamp(timestamp * 1000), '%Y-%m-%d') AS event_date,
     hour(make_timestamp(timestamp * 1000)) AS event_hour FROM events)
     TO '${places.plain}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, PARTITION_BY (event_date, event_hour))`,
  )
  await connection.run('DROP TABLE events')
  await source.close()
  return rows
}

serveRuns(convert, async () => {
  connection.closeSync()
  instance.closeSync()
})
