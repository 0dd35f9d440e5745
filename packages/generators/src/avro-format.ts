import type { AvroSchema } from '@sluice/schemas'
import { createAvroEncoder } from './avro-encoder.ts'
import { avroDamages } from './avro-faults.ts'
import type { Row } from './domain.ts'
import type { FaultName } from './fault-names.ts'
import { fieldsOf, presentBranch, type SchemaField } from './schema-fields.ts'
import type { DamageRow, ValueFormat } from './value-format.ts'

/** Confluent-framed Avro: written with one version of the schema, read with the latest. */
export function createAvroFormat(options: {
  readonly writer: AvroSchema
  readonly reader: AvroSchema
  readonly schemaId: number
}): ValueFormat {
  const { writer, reader, schemaId } = options
  const encoder = createAvroEncoder(writer, schemaId)
  const writerFields = fieldsOf(writer)
  const readerFields = fieldsOf(reader)
  const written = new Set(writerFields.map((field) => field.name))
  const damages: Partial<Record<FaultName, DamageRow>> = {}
  for (const [name, damage] of Object.entries(avroDamages(writerFields))) {
    damages[name as FaultName] = (row, random) => damage(encoder.encode(row), encoder, random)
  }

  function asRead(row: Row): Row {
    return Object.fromEntries(
      readerFields.map((field) => [field.name, written.has(field.name) ? row[field.name] : defaultOf(field)]),
    )
  }
  return { encode: (row) => encoder.encode(row), read: writer === reader ? (row) => row : asRead, damages }
}

/** Default of a field that the writer did not know. Only what contracts use: null and plain JSON values. */
function defaultOf(field: SchemaField): unknown {
  if (!field.hasDefault) throw new TypeError(`field ${field.name} has no default`)
  const node = presentBranch(field.type)
  if (field.default === null || field.type.kind === 'union') return field.default
  if (node.kind === 'long') return BigInt(field.default as number)
  if (node.kind === 'bytes' || node.kind === 'fixed') throw new TypeError(`field ${field.name}: default of bytes`)
  return structuredClone(field.default)
}
