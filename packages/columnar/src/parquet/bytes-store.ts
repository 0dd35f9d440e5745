import type { Column } from '../types.ts'
import { ColumnarError } from '../errors.ts'
import { byteBounds, extremes, type Position } from './bounds.ts'
import { giveMemory, noBytes, noInts, noShorts, roomierBytes, roomierInts, roomierShorts } from '../buffer-pool.ts'
import type { Bytes, Ints, Shorts } from '../buffer-pool.ts'
import { Encoding } from './format.ts'
import { MAX_BOUND_BYTES } from './leaf-store.ts'
import type { Bounds, LeafStore, SealedValues, StoreOptions } from './leaf-store.ts'
import { bitWidth } from './rle-hybrid.ts'
import { fitFixed, writeIndices } from './word-store.ts'
import { ByteDictionary } from './byte-dictionary.ts'
import { ascending, copyBytes, fitVarying, writeDeltaLength, writePlain } from './byte-slab.ts'

/** What the bytes of a value mean; decides their order and where bounds may be cut. */
export type BytesKind = 'utf8' | 'binary' | 'fixed' | 'decimal'

/**
 * Values that are runs of bytes. While the distinct values are few they are kept once, in a dictionary; after that as one slab with the end of each value, which successive values join in one copy.
 */
export class BytesStore implements LeafStore {
  count = 0
  readonly #kind: BytesKind
  /** Bytes per value, or 0 when values carry their own length. */
  readonly #size: number
  readonly #prefix: number
  readonly #options: StoreOptions
  #inDictionary: boolean
  readonly #dictionary: ByteDictionary
  #indices: Shorts = noShorts
  #slab: Bytes = noBytes
  #slabLength = 0
  #ends: Ints = noInts
  #scratch: Bytes = noBytes

  constructor(kind: BytesKind, size: number, options: StoreOptions) {
    this.#kind = kind
    this.#size = size
    this.#prefix = size === 0 ? 4 : 0
    this.#options = options
    this.#inDictionary = options.dictionary
    this.#dictionary = new ByteDictionary(size)
  }

  get heldBytes(): number {
    return (
      this.#dictionary.heldBytes +
      this.#indices.byteLength +
      this.#slab.byteLength +
      this.#ends.byteLength +
      this.#scratch.byteLength
    )
  }

  get encodedBytes(): number {
    if (!this.#inDictionary) return this.#slabLength + this.count * (this.#size === 0 ? 1 : 0)
    const { distinct, entriesLength } = this.#dictionary
    return entriesLength + Math.ceil((this.count * bitWidth(distinct)) / 8)
  }

  append(column: Column, at: Int32Array, n: number, contiguous: boolean): void {
    if (n === 0) return
    let bytes = column.values as Uint8Array
    let positions = at
    let successive = contiguous
    if (this.#kind === 'decimal') {
      bytes = this.#bigEndian(bytes, at, n)
      positions = ascending(n)
      successive = true
    }
    let done = 0
    if (this.#inDictionary) {
      done =
        column.constant === true
          ? this.#indexOne(bytes, column.offsets, positions, n)
          : this.#index(bytes, column.offsets, positions, n)
      if (done < n) this.#leaveDictionary()
    }
    if (done < n) this.#appendPlain(bytes, column.offsets, positions, done, n, successive)
  }

  /** Appends dictionary indices until done or until the dictionary no longer pays; returns how many were appended. */
  #index(bytes: Uint8Array, offsets: Int32Array | undefined, at: Int32Array, n: number): number {
    const done = this.#dictionary.index(bytes, offsets, at, n, this.#reserveIndices(n), this.count)
    this.count += done
    return done
  }

  /** The same for `n` equal values: one look-up. Ends as `#index` would, because equal values add no entry. */
  #indexOne(bytes: Uint8Array, offsets: Int32Array | undefined, at: Int32Array, n: number): number {
    const before = this.#dictionary.indexedBytes
    if (this.#index(bytes, offsets, at, 1) === 0) return 0
    const more = n - 1
    const indices = this.#reserveIndices(more)
    indices.fill(indices[this.count - 1]!, this.count, this.count + more)
    this.#dictionary.indexedBytes += more * (this.#dictionary.indexedBytes - before)
    this.count += more
    return n
  }

  #appendPlain(
    bytes: Uint8Array,
    offsets: Int32Array | undefined,
    at: Int32Array,
    from: number,
    n: number,
    contiguous: boolean,
  ): void {
    const size = this.#size
    const first = at[from]!
    if (size !== 0) {
      const slab = this.#reserveSlab((n - from) * size)
      let to = this.#slabLength
      if (contiguous) slab.set(bytes.subarray(first * size, (first + n - from) * size), to)
      else for (let k = from; k < n; k++, to += size) copyBytes(bytes, at[k]! * size, (at[k]! + 1) * size, slab, to)
      this.#slabLength += (n - from) * size
      this.count += n - from
      return
    }
    const ends = this.#reserveEnds(n - from)
    let count = this.count
    if (contiguous) {
      const start = offsets![first]!
      const end = offsets![first + n - from]!
      const slab = this.#reserveSlab(end - start)
      slab.set(bytes.subarray(start, end), this.#slabLength)
      const shift = this.#slabLength - start
      for (let k = first + 1; k <= first + n - from; k++) ends[count++] = offsets![k]! + shift
      this.#slabLength += end - start
    } else {
      let total = 0
      for (let k = from; k < n; k++) total += offsets![at[k]! + 1]! - offsets![at[k]!]!
      const slab = this.#reserveSlab(total)
      let to = this.#slabLength
      for (let k = from; k < n; k++) {
        const start = offsets![at[k]!]!
        const end = offsets![at[k]! + 1]!
        copyBytes(bytes, start, end, slab, to)
        to += end - start
        ends[count++] = to
      }
      this.#slabLength = to
    }
    this.count = count
  }

  /** Replaces indices by the bytes they stand for; what the dictionary held is let go. */
  #leaveDictionary(): void {
    this.#materialize()
    this.#inDictionary = false
    this.#dictionary.clear()
  }

  #materialize(): void {
    const { count } = this
    const dictionary = this.#dictionary
    const slab = this.#reserveSlab(dictionary.indexedBytes)
    const ends = this.#size === 0 ? this.#reserveEnds(0) : this.#ends
    let to = 0
    for (let i = 0; i < count; i++) {
      const index = this.#indices[i]!
      const start = dictionary.start(index)
      const end = dictionary.end(index)
      copyBytes(dictionary.entries, start, end, slab, to)
      to += end - start
      if (this.#size === 0) ends[i] = to
    }
    this.#slabLength = to
  }

  seal(): SealedValues {
    if (this.#inDictionary) {
      const { distinct, entriesLength, indexedBytes } = this.#dictionary
      const bits = bitWidth(distinct - 1)
      const dictionarySize = entriesLength + Math.ceil((this.count * bits) / 8)
      if (this.count > 0 && dictionarySize <= indexedBytes + this.#prefix * this.count)
        return this.#sealedDictionary(bits)
      this.#materialize()
    }
    return this.#sealedPlain()
  }

  #sealedDictionary(bits: number): SealedValues {
    const dictionary = this.#dictionary
    const { entries, entriesLength, distinct } = dictionary
    const bounds = this.#boundsOf(
      entries,
      distinct,
      (i) => dictionary.start(i),
      (i) => dictionary.end(i),
    )
    return {
      encoding: Encoding.RLE_DICTIONARY,
      dictionary: { bytes: entries.subarray(0, entriesLength), count: distinct },
      ...(bounds ? { bounds } : {}),
      fit: (from, maxBytes) => fitFixed(from, this.count, maxBytes, bits / 8),
      write: (out, from, to) => writeIndices(out, this.#indices, from, to, bits),
    }
  }

  #sealedPlain(): SealedValues {
    const size = this.#size
    const ends = this.#ends
    const slab = this.#slab
    const start = size === 0 ? (i: number) => (i === 0 ? 0 : ends[i - 1]!) : (i: number) => i * size
    const end = size === 0 ? (i: number) => ends[i]! : (i: number) => (i + 1) * size
    const bounds = this.#boundsOf(slab, this.count, start, end)
    const withBounds = bounds ? { bounds } : {}
    if (size !== 0) {
      return {
        encoding: Encoding.PLAIN,
        ...withBounds,
        fit: (from, maxBytes) => fitFixed(from, this.count, maxBytes, size),
        write: (out, from, to) => out.append(slab.subarray(from * size, to * size)),
      }
    }
    const delta = this.#options.deltaStrings && this.count > 0
    return {
      encoding: delta ? Encoding.DELTA_LENGTH_BYTE_ARRAY : Encoding.PLAIN,
      ...withBounds,
      fit: (from, maxBytes) => fitVarying(ends, from, this.count, maxBytes),
      write: (out, from, to) => {
        if (delta) writeDeltaLength(out, slab, ends, from, to)
        else writePlain(out, slab, ends, from, to)
      },
    }
  }

  #boundsOf(bytes: Uint8Array, count: number, start: Position, end: Position): Bounds | undefined {
    if (count === 0 || (this.#kind === 'fixed' && this.#size > MAX_BOUND_BYTES)) return undefined
    const { low, high } = extremes(bytes, count, start, end, this.#kind === 'decimal')
    return this.#size === 0
      ? byteBounds(low, high, this.#kind === 'utf8')
      : { min: low.slice(), max: high.slice(), minExact: true, maxExact: true }
  }

  clear(): void {
    this.count = 0
    this.#inDictionary = this.#options.dictionary
    this.#slabLength = 0
    this.#dictionary.clear()
  }

  release(): void {
    this.clear()
    this.#dictionary.release()
    for (const array of [this.#indices, this.#slab, this.#ends]) giveMemory(array.buffer)
    this.#ends = noInts
    this.#slab = this.#scratch = noBytes
    this.#indices = noShorts
  }

  #reserveIndices(extra: number): Uint16Array {
    this.#indices = roomierShorts(this.#indices, this.count, this.count + extra)
    return this.#indices
  }

  #reserveSlab(extra: number): Uint8Array {
    this.#slab = roomierBytes(this.#slab, this.#slabLength, this.#slabLength + extra)
    return this.#slab
  }

  #reserveEnds(extra: number): Int32Array {
    this.#ends = roomierInts(this.#ends, this.count, this.count + extra)
    return this.#ends
  }

  /** Little-endian 16-byte decimals as big-endian values of the column's size. */
  #bigEndian(values: Uint8Array, at: Int32Array, n: number): Uint8Array {
    const size = this.#size
    if (this.#scratch.length < n * size) this.#scratch = new Uint8Array(n * size)
    const out = this.#scratch
    let to = 0
    for (let k = 0; k < n; k++) {
      const from = at[k]! * 16
      const sign = (values[from + size - 1]! << 24) >> 31
      for (let i = size; i < 16; i++) {
        if (values[from + i] !== (sign & 0xff))
          throw new ColumnarError('BATCH_VALUE', `Row ${at[k]}: a decimal has more digits than its column's precision.`)
      }
      for (let i = size - 1; i >= 0; i--) out[to++] = values[from + i]!
    }
    return out
  }
}
