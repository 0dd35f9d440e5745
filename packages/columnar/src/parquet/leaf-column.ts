import { crc32 } from 'node:zlib'
import type { Column, DataType } from '../types.ts'
import { ByteWriter } from '../byte-writer.ts'
import { BytesStore } from './bytes-store.ts'
import { Encoding, PageType, Physical } from './format.ts'
import type { Bounds, LeafStore, StoreOptions } from './leaf-store.ts'
import { Levels } from './levels.ts'
import type { Leaf } from './schema-tree.ts'
import { createBooleanStore, createEnumStore, createNullStore } from './small-stores.ts'
import { ThriftWriter } from './thrift-compact.ts'
import { WordStore } from './word-store.ts'

/** What the footer says about one column of a row group. */
export interface ChunkMeta {
  readonly leaf: Leaf
  readonly encoding: Encoding
  readonly pages: number
  readonly values: number
  readonly nulls: number
  readonly bounds?: Bounds
  readonly uncompressedBytes: number
  readonly compressedBytes: number
  readonly dictionaryOffset?: number
  readonly dataOffset: number
}

/** Where encoded bytes go; `length` is the file offset of the next byte. */
export interface FileSink {
  readonly length: number
  push(bytes: Uint8Array): void
}

export interface PageOptions {
  readonly pageBytes: number
  readonly compress: (page: Uint8Array) => Uint8Array
}

/** Levels and values of one leaf for the open row group, and how they become pages. */
export class LeafColumn {
  readonly leaf: Leaf
  readonly #store: LeafStore
  readonly #def: Levels | undefined
  readonly #rep: Levels | undefined

  constructor(leaf: Leaf, options: StoreOptions) {
    this.leaf = leaf
    this.#store = storeFor(leaf, options)
    this.#def = leaf.maxDef > 0 ? new Levels(leaf.maxDef) : undefined
    this.#rep = leaf.maxRep > 0 ? new Levels(leaf.maxRep) : undefined
  }

  get heldBytes(): number {
    return this.#store.heldBytes + (this.#def?.bytes.length ?? 0) + (this.#rep?.bytes.length ?? 0)
  }

  get encodedBytes(): number {
    const levels = (this.#def ? 1 : 0) + (this.#rep ? 1 : 0)
    return this.#store.encodedBytes + Math.ceil((levels * (this.#def?.count ?? 0)) / 8)
  }

  /** Appends entries of a column that is not inside a list: rows `at[0, n)`, all of them present or null here. */
  appendFlat(column: Column, at: Int32Array, n: number, contiguous: boolean, scratch: Int32Array): void {
    const def = this.#def
    const { validity } = column
    if (def === undefined || column.nullCount === 0 || validity === undefined) {
      if (this.leaf.type.kind === 'null') {
        def!.fill(this.leaf.maxDef - 1, n)
        return
      }
      def?.fill(this.leaf.maxDef, n)
      this.#store.append(column, at, n, contiguous)
      return
    }
    const levels = def.reserve(n)
    const present = this.leaf.maxDef
    let count = def.count
    let found = 0
    for (let k = 0; k < n; k++) {
      const i = at[k]!
      const bit = (validity[i >>> 3]! >>> (i & 7)) & 1
      levels[count++] = present - 1 + bit
      scratch[found] = i
      found += bit
    }
    def.count = count
    this.#store.append(column, scratch, found, contiguous && found === n)
  }

  /** Appends entries with the levels given; values are taken at `at[0, present)`. */
  appendEntries(
    column: Column,
    defs: Uint8Array,
    reps: Uint8Array | undefined,
    entries: number,
    at: Int32Array,
    present: number,
    contiguous: boolean,
  ): void {
    this.#def?.append(defs, entries)
    if (this.#rep && reps) this.#rep.append(reps, entries)
    this.#store.append(column, at, present, contiguous)
  }

  /** Writes the open row group's column chunk and empties the column. `rows` is the row group's number of rows. */
  flush(sink: FileSink, rows: number, options: PageOptions): ChunkMeta {
    const { leaf } = this
    const def = this.#def
    const rep = this.#rep
    const store = this.#store
    const entries = def?.count ?? rows
    const sealed = store.seal()
    let uncompressedBytes = 0
    const start = sink.length

    const putPage = (body: Uint8Array, type: number, header: (thrift: ThriftWriter) => void): void => {
      const compressed = options.compress(body)
      const thrift = new ThriftWriter()
      const head = thrift.root(() => {
        thrift.i32(1, type)
        thrift.i32(2, body.length)
        thrift.i32(3, compressed.length)
        thrift.i32(4, crc32(compressed) | 0)
        header(thrift)
      })
      uncompressedBytes += head.length + body.length
      sink.push(head)
      sink.push(compressed === body ? body.slice() : compressed)
    }

    const { dictionary } = sealed
    if (dictionary) {
      putPage(dictionary.bytes, PageType.DICTIONARY, (thrift) =>
        thrift.struct(7, () => {
          thrift.i32(1, dictionary.count)
          thrift.i32(2, Encoding.PLAIN)
        }),
      )
    }
    const dataOffset = sink.length
    const body = new ByteWriter(1024)
    let entry = 0
    let value = 0
    let pages = 0
    while (entry < entries) {
      const firstValue = value
      value = value < store.count ? sealed.fit(value, options.pageBytes) : value
      let entryEnd = def ? entries : value
      if (def && value < store.count) {
        // The page holds the entries up to its last value, and all of the row that value is in.
        let passed = firstValue
        entryEnd = entry
        while (passed < value || (rep !== undefined && entryEnd < entries && rep.bytes[entryEnd] !== 0)) {
          if (def.bytes[entryEnd++] === leaf.maxDef) passed++
        }
        value = passed
      }
      body.length = 0
      rep?.write(body, entry, entryEnd)
      def?.write(body, entry, entryEnd)
      sealed.write(body, firstValue, value)
      const count = entryEnd - entry
      putPage(body.view(), PageType.DATA, (thrift) =>
        thrift.struct(5, () => {
          thrift.i32(1, count)
          thrift.i32(2, sealed.encoding)
          thrift.i32(3, Encoding.RLE)
          thrift.i32(4, Encoding.RLE)
        }),
      )
      pages++
      entry = entryEnd
    }
    const meta: ChunkMeta = {
      leaf,
      encoding: sealed.encoding,
      pages,
      values: entries,
      nulls: entries - store.count,
      ...(sealed.bounds ? { bounds: sealed.bounds } : {}),
      uncompressedBytes,
      compressedBytes: sink.length - start,
      ...(dictionary ? { dictionaryOffset: start } : {}),
      dataOffset,
    }
    body.release()
    store.clear()
    def?.clear()
    rep?.clear()
    return meta
  }

  /** Hands the memory back; the column is not used again. */
  release(): void {
    this.#store.release()
    this.#def?.release()
    this.#rep?.release()
  }
}

function storeFor(leaf: Leaf, options: StoreOptions): LeafStore {
  const { type } = leaf
  switch (type.kind) {
    case 'null':
      return createNullStore()
    case 'boolean':
      return createBooleanStore()
    case 'enum':
      return createEnumStore(type.symbols, options.dictionary)
    case 'utf8':
    case 'binary':
      return new BytesStore(type.kind, 0, options)
    case 'fixed':
    case 'uuid':
      return new BytesStore('fixed', leaf.typeLength, options)
    case 'decimal':
      if (leaf.physical === Physical.FIXED) return new BytesStore('decimal', leaf.typeLength, options)
      return new WordStore('decimal', leaf.physical === Physical.INT64, options)
    default:
      return new WordStore(isFloat(type) ? 'float' : 'integer', isWide(leaf), options)
  }
}

function isFloat(type: DataType): boolean {
  return type.kind === 'float32' || type.kind === 'float64'
}

function isWide(leaf: Leaf): boolean {
  return leaf.physical === Physical.INT64 || leaf.physical === Physical.DOUBLE
}
