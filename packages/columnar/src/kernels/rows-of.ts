import { isSet } from '../bitmap.ts'
import { decimalText, readDecimal } from '../decimal.ts'
import type { Column, ColumnBatch, Field } from '../types.ts'
import { childFields } from '../builder/layout.ts'
import { uuidText } from '../uuid.ts'

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** A row as an object without prototype, so that a field named `__proto__` is a field like any other (input 12). */
export type RowObject = Record<string, unknown>

/**
 * Rows as objects. For edges only (tests, dead letters, printing): slow, and every value is allocated.
 *
 * Null is `null`; 64-bit integers, timestamps and time-micros are `bigint` in their unit; date is days since epoch and
 * time-millis is milliseconds, as `number`; a decimal is its exact text; a uuid its lower-case text; an enum its symbol;
 * bytes are copied; lists are arrays; structs and maps are objects without prototype (the last of equal keys wins).
 */
export function rowsOf(batch: ColumnBatch): RowObject[] {
  const rows: RowObject[] = []
  const { fields } = batch.schema
  for (let i = 0; i < batch.length; i++) rows.push(structAt(fields, batch.columns, i))
  return rows
}

function structAt(fields: readonly Field[], columns: readonly Column[], i: number): RowObject {
  const row = Object.create(null) as RowObject
  fields.forEach((field, c) => {
    row[field.name] = valueAt(columns[c]!, i)
  })
  return row
}

/** The value of one slot in the form of `rowsOf`. */
export function valueAt(column: Column, i: number): unknown {
  const { type, values, offsets, children } = column
  if (type.kind === 'null' || !isSet(column.validity, i)) return null
  switch (type.kind) {
    case 'boolean':
      return isSet(values as Uint8Array, i)
    case 'enum':
      return type.symbols[values![i] as number]
    case 'utf8':
      return decoder.decode((values as Uint8Array).subarray(offsets![i], offsets![i + 1]))
    case 'binary':
      return (values as Uint8Array).slice(offsets![i], offsets![i + 1])
    case 'fixed':
      return (values as Uint8Array).slice(type.size * i, type.size * (i + 1))
    case 'uuid':
      return uuidText(values as Uint8Array, i)
    case 'decimal':
      return decimalText(readDecimal(values as Uint8Array, i), type.scale)
    case 'list': {
      const items: unknown[] = []
      for (let at = offsets![i]!; at < offsets![i + 1]!; at++) items.push(valueAt(children![0]!, at))
      return items
    }
    case 'map': {
      const map = Object.create(null) as RowObject
      for (let at = offsets![i]!; at < offsets![i + 1]!; at++) {
        map[valueAt(children![0]!, at) as string] = valueAt(children![1]!, at)
      }
      return map
    }
    case 'struct':
      return structAt(childFields(type), children!, i)
    default:
      return values![i]
  }
}
