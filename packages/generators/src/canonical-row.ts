import { hash } from 'node:crypto'
import { type AvroNode, type AvroSchema, parseSchema } from '@sluice/schemas'
import type { Row } from './domain.ts'
import { decimalScale } from './schema-fields.ts'

/**
 * The canonical text of a row: JSON without spaces, fields in the order of the schema, null fields present.
 *
 * | Avro | text |
 * | --- | --- |
 * | int, long and their times and dates | the integer in full, in the schema's unit |
 * | float, double | the shortest text that reads back equal (JavaScript's); `"NaN"`, `"Infinity"`, `"-Infinity"`, `-0` |
 * | decimal | quoted, with exactly `scale` fraction digits |
 * | bytes, fixed | quoted lower-case hex |
 * | enum, string, uuid | quoted, escaped as by `JSON.stringify` |
 * | map | keys in the order of their UTF-16 code units |
 */
export type CanonicalRow = (row: Row) => string

type Format = (value: unknown) => string

function formatDouble(value: unknown): string {
  const n = value as number
  if (Number.isFinite(n)) return Object.is(n, -0) ? '-0' : String(n)
  return `"${n}"`
}

// Text without a quote, backslash, control character or surrogate needs no escaping.
const plainText = /^[ !#-[\]-\ud7ff\ue000-\uffff]*$/

function formatText(value: unknown): string {
  const text = value as string
  return plainText.test(text) ? `"${text}"` : JSON.stringify(text)
}

function formatterOf(node: AvroNode): Format {
  switch (node.kind) {
    case 'null':
      return () => 'null'
    case 'boolean':
      return (value) => (value === true ? 'true' : 'false')
    case 'int':
    case 'long':
      return (value) => String(value)
    case 'float':
    case 'double':
      return formatDouble
    case 'string':
    case 'enum':
      return formatText
    case 'bytes':
    case 'fixed':
      if (decimalScale(node) !== undefined) return (value) => `"${value as string}"`
      return (value) => {
        const bytes = value as Uint8Array
        return `"${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')}"`
      }
    case 'array': {
      const item = formatterOf(node.items)
      return (value) => `[${(value as unknown[]).map(item).join(',')}]`
    }
    case 'map': {
      const item = formatterOf(node.values)
      return (value) => {
        const map = value as Row
        const keys = Object.keys(map).sort()
        return `{${keys.map((key) => `${JSON.stringify(key)}:${item(map[key])}`).join(',')}}`
      }
    }
    case 'union': {
      const present = node.branches.filter((branch) => branch.kind !== 'null')
      if (present.length > 1) throw new TypeError('union: only [null, type] has a canonical text')
      const format = present.length === 0 ? () => 'null' : formatterOf(present[0]!)
      return (value) => (value === null || value === undefined ? 'null' : format(value))
    }
    case 'record': {
      const heads = node.fields.map((field, i) => `${i === 0 ? '{' : ','}${JSON.stringify(field.name)}:`)
      const names = node.fields.map((field) => field.name)
      const formats = node.fields.map((field) => formatterOf(field.type))
      return (value) => {
        const row = value as Row
        let text = ''
        for (let i = 0; i < names.length; i++) text += heads[i]! + formats[i]!(row[names[i]!])
        return text + '}'
      }
    }
  }
}

/** Canonical text of rows of a schema, given in the row codec's spelling (longs as bigint or safe number). */
export function createCanonicalRow(schema: AvroSchema): CanonicalRow {
  return formatterOf(parseSchema(schema))
}

/** First 16 hex digits of the SHA-256 of the canonical text: what the ledger calls `rowHash`. */
export function hashRow(canonical: string): string {
  return hash('sha256', canonical, 'hex').slice(0, 16)
}
