import { DuckDBDataChunk } from '@duckdb/node-api'
import type { DuckDBConnection } from '@duckdb/node-api'

/** UserEvent v2 as avsc gives it. */
export interface UserEvent {
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

/** A table of DuckDB that is filled event by event and written as Parquet. */
export interface EventAppender {
  append(event: UserEvent, partition: number, offset: number): void
  /** Writes what was appended as zstd Parquet by date and hour, and drops the table. */
  copyTo(folder: string): Promise<void>
}

const chunkRows = 2048

/** `byChunk`: typed vectors of 2048 rows instead of a call per value. */
export async function createEventAppender(connection: DuckDBConnection, byChunk: boolean): Promise<EventAppender> {
  await connection.run(
    `CREATE OR REPLACE TABLE events (event_id VARCHAR, user_id VARCHAR, event_type VARCHAR, timestamp BIGINT, session_id VARCHAR,
     product_id VARCHAR, product_name VARCHAR, price DOUBLE, category VARCHAR, device_type VARCHAR, country VARCHAR,
     _partition INTEGER, _offset BIGINT)`,
  )
  const appender = await connection.createAppender('events')
  const types = Array.from({ length: appender.columnCount }, (_, at) => appender.columnType(at))
  const columns: unknown[][] = types.map(() => [])

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
  return {
    append(event, partition, offset) {
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
    },
    async copyTo(folder) {
      flush()
      appender.closeSync()
      await connection.run(
        `COPY (SELECT *, strftime(make_timestamp(timestamp * 1000), '%Y-%m-%d') AS event_date,
         hour(make_timestamp(timestamp * 1000)) AS event_hour FROM events)
         TO '${folder}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, PARTITION_BY (event_date, event_hour))`,
      )
      await connection.run('DROP TABLE events')
    },
  }
}
