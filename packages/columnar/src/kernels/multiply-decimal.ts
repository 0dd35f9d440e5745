import { isSet } from '../bitmap.ts'
import { mostWords, withinPrecision } from '../decimal.ts'
import { ColumnarError } from '../errors.ts'
import type { Column, DataType } from '../types.ts'

export interface DecimalProduct {
  /** Null where an operand is null, and where the product does not fit. */
  readonly column: Column
  /** Rows whose product has more digits than the type of the result, ascending. */
  readonly overflows: readonly number[]
}

/**
 * `decimal * by`, row by row, on the 128-bit two's complement words of the column: exact, without a double or a BigInt.
 * `by` holds 32-bit integers; the result has the scale of `decimal`.
 * @throws {ColumnarError} KERNEL_TYPE when the columns are of other types or lengths
 */
export function multiplyDecimal(decimal: Column, by: Column, type: DataType): DecimalProduct {
  if (decimal.type.kind !== 'decimal' || by.type.kind !== 'int32' || type.kind !== 'decimal') {
    throw new ColumnarError('KERNEL_TYPE', 'a decimal column is multiplied by an int32 column into a decimal column')
  }
  if (decimal.type.scale !== type.scale || decimal.length !== by.length) {
    throw new ColumnarError('KERNEL_TYPE', 'factor and product have the same scale, and both factors the same length')
  }
  const { length } = decimal
  const source = decimal.values as Uint8Array
  const words = new Int32Array(source.buffer, source.byteOffset, 4 * length)
  const factors = by.values as Int32Array
  const most = mostWords(type.precision)
  const product = new Int32Array(4 * length)
  const validity = new Uint8Array((length + 7) >> 3)
  const overflows: number[] = []
  let present = 0
  for (let row = 0; row < length; row++) {
    if (!isSet(decimal.validity, row) || !isSet(by.validity, row)) continue
    if (!multiplyWords(words, 4 * row, factors[row]!, product, most)) {
      product.fill(0, 4 * row, 4 * row + 4)
      overflows.push(row)
      continue
    }
    validity[row >> 3]! |= 1 << (row & 7)
    present += 1
  }
  const values = new Uint8Array(product.buffer)
  const nullCount = length - present
  return { column: { type, length, nullCount, ...(nullCount > 0 && { validity }), values }, overflows }
}

/** One product of four words and an integer, at the same place in `out`. False when it does not fit. */
function multiplyWords(words: Int32Array, at: number, factor: number, out: Int32Array, most: Uint32Array): boolean {
  const flip = words[at + 3]! >> 31
  const by = Math.abs(factor)
  // |v| = (v ^ -1) + 1 for v < 0: the one goes in as a first carry of the absolute value, so before it is multiplied.
  let one = flip & 1
  let carry = 0
  for (let i = 0; i < 4; i++) {
    let word = (words[at + i]! ^ flip) >>> 0
    word += one
    one = word > 0xffff_ffff ? 1 : 0
    word >>>= 0
    // Halves of 16 bits: a half times 31 bits plus the carry is below 2^48, where doubles count exactly.
    const low = (word & 0xffff) * by + carry
    const high = (word >>> 16) * by + Math.floor(low / 0x1_0000)
    carry = Math.floor(high / 0x1_0000)
    out[at + i] = ((high & 0xffff) << 16) | (low & 0xffff)
  }
  // Above 127 bits there is no room for a sign.
  if (carry !== 0 || out[at + 3]! < 0 || !withinPrecision(out, at, most)) return false
  if (flip < 0 !== factor < 0) negate(out, at)
  return true
}

function negate(words: Int32Array, at: number): void {
  let one = 1
  for (let i = 0; i < 4; i++) {
    const word = (~words[at + i]! >>> 0) + one
    one = word > 0xffff_ffff ? 1 : 0
    words[at + i] = word | 0
  }
}
