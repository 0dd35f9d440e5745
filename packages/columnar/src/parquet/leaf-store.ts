import type { Column, ColumnValues } from '../types.ts'
import type { ByteWriter } from '../byte-writer.ts'
import type { Encoding } from './format.ts'

/** What a store may use, from the encoder's options. */
export interface StoreOptions {
  readonly dictionary: boolean
  readonly deltaIntegers: boolean
  readonly deltaStrings: boolean
}

/** Smallest and largest value of a column chunk in PLAIN encoding; either may be a bound that no row holds. */
export interface Bounds {
  readonly min?: Uint8Array
  readonly max?: Uint8Array
  readonly minExact: boolean
  readonly maxExact: boolean
}

/** The values of a row group, with the encoding decided. Valid until the store changes. */
export interface SealedValues {
  readonly encoding: Encoding
  /** The dictionary page in PLAIN encoding. */
  readonly dictionary?: { readonly bytes: Uint8Array; readonly count: number }
  readonly bounds?: Bounds
  /** End of the longest run of values from `from` that takes at most `maxBytes`; at least one value. */
  fit(from: number, maxBytes: number): number
  /** Writes values `[from, to)` as the values part of a data page. */
  write(out: ByteWriter, from: number, to: number): void
}

/**
 * Collects the present values of one leaf for the open row group, already dictionary-encoded where that pays.
 * What `seal` decides depends on the values and their order alone, never on how they were split into calls.
 */
export interface LeafStore {
  readonly count: number
  /** Memory held, bytes. */
  readonly heldBytes: number
  /** Estimate of the encoded size before compression, bytes. */
  readonly encodedBytes: number
  /** Appends the values at `at[0, n)`; `contiguous` says that these are successive positions. */
  append(column: Column, at: Int32Array, n: number, contiguous: boolean): void
  seal(): SealedValues
  /** Empties the store for the next row group; it keeps its memory. */
  clear(): void
  /** Empties the store and hands its memory back. */
  release(): void
}

/** Length from which bounds of strings and bytes are cut. */
export const MAX_BOUND_BYTES = 64
/** Distinct values a dictionary may hold: indices are kept in 16 bits. */
export const MAX_DICTIONARY_ENTRIES = 65_536
/** Size a dictionary page may reach, bytes before compression. */
export const MAX_DICTIONARY_BYTES = 2 * 1024 * 1024
/**
 * Longest probe sequence an insert may need. Real data stays far below; keys crafted to collide make the column fall
 * back to plain values instead of making every lookup slow.
 */
export const MAX_PROBES = 128

/** Whether `distinct` among the first `count` values is so many that a dictionary cannot pay. */
export function tooManyDistinct(distinct: number, count: number): boolean {
  return distinct > MAX_DICTIONARY_ENTRIES || (count >= 4096 && distinct > count * (count < 16_384 ? 0.95 : 0.8))
}

/** The values as little-endian 32-bit words; copies only when the view is not aligned. */
export function wordsOf(values: ColumnValues): Int32Array {
  if (values instanceof Int32Array) return values
  const { buffer, byteOffset, byteLength } = values
  if (byteOffset % 4 === 0) return new Int32Array(buffer, byteOffset, byteLength >>> 2)
  return new Int32Array(buffer.slice(byteOffset, byteOffset + byteLength))
}

/** The bytes of `array[from, to)`, without a copy. */
export function bytesOf(array: ArrayBufferView & { readonly BYTES_PER_ELEMENT: number }, from: number, to: number) {
  const size = array.BYTES_PER_ELEMENT
  return new Uint8Array(array.buffer, array.byteOffset + from * size, (to - from) * size)
}
