import { RecordBatchStreamWriter, Table, tableFromIPC } from 'apache-arrow'
import { describe, expect, it } from 'vitest'
import { toArrow } from '../src/arrow.ts'
import { rowsOf } from '../src/index.ts'
import { decimalText } from '../src/decimal.ts'
import type { Column, ColumnBatch, DataType, Schema } from '../src/index.ts'
import { edgeValues } from './every-type.ts'
import { makeBatch } from './make-batch.ts'

const schema: Schema = {
  fields: edgeValues.map(({ name, type }, i) => ({ name, type, nullable: true, fieldId: i + 1 })),
}
const batch: ColumnBatch = makeBatch(
  schema,
  Array.from({ length: 12 }, (_, i) =>
    Object.fromEntries(edgeValues.map(({ name, values }) => [name, values[i] ?? null])),
  ),
)

/** An apache-arrow value in the form of `rowsOf`. */
function plain(type: DataType, value: unknown): unknown {
  if (value === null || value === undefined) return null
  switch (type.kind) {
    case 'decimal': {
      const words = value as Uint32Array
      const raw = words.reduceRight((sum, word) => (sum << 32n) | BigInt(word), 0n)
      return decimalText(BigInt.asIntN(128, raw), type.scale)
    }
    case 'uuid': {
      const hex = Buffer.from(value as Uint8Array).toString('hex')
      return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
    }
    case 'binary':
    case 'fixed':
      return Uint8Array.from(value as Uint8Array)
    case 'list':
      return [...(value as Iterable<unknown>)].map((item) => plain(type.item.type, item))
    case 'map': {
      const map = Object.create(null) as Record<string, unknown>
      for (const [key, item] of value as Iterable<[string, unknown]>) map[key] = plain(type.value.type, item)
      return map
    }
    case 'struct': {
      const row = Object.create(null) as Record<string, unknown>
      for (const field of type.fields)
        row[field.name] = plain(field.type, (value as Record<string, unknown>)[field.name])
      return row
    }
    default:
      return value
  }
}

function buffersOf(column: Column): unknown[] {
  return [column.values?.buffer, column.offsets?.buffer, ...(column.children ?? []).flatMap(buffersOf)].filter(Boolean)
}

describe('toArrow', () => {
  // apache-arrow reads dates and times as numbers or Dates by type: those are compared through the memory they share.
  const direct = (type: DataType): boolean => !['date', 'time', 'timestamp'].includes(type.kind)

  it('gives apache-arrow the same values, nested ones included', () => {
    const table = new Table([toArrow(batch)])
    const rows = rowsOf(batch)
    schema.fields.forEach((field, c) => {
      const vector = table.getChildAt(c)!
      expect(vector.length).toBe(batch.length)
      expect(vector.nullCount).toBe(batch.columns[c]!.nullCount)
      for (let i = 0; i < batch.length; i++) {
        if (direct(field.type)) expect(plain(field.type, vector.get(i)), field.name).toEqual(rows[i]![field.name])
        else expect(vector.get(i) === null).toBe(rows[i]![field.name] === null)
      }
    })
  })

  it('shares the memory', () => {
    const arrow = toArrow(batch)
    const shared = new Set<unknown>()
    const visit = (data: (typeof arrow)['data']): void => {
      for (const buffer of [data.values, data.valueOffsets]) {
        if (ArrayBuffer.isView(buffer)) shared.add(buffer.buffer)
      }
      data.children.forEach(visit as never)
    }
    visit(arrow.data)
    for (const buffer of batch.columns.flatMap(buffersOf)) expect(shared.has(buffer)).toBe(true)
  })

  it('survives Arrow IPC with types, names and field ids', () => {
    const table = tableFromIPC(RecordBatchStreamWriter.writeAll([toArrow(batch)]).toUint8Array(true))
    expect(table.schema.fields.map((field) => field.name)).toEqual(schema.fields.map((field) => field.name))
    expect(table.schema.fields.map((field) => field.metadata.get('PARQUET:field_id'))).toEqual(
      schema.fields.map((_, i) => String(i + 1)),
    )
    const c = schema.fields.findIndex((field) => field.name === 'timestamp_micro')
    expect(String(table.schema.fields[c]!.type)).toBe('Timestamp<MICROSECOND, UTC>')
    expect(table.getChildAt(c)!.data[0]!.values).toEqual(batch.columns[c]!.values)
  })
})
