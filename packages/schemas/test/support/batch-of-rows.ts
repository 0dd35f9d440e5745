import type { Column, ColumnBatch, ColumnValues, DataType, Schema } from '@sluice/columnar'
import { unscaledOf } from '../../src/avro/decimal.ts'
import type { Row, RowValue } from '../../src/codec/row.ts'

/** Columns of rows, built the slow and obvious way. */
export function batchOfRows(schema: Schema, rows: readonly Row[]): ColumnBatch {
  const columns = schema.fields.map((field) =>
    columnOf(
      field.type,
      rows.map((row) => row[field.name] ?? null),
    ),
  )
  return { schema, length: rows.length, columns }
}

function columnOf(type: DataType, values: readonly RowValue[]): Column {
  const length = values.length
  const nullCount = values.filter((value) => value === null).length
  const validity = new Uint8Array((length + 7) >> 3)
  values.forEach((value, i) => {
    if (value !== null) validity[i >> 3]! |= 1 << (i & 7)
  })
  const base = { type, length, nullCount, ...(nullCount === 0 ? {} : { validity }) }
  const map = <T>(of: (value: RowValue) => T, zero: T): T[] =>
    values.map((value) => (value === null ? zero : of(value)))
  const withValues = (column: ColumnValues): Column => ({ ...base, values: column })
  switch (type.kind) {
    case 'boolean': {
      const bits = new Uint8Array((length + 7) >> 3)
      values.forEach((value, i) => {
        if (value === true) bits[i >> 3]! |= 1 << (i & 7)
      })
      return withValues(bits)
    }
    case 'int32':
    case 'date':
      return withValues(Int32Array.from(map((value) => value as number, 0)))
    case 'enum':
      return withValues(Int32Array.from(map((value) => type.symbols.indexOf(value as string), 0)))
    case 'int64':
    case 'timestamp':
      return withValues(BigInt64Array.from(map((value) => value as bigint, 0n)))
    case 'float32':
      return withValues(Float32Array.from(map((value) => value as number, 0)))
    case 'float64':
      return withValues(Float64Array.from(map((value) => value as number, 0)))
    case 'decimal': {
      const bytes = new Uint8Array(16 * length)
      const view = new DataView(bytes.buffer)
      map((value) => unscaledOf(value as string, type.precision, type.scale)!, 0n).forEach((unscaled, i) => {
        view.setBigUint64(16 * i, BigInt.asUintN(64, unscaled), true)
        view.setBigInt64(16 * i + 8, unscaled >> 64n, true)
      })
      return withValues(bytes)
    }
    case 'uuid':
      return withValues(
        Uint8Array.from(
          map((v) => [...Buffer.from((v as string).replaceAll('-', ''), 'hex')], Array<number>(16).fill(0)).flat(),
        ),
      )
    case 'utf8':
    case 'binary': {
      const parts = map((value) => Buffer.from(value as string), Buffer.alloc(0))
      return {
        ...withValues(new Uint8Array(Buffer.concat(parts))),
        offsets: offsetsOf(parts.map((part) => part.length)),
      }
    }
    case 'list': {
      const lists = map((value) => value as RowValue[], [])
      return {
        ...base,
        offsets: offsetsOf(lists.map((list) => list.length)),
        children: [columnOf(type.item.type, lists.flat())],
      }
    }
    case 'map': {
      const maps = map((value) => Object.entries(value as Row), [])
      const entries = maps.flat()
      const children = [
        columnOf(
          { kind: 'utf8' },
          entries.map(([key]) => key),
        ),
        columnOf(
          type.value.type,
          entries.map(([, value]) => value),
        ),
      ]
      return { ...base, offsets: offsetsOf(maps.map((entry) => entry.length)), children }
    }
    case 'struct':
      return {
        ...base,
        children: type.fields.map((field) =>
          columnOf(
            field.type,
            map((value) => (value as Row)[field.name] ?? null, null),
          ),
        ),
      }
    default:
      throw new Error(`no test column for ${type.kind}`)
  }
}

function offsetsOf(lengths: readonly number[]): Int32Array {
  const offsets = new Int32Array(lengths.length + 1)
  lengths.forEach((length, i) => {
    offsets[i + 1] = offsets[i]! + length
  })
  return offsets
}
