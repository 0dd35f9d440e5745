import type { AvroNode } from '@sluice/schemas'
import { branchPrefix, type Damage, spliceField, varint } from './avro-splice.ts'
import { decimalScale, presentBranch, type SchemaField } from './schema-fields.ts'

/** Longer than any simulated record, shorter than what 32 bits hold. */
const farTooMany = 5_000_000

/**
 * Damages that put a value in place of a field which no writer of the schema can have written: a length below zero or
 * beyond the record, a varint without end, a uuid that is none, too many digits, a block whose size is not that of its
 * items, more items than a record may have.
 */
export function impossibleValues(fields: readonly SchemaField[]): readonly Damage[] {
  return fields.flatMap((field, i) => {
    const node = presentBranch(field.type)
    const prefix = branchPrefix(field.type)
    const put = (bytes: readonly number[], code: string): Damage => {
      return (value, encoder) => ({ value: spliceField(value, encoder, i, [...prefix, ...bytes]), code })
    }
    const text = (characters: string) => put([...varint(characters.length), ...Buffer.from(characters)], 'uuid_invalid')
    switch (node.kind) {
      case 'string':
        if (node.logical?.name === 'uuid') {
          return [text('123e4567-e89b-12d3-a456-42661417400g'), text('123e4567-e89b-12d3-a456-42661417400')]
        }
        return [put(varint(-1), 'length_negative'), put(varint(farTooMany), 'length_exceeds')]
      case 'int':
      case 'long':
        return [put(new Array<number>(11).fill(0xff), 'varint_overflow')]
      case 'bytes':
      case 'fixed':
        return decimalDamages(node).map((bytes) => put(bytes, 'decimal_precision'))
      case 'array':
        return [put(varint(farTooMany), 'items_budget'), wrongBlockSize(i, prefix.length)]
      default:
        return []
    }
  })
}

/** Numbers with more digits than a decimal may have: as large as its bytes allow. */
function decimalDamages(node: AvroNode): number[][] {
  if (decimalScale(node) === undefined || !('logical' in node) || node.logical?.name !== 'decimal') return []
  const { precision } = node.logical
  if (node.kind === 'bytes') return [[...varint(16), ...new Array<number>(16).fill(0x7f)]]
  const size = node.kind === 'fixed' ? node.size : 0
  // Only where the bytes can hold more than the digits.
  return 2 ** (8 * size - 1) > 10 ** precision * 2 ? [[0x7f, ...new Array<number>(size - 1).fill(0xff)]] : []
}

/** The items of the field's only block behind a size that is one byte short; `undefined` when there are no items. */
function wrongBlockSize(field: number, prefixLength: number): Damage {
  return (value, encoder) => {
    const start = (field === 0 ? encoder.bodyStart : encoder.fieldEnds[field - 1]!) + prefixLength
    const block = value.subarray(start, encoder.fieldEnds[field]!)
    const count = block[0]! >> 1
    // No items, null, or a count of more than one byte.
    if (block.length < 3 || block[0]! >= 0x80) return undefined
    const items = [...block.subarray(1, -1)]
    const prefix = [...value.subarray(start - prefixLength, start)]
    const bytes = [...prefix, ...varint(-count), ...varint(items.length - 1), ...items, 0]
    return { value: spliceField(value, encoder, field, bytes), code: 'block_size' }
  }
}
