import type { AvroNode } from '@sluice/schemas'
import type { FaultName } from './fault-names.ts'
import { branchPrefix, type Damage, spliceField, varint } from './avro-splice.ts'
import { impossibleValues } from './avro-impossible.ts'
import { presentBranch, type SchemaField } from './schema-fields.ts'

export const unknownSchemaIds = Object.freeze({ from: 2_000_000_000, to: 2_000_000_999 })

function append(value: Uint8Array, bytes: readonly number[]): Uint8Array {
  const out = new Uint8Array(value.length + bytes.length)
  out.set(value)
  out.set(bytes, value.length)
  return out
}

function indexes(fields: readonly SchemaField[], test: (node: AvroNode) => boolean): number[] {
  return fields.flatMap((field, i) => (test(field.type) ? [i] : []))
}

/**
 * Damages for one schema. Each is placed where the decoder cannot read anything else: bytes before the place are
 * untouched, and the damaged value itself has one possible reading.
 */
export function avroDamages(fields: readonly SchemaField[]): Partial<Record<FaultName, Damage>> {
  const unions = indexes(fields, (node) => node.kind === 'union')
  const booleans = indexes(fields, (node) => node.kind === 'boolean')
  const longs = indexes(fields, (node) => node.kind === 'long' || node.kind === 'int')
  const enums = indexes(fields, (node) => presentBranch(node).kind === 'enum')
  const texts = indexes(fields, (node) => {
    const present = presentBranch(node)
    return present.kind === 'string' && present.logical === undefined
  })

  // A value of another type: a union branch, a boolean or a number that cannot exist.
  const wrongTypes: Damage[] = []
  if (unions.length > 0) {
    wrongTypes.push((value, encoder, random) => {
      const i = random.pick(unions)
      const node = fields[i]!.type
      const branches = node.kind === 'union' ? node.branches.length : 0
      return { value: spliceField(value, encoder, i, varint(branches + random.int(40))), code: 'union_index' }
    })
  }
  if (booleans.length > 0) {
    wrongTypes.push((value, encoder, random) => ({
      value: spliceField(value, encoder, random.pick(booleans), [random.between(2, 255)]),
      code: 'boolean_invalid',
    }))
  }
  if (wrongTypes.length === 0 && longs.length > 0) {
    wrongTypes.push((value, encoder, random) => ({
      value: spliceField(value, encoder, random.pick(longs), new Array<number>(11).fill(0xff)),
      code: 'varint_overflow',
    }))
  }

  const damages: Partial<Record<FaultName, Damage>> = {
    bad_magic: (value, _encoder, random) => {
      const out = value.slice()
      out[0] = random.between(1, 255)
      return { value: out, code: 'envelope_magic' }
    },
    short_envelope: (value, encoder, random) => ({
      value: value.slice(0, random.int(encoder.bodyStart)),
      code: 'envelope_short',
    }),
    unknown_schema_id: (value, _encoder, random) => {
      const out = value.slice()
      const id = random.between(unknownSchemaIds.from, unknownSchemaIds.to)
      new DataView(out.buffer).setUint32(1, id)
      return { value: out, code: 'schema_unknown' }
    },
    // Cut where a field ends: the next field has no first byte, whatever its type.
    truncated: (value, encoder, random) => ({
      value: value.slice(0, encoder.fieldEnds[random.int(fields.length - 1)]),
      code: 'truncated',
    }),
    // Avro has no names in the data: without the last field the record ends early.
    missing_field: (value, encoder) => ({
      value: value.slice(0, encoder.fieldEnds[fields.length - 2]),
      code: 'truncated',
    }),
    trailing_bytes: (value, _encoder, random) => ({
      value: append(
        value,
        Array.from({ length: random.between(1, 16) }, () => random.int(256)),
      ),
      code: 'trailing_bytes',
    }),
    // A field more than the schema has, here a string, is bytes behind the last field.
    extra_field: (value) => ({ value: append(value, [10, 0x65, 0x78, 0x74, 0x72, 0x61]), code: 'trailing_bytes' }),
  }
  if (wrongTypes.length > 0) {
    damages.wrong_type = (value, encoder, random) => random.pick(wrongTypes)(value, encoder, random)
  }
  if (enums.length > 0) {
    damages.bad_enum = (value, encoder, random) => {
      const i = random.pick(enums)
      const node = presentBranch(fields[i]!.type)
      const symbols = node.kind === 'enum' ? node.symbols.length : 0
      const bytes = [...branchPrefix(fields[i]!.type), ...varint(symbols + random.int(100))]
      return { value: spliceField(value, encoder, i, bytes), code: 'enum_index' }
    }
  }
  if (texts.length > 0) {
    // Lone continuation, overlong slash, lead byte without its continuation, surrogate half, beyond U+10FFFF.
    const broken = [[0x80], [0xc0, 0xaf], [0xc3, 0x28], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80]]
    damages.invalid_utf8 = (value, encoder, random) => {
      const i = random.pick(texts)
      const text = [0x61, ...random.pick(broken), 0x7a]
      const bytes = [...branchPrefix(fields[i]!.type), ...varint(text.length), ...text]
      return { value: spliceField(value, encoder, i, bytes), code: 'utf8_invalid' }
    }
  }
  const impossible = impossibleValues(fields)
  if (impossible.length > 0) {
    damages.bad_value = (value, encoder, random) => random.pick(impossible)(value, encoder, random)
  }
  return damages
}
