import {
  compileRowRules,
  createRowCodec,
  DecodeError,
  parseEnvelope,
  type Contract,
  type RowCodec,
} from '@sluice/schemas'
import { createCanonicalRow, hashRow, offlineSchemaId, type Row } from '../src/index.ts'

/** What a small, slow reader of the contract finds in a value: a dead-letter code, or the row. */
export type Finding = { readonly code: string } | { readonly row: Row; readonly rowHash: string }

/** A reader built on the row codec and the row rules of `@sluice/schemas` alone; it knows nothing of faults. */
export function createChecker(contract: Contract, maxRecordBytes: number) {
  const codecs = new Map<number, RowCodec>()
  for (const { version, schema } of contract.versions) {
    codecs.set(offlineSchemaId(contract, version), createRowCodec(schema, contract.schema))
  }
  const rules = compileRowRules(contract)
  const canonical = createCanonicalRow(contract.schema)
  return (key: Uint8Array | null, value: Uint8Array | null): Finding => {
    if (value === null) return { code: 'null_value' }
    if ((key?.length ?? 0) + value.length > maxRecordBytes) return { code: 'record_too_large' }
    const envelope = parseEnvelope(value)
    if (!envelope.ok) return { code: envelope.code }
    const codec = codecs.get(envelope.schemaId)
    if (codec === undefined) return { code: 'schema_unknown' }
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
