import type { Column } from '../types.ts'
import { ColumnarError } from '../errors.ts'
import { byteBounds, extremes, type Position } from './bounds.ts'
import {
  giveMemory,
  noBytes,
  noInts,
  noShorts,
  roomierBytes,
  roomierInts,
  roomierShorts,
  zeroInts,
  type Bytes,
  type Ints,
  type Shorts,
} from '../buffer-pool.ts'
import { Encoding } from './format.ts'
import {
  MAX_BOUND_BYTES,
  MAX_DICTIONARY_BYTES,
  MAX_PROBES,
  tooManyDistinct,
  type Bounds,
  type LeafStore,
  type SealedValues,
  type StoreOptions,
} from './leaf-store.ts'
import { bitWidth } from './rle-hybrid.ts'
import { fitFixed, writeIndices } from './word-store.ts'
import {
  hashBytes,
  equalBytes,
  copyBytes,
  putInt32,
  ascending,
  fitVarying,
  writeDeltaLength,
  writePlain,
} from './byte-slab.ts'

const FIRST_TABLE_SIZE = 256

/** What the bytes of a value mean; decides their order and where bounds may be cut. */
export type BytesKind = 'utf8' | 'binary' | 'fixed' | 'decimal'

/**
 * Values that are runs of bytes. While the distinct values are few they are kept once, found by an open-addressing
 * table over their bytes; after that as one slab with the end of each value, which successive values join in one copy.
 */
export class BytesStore implements LeafStore {
  count = 0
  readonly #kind: BytesKind
  /** Bytes per value, or 0 when values carry their own length. */
  readonly #size: number
  readonly #prefix: number
  readonly #options: StoreOptions
  #inDictionary: boolean
  #table: Ints
  #distinct = 0
  #hashes: Ints = noInts
  /** Start and end of each dictionary entry's bytes within `#entries`. */
  #spans: Ints = noInts
  /** The dictionary page itself: PLAIN values, length-prefixed when their size varies. */
  #entries: Bytes = noBytes
  #entriesLength = 0
  #indices: Shorts = noShorts
  /** Bytes of all values appended in dictionary mode, had they been kept plain. */
  #plainBytes = 0
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
    this.#table = zeroInts(options.dictionary ? FIRST_TABLE_SIZE : 0)
  }

  get heldBytes(): number {
    return (
      this.#table.byteLength +
      this.#hashes.byteLength +
      this.#spans.byteLength +
      this.#entries.byteLength +
      this.#indices.byteLength +
      this.#slab.byteLength +
      this.#ends.byteLength +
      this.#scratch.byteLength
    )
  }

  get encodedBytes(): number {
    if (!this.#inDictionary) return this.#slabLength + this.count * (this.#size === 0 ? 1 : 0)
    return this.#entriesLength + Math.ceil((this.count * bitWidth(this.#distinct)) / 8)
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
    const size = this.#size
    const prefix = this.#prefix
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const indices = this.#reserveIndices(n)
    let entries = this.#entries
    let entryView = new DataView(entries.buffer)
    let hashes = this.#hashes
    let spans = this.#spans
    let table = this.#table
    let mask = table.length - 1
    let shift = Math.clz32(mask)
    let count = this.count
    let total = this.#plainBytes
    let k = 0
    for (; k < n; k++) {
      const i = at[k]!
      const start = size === 0 ? offsets![i]! : i * size
      const end = size === 0 ? offsets![i + 1]! : start + size
      const length = end - start
      const hash = hashBytes(view, start, end)
      let slot = hash >>> shift
      let entry = table[slot]!
      let probes = 0
      while (entry !== 0) {
        if (hashes[entry - 1] === hash) {
          const from = spans[2 * entry - 2]!
          if (spans[2 * entry - 1]! - from === length && equalBytes(view, start, entryView, from, length)) break
        }
        slot = (slot + 1) & mask
        entry = table[slot]!
        probes++
      }
      if (entry === 0) {
        const distinct = this.#distinct + 1
        const pageBytes = this.#entriesLength + prefix + length
        if (probes > MAX_PROBES || pageBytes > MAX_DICTIONARY_BYTES || tooManyDistinct(distinct, count + 1)) break
        this.#addEntry(bytes, start, end, hash)
        entries = this.#entries
        if (entryView.buffer !== entries.buffer) entryView = new DataView(entries.buffer)
        hashes = this.#hashes
        spans = this.#spans
        table[slot] = entry = distinct
        if (distinct * 2 > mask) {
          table = this.#growTable()
          mask = table.length - 1
          shift = Math.clz32(mask)
        }
      }
      indices[count++] = entry - 1
      total += length
    }
    this.#plainBytes = total
    this.count = count
    return k
  }

  /** The same for `n` equal values: one look-up. Ends as `#index` would, because equal values add no entry. */
  #indexOne(bytes: Uint8Array, offsets: Int32Array | undefined, at: Int32Array, n: number): number {
    const before = this.#plainBytes
    if (this.#index(bytes, offsets, at, 1) === 0) return 0
    const more = n - 1
    const indices = this.#reserveIndices(more)
    indices.fill(indices[this.count - 1]!, this.count, this.count + more)
    this.#plainBytes += more * (this.#plainBytes - before)
    this.count += more
    return n
  }

  #addEntry(bytes: Uint8Array, start: number, end: number, hash: number): void {
    const length = end - start
    const from = this.#entriesLength + this.#prefix
    this.#entries = roomierBytes(this.#entries, this.#entriesLength, from + length)
    if (this.#prefix !== 0) putInt32(this.#entries, this.#entriesLength, length)
    this.#entries.set(bytes.subarray(start, end), from)
    this.#entriesLength = from + length
    const index = this.#distinct++
    this.#hashes = roomierInts(this.#hashes, index, index + 1)
    this.#spans = roomierInts(this.#spans, 2 * index, 2 * index + 2)
    this.#hashes[index] = hash
    this.#spans[2 * index] = from
    this.#spans[2 * index + 1] = from + length
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
    this.#letTableGo()
  }

  #materialize(): void {
    const { count } = this
    const slab = this.#reserveSlab(this.#plainBytes)
    const ends = this.#size === 0 ? this.#reserveEnds(0) : this.#ends
    let to = 0
    for (let i = 0; i < count; i++) {
      const index = this.#indices[i]!
      const start = this.#spans[2 * index]!
      const end = this.#spans[2 * index + 1]!
      copyBytes(this.#entries, start, end, slab, to)
      to += end - start
      if (this.#size === 0) ends[i] = to
    }
    this.#slabLength = to
  }

  seal(): SealedValues {
    if (this.#inDictionary) {
      const bits = bitWidth(this.#distinct - 1)
      const dictionarySize = this.#entriesLength + Math.ceil((this.count * bits) / 8)
      if (this.count > 0 && dictionarySize <= this.#plainBytes + this.#prefix * this.count)
        return this.#sealedDictionary(bits)
      this.#materialize()
    }
    return this.#sealedPlain()
  }

  #sealedDictionary(bits: number): SealedValues {
    const spans = this.#spans
    const bounds = this.#boundsOf(
      this.#entries,
      this.#distinct,
      (i) => spans[2 * i]!,
      (i) => spans[2 * i + 1]!,
    )
    return {
      encoding: Encoding.RLE_DICTIONARY,
      dictionary: { bytes: this.#entries.subarray(0, this.#entriesLength), count: this.#distinct },
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

  /** Keeps the buffers for the next row group, but not the table: its size must not depend on what came before. */
  clear(): void {
    this.count = 0
    this.#inDictionary = this.#options.dictionary
    this.#slabLength = 0
    this.#plainBytes = 0
    this.#distinct = 0
    this.#entriesLength = 0
    this.#letTableGo()
    if (this.#inDictionary) this.#table = zeroInts(FIRST_TABLE_SIZE)
  }

  release(): void {
    this.clear()
    this.#letTableGo()
    for (const array of [this.#hashes, this.#spans, this.#entries, this.#indices, this.#slab, this.#ends]) {
      giveMemory(array.buffer)
    }
    this.#hashes = this.#spans = this.#ends = noInts
    this.#entries = this.#slab = this.#scratch = noBytes
    this.#indices = noShorts
  }

  #letTableGo(): void {
    giveMemory(this.#table.buffer)
    this.#table = noInts
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

  #growTable(): Ints {
    const table = zeroInts(this.#table.length * 4)
    const mask = table.length - 1
    const shift = Math.clz32(mask)
    for (let entry = 1; entry <= this.#distinct; entry++) {
      let slot = this.#hashes[entry - 1]! >>> shift
      while (table[slot] !== 0) slot = (slot + 1) & mask
      table[slot] = entry
    }
    this.#letTableGo()
    this.#table = table
    return table
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
