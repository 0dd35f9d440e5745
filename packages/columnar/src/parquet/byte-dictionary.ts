import { giveMemory, noBytes, noInts, roomierBytes, roomierInts, zeroInts } from '../buffer-pool.ts'
import type { Bytes, Ints } from '../buffer-pool.ts'
import { equalBytes, hashBytes, putInt32 } from './byte-slab.ts'
import { MAX_DICTIONARY_BYTES, MAX_PROBES, tooManyDistinct } from './leaf-store.ts'

const FIRST_TABLE_SIZE = 256

/** The distinct values of a column of bytes, each kept once and found by an open-addressing table over its bytes. */
export class ByteDictionary {
  distinct = 0
  /** The dictionary page itself: PLAIN values, length-prefixed when their size varies. */
  entries: Bytes = noBytes
  entriesLength = 0
  /** Bytes of all values that were indexed, had they been kept plain. */
  indexedBytes = 0
  readonly #size: number
  readonly #prefix: number
  #table: Ints = noInts
  #hashes: Ints = noInts
  /** Start and end of each entry's bytes within `entries`. */
  #spans: Ints = noInts

  /** @param size bytes per value, or 0 when values carry their own length */
  constructor(size: number) {
    this.#size = size
    this.#prefix = size === 0 ? 4 : 0
  }

  get heldBytes(): number {
    return this.#table.byteLength + this.#hashes.byteLength + this.#spans.byteLength + this.entries.byteLength
  }

  start(entry: number): number {
    return this.#spans[2 * entry]!
  }

  end(entry: number): number {
    return this.#spans[2 * entry + 1]!
  }

  /**
   * Writes the entries of the values at `at[0, n)` into `indices`, behind the `count` that are there; new values become entries.
   * @returns how many were indexed: `n`, or fewer when the dictionary no longer pays
   */
  index(
    bytes: Uint8Array,
    offsets: Int32Array | undefined,
    at: Int32Array,
    n: number,
    indices: Uint16Array,
    count: number,
  ): number {
    if (this.#table.length === 0) this.#table = zeroInts(FIRST_TABLE_SIZE)
    const size = this.#size
    const prefix = this.#prefix
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    let entries = this.entries
    let entryView = new DataView(entries.buffer)
    let hashes = this.#hashes
    let spans = this.#spans
    let table = this.#table
    let mask = table.length - 1
    let shift = Math.clz32(mask)
    let to = count
    let total = this.indexedBytes
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
        const distinct = this.distinct + 1
        const pageBytes = this.entriesLength + prefix + length
        if (probes > MAX_PROBES || pageBytes > MAX_DICTIONARY_BYTES || tooManyDistinct(distinct, to + 1)) break
        this.#add(bytes, start, end, hash)
        entries = this.entries
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
      indices[to++] = entry - 1
      total += length
    }
    this.indexedBytes = total
    return k
  }

  #add(bytes: Uint8Array, start: number, end: number, hash: number): void {
    const length = end - start
    const from = this.entriesLength + this.#prefix
    this.entries = roomierBytes(this.entries, this.entriesLength, from + length)
    if (this.#prefix !== 0) putInt32(this.entries, this.entriesLength, length)
    this.entries.set(bytes.subarray(start, end), from)
    this.entriesLength = from + length
    const index = this.distinct++
    this.#hashes = roomierInts(this.#hashes, index, index + 1)
    this.#spans = roomierInts(this.#spans, 2 * index, 2 * index + 2)
    this.#hashes[index] = hash
    this.#spans[2 * index] = from
    this.#spans[2 * index + 1] = from + length
  }

  #growTable(): Ints {
    const table = zeroInts(this.#table.length * 4)
    const mask = table.length - 1
    const shift = Math.clz32(mask)
    for (let entry = 1; entry <= this.distinct; entry++) {
      let slot = this.#hashes[entry - 1]! >>> shift
      while (table[slot] !== 0) slot = (slot + 1) & mask
      table[slot] = entry
    }
    this.#letTableGo()
    this.#table = table
    return table
  }

  /** Keeps the memory of its entries, but not the table: its size must not depend on what came before. */
  clear(): void {
    this.distinct = 0
    this.entriesLength = 0
    this.indexedBytes = 0
    this.#letTableGo()
  }

  release(): void {
    this.clear()
    for (const array of [this.#hashes, this.#spans, this.entries]) giveMemory(array.buffer)
    this.#hashes = this.#spans = noInts
    this.entries = noBytes
  }

  #letTableGo(): void {
    giveMemory(this.#table.buffer)
    this.#table = noInts
  }
}
