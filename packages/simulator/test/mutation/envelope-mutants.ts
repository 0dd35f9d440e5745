import type { Mutant } from './mutant.ts'

const pass = 'ingest-core/src/decode/envelope-pass.ts'
const header = 'ingest-core/src/decode/schema-header.ts'
const wire = 'schemas/src/wire.ts'
const router = 'ingest-core/src/sink/row-router.ts'

/** Checks before decoding, and the lateness of rows after it. */
export const envelopeMutants: readonly Mutant[] = [
  {
    name: 'record size',
    edits: [{ file: pass, find: 'recordBytes(slab, i) > limits.maxRecordBytes', replace: 'false' }],
    feeds: ['ecommerce-events', 'telco.customers'],
    guards: ['record_too_large'],
  },
  {
    // Without it, JSON would still be safe: its decoder looks for a value, too.
    name: 'null value',
    edits: [{ file: pass, find: 'else if (valueStart < 0) {', replace: 'else if (valueStart === -99) {' }],
    feeds: ['ecommerce-events'],
    guards: ['null_value'],
  },
  {
    name: 'tombstone policy',
    edits: [{ file: pass, find: "if (contract.tombstones === 'skip')", replace: 'if (contract.tombstones)' }],
    feeds: ['ecommerce-events', 'telco.customers'],
    guards: ['null_value'],
  },
  {
    name: 'schema id in a header',
    edits: [{ file: pass, find: 'headers < 0 ? HEADER_NONE', replace: 'headers < Infinity ? HEADER_NONE' }],
    feeds: ['ecommerce-events'],
    guards: ['schema_header_guid', 'schema_header_invalid'],
  },
  {
    name: 'GUID in a header',
    edits: [{ file: header, find: 'if (length === 17 && bytes[start] === 1) return HEADER_GUID', replace: '' }],
    feeds: ['ecommerce-events'],
    guards: ['schema_header_guid'],
  },
  {
    name: 'form of a header',
    edits: [{ file: header, find: 'if (length !== 5 || bytes[start] !== 0) return HEADER_INVALID', replace: '' }],
    feeds: ['ecommerce-events'],
    guards: ['schema_header_invalid'],
  },
  {
    name: 'magic byte',
    edits: [{ file: wire, find: 'if (bytes[start] !== 0) return ENVELOPE_MAGIC', replace: '' }],
    feeds: ['pharma.lab_results'],
    guards: ['envelope_magic'],
  },
  {
    name: 'length of the envelope',
    edits: [{ file: wire, find: 'if (end - start < envelopeBytes) return ENVELOPE_SHORT', replace: '' }],
    feeds: ['pharma.lab_results'],
    guards: ['envelope_short'],
  },
  {
    name: 'schema that the contract cannot read',
    edits: [
      {
        file: 'ingest-core/src/decode/decode-stage.ts',
        find: "if (error instanceof Error && 'code' in error) return 'schema_incompatible'",
        replace:
          "if (error instanceof Error && 'code' in error) return compileAvroDecoder(contract.schema, contract.schema)",
      },
    ],
    feeds: ['pharma.lab_results'],
    guards: ['schema_incompatible'],
  },
  {
    name: 'lateness',
    edits: [
      { file: router, find: 'if (time < watermark - lateness) late = 1', replace: 'if (time < -1e300) late = 1' },
    ],
    feeds: ['ecommerce-events', 'events_raw'],
    guards: ['late'],
  },
  {
    name: 'lateness window',
    edits: [{ file: router, find: 'if (time < watermark - lateness)', replace: 'if (time < watermark)' }],
    feeds: ['telco.customers'],
    guards: ['stored'],
  },
  {
    name: 'watermark of a partition',
    edits: [
      {
        file: router,
        find: 'else if (time > watermark && time >= min',
        replace: 'else if (time > watermark * 2 && time >= min',
      },
    ],
    feeds: ['pharma.sensor_data'],
    guards: ['late'],
  },
]
