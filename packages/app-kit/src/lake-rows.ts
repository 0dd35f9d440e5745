import {
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructValue,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBTimeValue,
  DuckDBUUIDValue,
  type DuckDBValue,
} from '@duckdb/node-api'
import type { DataType } from '@sluice/columnar'

/**
 * Turns a value that DuckDB read from a lake file into the row codec's spelling: longs, times and timestamps as integers in
 * the unit of the column, decimals as exact text, bytes as `Uint8Array`, records and maps as null-prototype objects.
 * @throws {TypeError} when DuckDB's value is not of the column's type, naming both
 */
export function rowValue(value: DuckDBValue | undefined, type: DataType): unknown {
  if (value === null || value === undefined) return null
  switch (type.kind) {
    case 'int64':
      return BigInt(value as bigint | number)
    case 'timestamp':
      return timestampTicks(value, type.unit)
    case 'date':
      if (value instanceof DuckDBDateValue) return value.days
      break
    case 'time':
      if (value instanceof DuckDBTimeValue) return type.unit === 'milli' ? Number(value.micros / 1000n) : value.micros
      break
    case 'decimal':
      if (value instanceof DuckDBDecimalValue) return value.toString()
      break
    case 'uuid':
      if (value instanceof DuckDBUUIDValue) return value.toString()
      break
    case 'binary':
    case 'fixed':
      if (value instanceof DuckDBBlobValue) return value.bytes
      break
    case 'list':
      if (value instanceof DuckDBListValue) return value.items.map((item) => rowValue(item, type.item.type))
      break
    case 'map':
      if (value instanceof DuckDBMapValue) {
        return objectOf(value.entries.map(({ key, value: inner }) => [String(key), rowValue(inner, type.value.type)]))
      }
      break
    case 'struct':
      if (value instanceof DuckDBStructValue) {
        const { entries } = value
        return objectOf(type.fields.map((field) => [field.name, rowValue(entries[field.name], field.type)]))
      }
      break
    default:
      return value
  }
  throw new TypeError(`a ${type.kind} column came back as ${typeof value} ${value.constructor.name}`)
}

function timestampTicks(value: DuckDBValue, unit: 'milli' | 'micro' | 'nano'): bigint {
  if (value instanceof DuckDBTimestampMillisecondsValue) return inUnit(value.millis * 1_000_000n, unit)
  if (value instanceof DuckDBTimestampNanosecondsValue) return inUnit(value.nanos, unit)
  if (value instanceof DuckDBTimestampTZValue || value instanceof DuckDBTimestampValue)
    return inUnit(value.micros * 1000n, unit)
  throw new TypeError(`a timestamp column came back as ${typeof value}`)
}

const NANOS = { milli: 1_000_000n, micro: 1000n, nano: 1n } as const

const inUnit = (nanos: bigint, unit: keyof typeof NANOS) => nanos / NANOS[unit]

function objectOf(entries: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  const result = Object.create(null) as Record<string, unknown>
  for (const [key, value] of entries) result[key] = value
  return result
}
