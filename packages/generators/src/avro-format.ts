import type { AvroSchema } from '@sluice/schemas'
import { createAvroEncoder } from './avro-encoder.ts'
import { avroDamages } from './avro-faults.ts'
import type { Row } from './domain.ts'
import type { FaultName } from './fault-names.ts'
import type { Random } from './prng.ts'
import { fieldsOf, presentBranch, type SchemaField } from './schema-fields.ts'
import type { DamagedValue, DamageRow, ValueFormat } from './value-format.ts'

/** Confluent-framed Avro: written with one version of the schema, read with the latest. */
export function createAvroFormat(options: {
  readonly writer: AvroSchema
  readonly reader: AvroSchema
  readonly schemaId: number
  /** An id that the registry knows under the subject of another topic. */
  readonly foreignSchemaId: number
  /** An id that the registry knows under the subject of this topic, of a schema that `reader` cannot read. */
  readonly incompatibleSchemaId: number
}): ValueFormat {
  const { writer, reader, schemaId, foreignSchemaId, incompatibleSchemaId } = options
  const encoder = createAvroEncoder(writer, schemaId)
  const writerFields = fieldsOf(writer)
  const readerFields = fieldsOf(reader)
  const written = new Set(writerFields.map((field) => field.name))
  const damages: Partial<Record<FaultName, DamageRow>> = {}
  for (const [name, damage] of Object.entries(avroDamages(writerFields))) {
    damages[name as FaultName] = (row, random) => damage(encoder.encode(row), encoder, random)
  }
  const withId = (row: Row, id: number): Uint8Array => {
    const value = encoder.encode(row)
    new DataView(value.buffer, value.byteOffset).setUint32(1, id)
    return value
  }
  damages.foreign_schema_id = (row) => ({ value: withId(row, foreignSchemaId), code: 'schema_not_allowed' })
  damages.incompatible_schema_id = (row) => ({
    value: withId(row, incompatibleSchemaId),
    code: 'schema_incompatible',
  })
  damages.schema_header = (row, random) => schemaHeader(encoder.encode(row).slice(encoder.bodyStart), random)

  function asRead(row: Row): Row {
    return Object.fromEntries(
      readerFields.map((field) => [field.name, written.has(field.name) ? row[field.name] : defaultOf(field)]),
    )
  }
  return { encode: (row) => encoder.encode(row), read: writer === reader ? (row) => row : asRead, damages }
}

/**
 * A bare body whose schema id is in the header that newer clients write: a GUID, which the pipeline does not resolve, or
 * five bytes that do not start with 0, or of another length.
 */
function schemaHeader(value: Uint8Array, random: Random): DamagedValue {
  const headerOf = (length: number, first: number): Uint8Array => {
    const bytes = Uint8Array.from({ length }, () => random.int(256))
    if (length > 0) bytes[0] = first
    return bytes
  }
  if (random.chance(0.5)) {
    return { value, headers: [['__value_schema_id', headerOf(17, 1)]], code: 'schema_header_guid' }
  }
  const header = random.chance(0.5) ? headerOf(5, random.between(1, 255)) : headerOf(random.pick([0, 1, 4, 6, 16]), 0)
  return { value, headers: [['__value_schema_id', header]], code: 'schema_header_invalid' }
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
