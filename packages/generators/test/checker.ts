import {
  compileAvroDecoder,
  compileJsonDecoder,
  createBatchBuilder,
  type DecodeReject,
  type Decoder,
  type RowObject,
  rowsOf,
} from '@sluice/columnar'
import {
  arrowSchemaOf,
  compileRowRules,
  createRowCodec,
  DecodeError,
  getContract,
  parseEnvelope,
  SchemaError,
  type AvroSchema,
  type Contract,
  type Row as CodecRow,
  type RowCodec,
} from '@sluice/schemas'
import { incompatibleSchema, incompatibleVersion } from '../src/simulation.ts'
import { createCanonicalRow, hashRow, offlineSchemaId, type OutRecord, type Row } from '../src/index.ts'

/** What a small, slow reader of the contract finds in a value: a dead-letter code, or the row. */
export type Finding = { readonly code: string } | { readonly row: Row; readonly rowHash: string }

/** What one columnar decoder makes of one value: the code, or the row. */
function decodeOne(
  decoder: Decoder,
  value: Uint8Array,
  bodyStart: number,
): { readonly code: string } | { readonly row: RowObject } {
  const builder = createBatchBuilder(decoder.schema, 1)
  const rejects: DecodeReject[] = []
  const input = { bytes: value, starts: Int32Array.of(bodyStart), ends: Int32Array.of(value.length) }
  const rows = decoder.decodeInto(builder, input, 0, 1, rejects)
  return rows === 1 ? { row: rowsOf(builder.finish())[0]! } : { code: rejects[0]!.code }
}

/** The code that the columnar decoder gives to an Avro body, `undefined` when it makes a row of it. */
export function createColumnarCheck(contract: Contract): (value: Uint8Array | null) => string | undefined {
  const decoders = new Map<number, Decoder>()
  for (const { version, schema } of contract.versions) {
    decoders.set(offlineSchemaId(contract, version), compileAvroDecoder(schema, contract.schema))
  }
  return (value) => {
    const envelope = parseEnvelope(value ?? new Uint8Array(0))
    if (!envelope.ok) return envelope.code
    const decoder = decoders.get(envelope.schemaId)
    if (value === null || decoder === undefined) return 'schema_unknown'
    const found = decodeOne(decoder, value, envelope.bodyStart)
    return 'code' in found ? found.code : undefined
  }
}

function readable(writer: AvroSchema, contract: Contract): boolean {
  try {
    createRowCodec(writer, contract.schema)
    return true
  } catch (error) {
    if (error instanceof SchemaError && error.code === 'SCHEMA_INCOMPATIBLE') return false
    throw error
  }
}

/** A reader built on the row codec and the row rules of `@sluice/schemas` alone; it knows nothing of faults. */
export function createChecker(contract: Contract, maxRecordBytes: number) {
  const codecs = new Map<number, RowCodec>()
  for (const { version, schema } of contract.versions) {
    codecs.set(offlineSchemaId(contract, version), createRowCodec(schema, contract.schema))
  }
  const rules = compileRowRules(contract)
  const canonical = createCanonicalRow(contract.schema)
  const foreign = getContract('sluice.DeadLetter')
  const incompatible = readable(incompatibleSchema(contract), contract) ? 'stored' : 'schema_incompatible'
  return ({ key, value, headers }: OutRecord): Finding => {
    if (value === null) return { code: 'null_value' }
    if ((key?.length ?? 0) + value.length > maxRecordBytes) return { code: 'record_too_large' }
    const header = headers?.find(([name]) => name === '__value_schema_id')?.[1]
    if (header !== undefined) {
      if (header.length === 17 && header[0] === 1) return { code: 'schema_header_guid' }
      if (header.length !== 5 || header[0] !== 0) return { code: 'schema_header_invalid' }
    }
    const envelope = parseEnvelope(value)
    if (!envelope.ok) return { code: envelope.code }
    const codec = codecs.get(envelope.schemaId)
    if (codec === undefined) {
      if (envelope.schemaId === offlineSchemaId(contract, incompatibleVersion)) return { code: incompatible }
      const isForeign = envelope.schemaId === offlineSchemaId(foreign, 1)
      return { code: isForeign ? 'schema_not_allowed' : 'schema_unknown' }
    }
    try {
      const row = codec.decode(value.subarray(envelope.bodyStart))
      const broken = rules(row)
      if (broken !== undefined) return { code: broken.code }
      return { row, rowHash: hashRow(canonical(row)) }
    } catch (error) {
      if (error instanceof DecodeError) return { code: error.code }
      throw error
    }
  }
}

/** A reader of JSON topics: the columnar decoder in strict mode, then the row rules of `@sluice/schemas`. */
export function createJsonChecker(contract: Contract, maxRecordBytes: number) {
  const decoder = compileJsonDecoder(arrowSchemaOf(contract), { mode: 'strict' })
  const rules = compileRowRules(contract)
  const canonical = createCanonicalRow(contract.schema)
  return ({ key, value }: OutRecord): Finding => {
    if (value === null) return { code: 'null_value' }
    if ((key?.length ?? 0) + value.length > maxRecordBytes) return { code: 'record_too_large' }
    const found = decodeOne(decoder, value, 0)
    if ('code' in found) return found
    const row = found.row as CodecRow
    const broken = rules(row)
    return broken === undefined ? { row, rowHash: hashRow(canonical(row)) } : { code: broken.code }
  }
}
