import type { Column } from '../types.ts'
import { ColumnarError } from '../errors.ts'
import { floatBounds, integerBounds } from './bounds.ts'
import {
  giveMemory,
  noInts,
  noShorts,
  roomierInts,
  roomierShorts,
  zeroInts,
  type Ints,
  type Shorts,
} from '../buffer-pool.ts'
import type { ByteWriter } from '../byte-writer.ts'
import { deltaPackedSize, writeDeltaPacked } from './delta-packed.ts'
import { Encoding } from './format.ts'
import {
  bytesOf,
  MAX_DICTIONARY_BYTES,
  MAX_PROBES,
  tooManyDistinct,
  wordsOf,
  type Bounds,
  type LeafStore,
  type SealedValues,
  type StoreOptions,
} from './leaf-store.ts'
import { bitWidth, writeHybrid } from './rle-hybrid.ts'

const FIRST_TABLE_SIZE = 256

/** What the words of a value mean. `decimal` columns hold 16 bytes per value, of which the lowest words are kept. */
export type WordKind = 'integer' | 'float' | 'decimal'

/**
 * Values of 4 or 8 bytes as 32-bit words, so that no 64-bit value becomes a BigInt: dictionary indices while the
 * distinct values are few, plain words after that.
 */
export class WordStore implements LeafStore {
  count = 0
  readonly #kind: WordKind
  readonly #wide: boolean
  readonly #options: StoreOptions
  #inDictionary: boolean
  /** Dictionary index + 1 by hash; 0 is free. */
  #table: Ints
  #distinct = 0
  #dictionary: Ints = noInts
  #indices: Shorts = noShorts
  #words: Ints = noInts

  constructor(kind: WordKind, wide: boolean, options: StoreOptions) {
    this.#kind = kind
    this.#wide = wide
    this.#options = options
    this.#inDictionary = options.dictionary
    this.#table = zeroInts(options.dictionary ? FIRST_TABLE_SIZE : 0)
  }

  get heldBytes(): number {
    return this.#table.byteLength + this.#dictionary.byteLength + this.#indices.byteLength + this.#words.byteLength
  }

  get encodedBytes(): number {
    const width = this.#wide ? 8 : 4
    if (!this.#inDictionary) return this.count * width
    return this.#distinct * width + Math.ceil((this.count * bitWidth(this.#distinct)) / 8)
  }

  append(column: Column, at: Int32Array, n: number, contiguous: boolean): void {
    const words = wordsOf(column.values!)
    const stride = this.#kind === 'decimal' ? 4 : this.#wide ? 2 : 1
    if (this.#kind === 'decimal') requireFit(words, at, n, this.#wide)
    let done = 0
    if (this.#inDictionary) {
      done = column.constant === true ? this.#indexOne(words, stride, at, n) : this.#index(words, stride, at, n)
      if (done < n) this.#leaveDictionary()
    }
    if (done < n) this.#appendWords(words, stride, at, done, n, contiguous)
  }

  /** Appends dictionary indices until done or until the dictionary no longer pays; returns how many were appended. */
  #index(words: Int32Array, stride: number, at: Int32Array, n: number): number {
    return this.#wide ? this.#index64(words, stride, at, n) : this.#index32(words, stride, at, n)
  }

  /** The same for `n` equal values: one look-up. Ends as `#index` would, because equal values add no entry. */
  #indexOne(words: Int32Array, stride: number, at: Int32Array, n: number): number {
    if (this.#index(words, stride, at, 1) === 0) return 0
    const indices = this.#reserveIndices(n - 1)
    indices.fill(indices[this.count - 1]!, this.count, this.count + n - 1)
    this.count += n - 1
    return n
  }

  #index32(words: Int32Array, stride: number, at: Int32Array, n: number): number {
    const indices = this.#reserveIndices(n)
    let dictionary = this.#dictionary
    let table = this.#table
    let mask = table.length - 1
    let count = this.count
    let k = 0
    for (; k < n; k++) {
      const value = words[at[k]! * stride]!
      let slot = hash32(value) & mask
      let entry = table[slot]!
      let probes = 0
      while (entry !== 0 && dictionary[entry - 1] !== value) {
        slot = (slot + 1) & mask
        entry = table[slot]!
        probes++
      }
      if (entry === 0) {
        const distinct = this.#distinct + 1
        if (probes > MAX_PROBES || distinct * 4 > MAX_DICTIONARY_BYTES || tooManyDistinct(distinct, count + 1)) break
        this.#reserveDictionary(distinct)
        dictionary = this.#dictionary
        dictionary[distinct - 1] = value
        this.#distinct = distinct
        table[slot] = entry = distinct
        if (distinct * 2 > mask) {
          table = this.#growTable()
          mask = table.length - 1
        }
      }
      indices[count++] = entry - 1
    }
    this.count = count
    return k
  }

  #index64(words: Int32Array, stride: number, at: Int32Array, n: number): number {
    const indices = this.#reserveIndices(n)
    let dictionary = this.#dictionary
    let table = this.#table
    let mask = table.length - 1
    let count = this.count
    let k = 0
    for (; k < n; k++) {
      const from = at[k]! * stride
      const low = words[from]!
      const high = words[from + 1]!
      let slot = hash64(low, high) & mask
      let entry = table[slot]!
      let probes = 0
      while (entry !== 0 && (dictionary[2 * entry - 2] !== low || dictionary[2 * entry - 1] !== high)) {
        slot = (slot + 1) & mask
        entry = table[slot]!
        probes++
      }
      if (entry === 0) {
        const distinct = this.#distinct + 1
        if (probes > MAX_PROBES || distinct * 8 > MAX_DICTIONARY_BYTES || tooManyDistinct(distinct, count + 1)) break
        this.#reserveDictionary(2 * distinct)
        dictionary = this.#dictionary
        dictionary[2 * distinct - 2] = low
        dictionary[2 * distinct - 1] = high
        this.#distinct = distinct
        table[slot] = entry = distinct
        if (distinct * 2 > mask) {
          table = this.#growTable()
          mask = table.length - 1
        }
      }
      indices[count++] = entry - 1
    }
    this.count = count
    return k
  }

  #appendWords(words: Int32Array, stride: number, at: Int32Array, from: number, n: number, contiguous: boolean): void {
    const perValue = this.#wide ? 2 : 1
    const out = this.#reserveWords((this.count + n - from) * perValue)
    let to = this.count * perValue
    if (contiguous && stride === perValue) {
      out.set(words.subarray(at[from]! * stride, (at[n - 1]! + 1) * stride), to)
    } else if (this.#wide) {
      for (let k = from; k < n; k++) {
        const source = at[k]! * stride
        out[to++] = words[source]!
        out[to++] = words[source + 1]!
      }
    } else {
      for (let k = from; k < n; k++) out[to++] = words[at[k]! * stride]!
    }
    this.count += n - from
  }

  /** Replaces indices by the values they stand for. */
  #leaveDictionary(): void {
    this.#materialize()
    this.#inDictionary = false
    this.#letTableGo()
  }

  #materialize(): Int32Array {
    const { count } = this
    const indices = this.#indices
    const dictionary = this.#dictionary
    const words = this.#reserveWords(count * (this.#wide ? 2 : 1))
    if (this.#wide) {
      for (let i = 0; i < count; i++) {
        const index = indices[i]!
        words[2 * i] = dictionary[2 * index]!
        words[2 * i + 1] = dictionary[2 * index + 1]!
      }
    } else {
      for (let i = 0; i < count; i++) words[i] = dictionary[indices[i]!]!
    }
    return words
  }

  seal(): SealedValues {
    const { count } = this
    const wide = this.#wide
    const width = wide ? 8 : 4
    const plainSize = count * width
    const tryDelta = this.#options.deltaIntegers && this.#kind !== 'float'
    if (this.#inDictionary && count > 0) {
      const bits = bitWidth(this.#distinct - 1)
      const dictionarySize = this.#distinct * width + Math.ceil((count * bits) / 8)
      let words: Int32Array | undefined
      let deltaSize = Infinity
      // Below 4 bits per value a dictionary is so small that delta is not worth the look.
      if (tryDelta && bits >= 4) {
        words = this.#materialize()
        deltaSize = deltaPackedSize(words, 0, count, wide)
      }
      if (dictionarySize <= Math.min(deltaSize, plainSize)) return this.#sealedDictionary(bits)
      words ??= this.#materialize()
      return this.#sealedWords(words, deltaSize < plainSize)
    }
    const delta = tryDelta && count > 0 && deltaPackedSize(this.#words, 0, count, wide) < plainSize * 0.9
    return this.#sealedWords(this.#words, delta)
  }

  #sealedDictionary(bits: number): SealedValues {
    const indices = this.#indices
    const dictionary = this.#dictionary
    const distinct = this.#distinct
    const bounds = this.#bounds(dictionary, distinct)
    return {
      encoding: Encoding.RLE_DICTIONARY,
      dictionary: { bytes: bytesOf(dictionary, 0, distinct * (this.#wide ? 2 : 1)), count: distinct },
      ...(bounds ? { bounds } : {}),
      fit: (from, maxBytes) => fitFixed(from, this.count, maxBytes, bits / 8),
      write: (out, from, to) => writeIndices(out, indices, from, to, bits),
    }
  }

  #sealedWords(words: Int32Array, delta: boolean): SealedValues {
    const wide = this.#wide
    const perValue = wide ? 2 : 1
    const bounds = this.#bounds(words, this.count)
    return {
      encoding: delta ? Encoding.DELTA_BINARY_PACKED : Encoding.PLAIN,
      ...(bounds ? { bounds } : {}),
      fit: (from, maxBytes) => fitFixed(from, this.count, maxBytes, 4 * perValue),
      write: (out, from, to) => {
        if (delta) writeDeltaPacked(out, words, from, to, wide)
        // Words are in host order, which is little-endian wherever Node runs today.
        else out.append(bytesOf(words, from * perValue, to * perValue))
      },
    }
  }

  #bounds(words: Int32Array, count: number): Bounds | undefined {
    if (this.#kind !== 'float') return integerBounds(words, count, this.#wide)
    return floatBounds(this.#wide ? new Float64Array(words.buffer) : new Float32Array(words.buffer), count)
  }

  /** Keeps the buffers for the next row group, but not the table: its size must not depend on what came before. */
  clear(): void {
    this.count = 0
    this.#inDictionary = this.#options.dictionary
    this.#distinct = 0
    this.#letTableGo()
    if (this.#inDictionary) this.#table = zeroInts(FIRST_TABLE_SIZE)
  }

  release(): void {
    this.clear()
    this.#letTableGo()
    giveMemory(this.#dictionary.buffer)
    giveMemory(this.#indices.buffer)
    giveMemory(this.#words.buffer)
    this.#dictionary = noInts
    this.#indices = noShorts
    this.#words = noInts
  }

  #letTableGo(): void {
    giveMemory(this.#table.buffer)
    this.#table = noInts
  }

  #reserveIndices(extra: number): Uint16Array {
    this.#indices = roomierShorts(this.#indices, this.count, this.count + extra)
    return this.#indices
  }

  #reserveDictionary(words: number): void {
    this.#dictionary = roomierInts(this.#dictionary, this.#dictionary.length, words)
  }

  #reserveWords(words: number): Int32Array {
    this.#words = roomierInts(this.#words, this.#words.length, words)
    return this.#words
  }

  #growTable(): Ints {
    const table = zeroInts(this.#table.length * 4)
    const mask = table.length - 1
    const dictionary = this.#dictionary
    for (let entry = 1; entry <= this.#distinct; entry++) {
      let slot =
        (this.#wide ? hash64(dictionary[2 * entry - 2]!, dictionary[2 * entry - 1]!) : hash32(dictionary[entry - 1]!)) &
        mask
      while (table[slot] !== 0) slot = (slot + 1) & mask
      table[slot] = entry
    }
    this.#letTableGo()
    this.#table = table
    return table
  }
}

function hash32(value: number): number {
  let h = Math.imul(value ^ (value >>> 16), 0x21f0aaad)
  h = Math.imul(h ^ (h >>> 15), 0x735a2d97)
  return h ^ (h >>> 15)
}

function hash64(low: number, high: number): number {
  return hash32(low ^ Math.imul(high, 0x9e3779b1))
}

/** A decimal column's upper words must repeat the sign of those that are kept, or digits would be lost. */
function requireFit(words: Int32Array, at: Int32Array, n: number, wide: boolean): void {
  for (let k = 0; k < n; k++) {
    const from = at[k]! * 4
    const sign = words[from + (wide ? 1 : 0)]! >> 31
    if ((!wide && words[from + 1] !== sign) || words[from + 2] !== sign || words[from + 3] !== sign)
      throw new ColumnarError(
        'BATCH_VALUE',
        `Row ${at[k]}: a decimal has more digits than the precision of its column.`,
      )
  }
}

/** A data page of dictionary indices: their width in one byte, then the hybrid runs. */
export function writeIndices(out: ByteWriter, indices: Uint16Array, from: number, to: number, bits: number): void {
  out.byte(bits)
  writeHybrid(out, indices, from, to, bits)
}

/** `fit` for values of one size. */
export function fitFixed(from: number, count: number, maxBytes: number, size: number): number {
  return Math.min(count, from + Math.max(1, Math.floor(maxBytes / size)))
}
