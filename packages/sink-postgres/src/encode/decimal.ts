import type { Column, DataType } from '@sluice/columnar'
import { fixedWriter } from './fixed-writer.ts'
import type { FieldWriter, Present } from './fixed-writer.ts'

const negativeSign = 0x4000
const base = 10_000
const two32 = 4_294_967_296
const safe = 2 ** 53

/**
 * Decimals as `numeric`: int16 number of digits, weight of the first, sign, display scale, then digits in base 10,000.
 * The number of digits is the same for all rows of a column; the server strips leading and trailing zeros.
 */
export function decimalWriter(
  column: Column,
  { precision, scale }: Extract<DataType, { kind: 'decimal' }>,
  present: Present,
): FieldWriter {
  const whole = Math.max(1, Math.ceil((precision - scale) / 4))
  const fraction = Math.ceil(scale / 4)
  const digits = whole + fraction
  // The last digit ends at a multiple of four decimal places.
  const pad = 10 ** (4 * fraction - scale)
  const words = int32Of(column.values as Uint8Array)
  return fixedWriter(column.length, 8 + 2 * digits, present, (_out, view, at, row) => {
    const negative = words[4 * row + 3]! < 0
    view.setInt16(at, digits)
    view.setInt16(at + 2, whole - 1)
    view.setInt16(at + 4, negative ? negativeSign : 0)
    view.setInt16(at + 6, scale)
    const small = smallValue(words, 4 * row)
    if (small !== undefined && Math.abs(small) * pad < safe) {
      let rest = Math.abs(small) * pad
      for (let i = digits - 1; i >= 0; i--) {
        const next = Math.floor(rest / base)
        view.setInt16(at + 8 + 2 * i, rest - next * base)
        rest = next
      }
      return
    }
    const value = bigValue(words, 4 * row)
    let rest = (value < 0n ? -value : value) * BigInt(pad)
    for (let i = digits - 1; i >= 0; i--) {
      view.setInt16(at + 8 + 2 * i, Number(rest % 10_000n))
      rest /= 10_000n
    }
  })
}

/** 16-byte slots as words, lowest first. */
export function int32Of(values: Uint8Array): Int32Array {
  if (values.byteOffset % 4 === 0) return new Int32Array(values.buffer, values.byteOffset, values.byteLength >> 2)
  return new Int32Array(values.slice().buffer)
}

/** The value at four words when it is within ±2^53. */
export function smallValue(words: Int32Array, at: number): number | undefined {
  const sign = words[at + 1]! >> 31
  if (words[at + 2]! !== sign || words[at + 3]! !== sign) return undefined
  const value = words[at + 1]! * two32 + (words[at]! >>> 0)
  return Math.abs(value) < safe ? value : undefined
}

export function bigValue(words: Int32Array, at: number): bigint {
  let value = BigInt(words[at + 3]!)
  for (let i = 2; i >= 0; i--) value = (value << 32n) | BigInt(words[at + i]! >>> 0)
  return value
}
