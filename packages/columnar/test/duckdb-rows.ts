import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  DuckDBInstance,
  type DuckDBBlobValue,
  type DuckDBConnection,
  type DuckDBDateValue,
  type DuckDBDecimalValue,
  type DuckDBListValue,
  type DuckDBMapValue,
  type DuckDBStructValue,
  type DuckDBTimestampNanosecondsValue,
  type DuckDBTimestampValue,
  type DuckDBTimeValue,
  type DuckDBUUIDValue,
  type DuckDBValue,
} from '@duckdb/node-api'
import type { DataType, Schema } from '../src/types.ts'

/** A DuckDB connection and a folder for files, both gone after `close`. */
export interface DuckdbReader {
  /** Path of a new file with the given bytes. */
  file(bytes: Uint8Array, extension?: string): string
  query(sql: string): Promise<DuckDBValue[][]>
  /** Rows of a Parquet file in file order, as the plain values `makeBatch` takes. */
  rows(bytes: Uint8Array, schema: Schema): Promise<Record<string, unknown>[]>
  close(): void
}

export async function openDuckdb(): Promise<DuckdbReader> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection: DuckDBConnection = await instance.connect()
  const folder = mkdtempSync(join(tmpdir(), 'sluice-parquet-'))
  let files = 0
  const query = async (sql: string): Promise<DuckDBValue[][]> => (await connection.runAndReadAll(sql)).getRows()
  const file = (bytes: Uint8Array, extension = 'parquet'): string => {
    const path = join(folder, `${files++}.${extension}`)
    writeFileSync(path, bytes)
    return path
  }
  return {
    file,
    query,
    async rows(bytes, schema) {
      const found = await query(`SELECT * FROM read_parquet('${file(bytes)}')`)
      return found.map((row) =>
        Object.fromEntries(schema.fields.map((field, i) => [field.name, plainValue(field.type, row[i]!)])),
      )
    },
    close() {
      connection.closeSync()
      instance.closeSync()
      rmSync(folder, { recursive: true })
    },
  }
}

/** A DuckDB value as `makeBatch` would be given it. */
export function plainValue(type: DataType, value: DuckDBValue): unknown {
  if (value === null) return null
  switch (type.kind) {
    case 'binary':
    case 'fixed':
      return new Uint8Array((value as DuckDBBlobValue).bytes)
    case 'decimal':
      return (value as DuckDBDecimalValue).value
    case 'date':
      return (value as DuckDBDateValue).days
    case 'time': {
      const { micros } = value as DuckDBTimeValue
      return type.unit === 'milli' ? Number(micros / 1000n) : micros
    }
    case 'timestamp':
      if (type.unit === 'nano') return (value as DuckDBTimestampNanosecondsValue).nanos
      return (value as DuckDBTimestampValue).micros / (type.unit === 'milli' ? 1000n : 1n)
    case 'uuid':
      return (value as DuckDBUUIDValue).toString()
    case 'list':
      return (value as DuckDBListValue).items.map((item) => plainValue(type.item.type, item))
    case 'map':
      return (value as DuckDBMapValue).entries.map((entry) => [entry.key, plainValue(type.value.type, entry.value)])
    case 'struct': {
      const { entries } = value as DuckDBStructValue
      return Object.fromEntries(
        type.fields.map((field) => [field.name, plainValue(field.type, entries[field.name] ?? null)]),
      )
    }
    default:
      return value
  }
}
