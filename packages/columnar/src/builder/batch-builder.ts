import { countOnes, packBits } from '../bitmap.ts'
import { ColumnarError } from '../errors.ts'
import type { BatchBuilder, Column, Schema } from '../types.ts'
import { createStores, releaseBytes, slotCounts } from './column-store.ts'
import type { ColumnStore, StoreSet } from './column-store.ts'
import { exactCopy } from './exact-copy.ts'
import { layoutOf, sameColumns } from './layout.ts'
import type { ColumnNode } from './layout.ts'

const storesByBuilder = new WeakMap<BatchBuilder, StoreSet>()
const checkedSchemas = new WeakMap<StoreSet, WeakSet<Schema>>()

/** Memory above which an oversized buffer is given back after a batch, bytes. */
const keepBytes = 1 << 20

/**
 * Makes an empty builder. Decoders whose `schema` has the same columns may take turns on it, so writer schemas can
 * alternate from record to record.
 * Memory: the buffers are kept between batches and copied, exactly sized, by `finish()`; a byte buffer that one batch
 * needed and the next used less than an eighth of is given back.
 * @param capacityRows rows that fit before the first growth
 */
export function createBatchBuilder(schema: Schema, capacityRows = 1024): BatchBuilder {
  if (!Number.isInteger(capacityRows) || capacityRows < 0 || capacityRows > 0x3fff_ffff) {
    throw new TypeError(`capacityRows must be a whole number from 0 to 2^30 - 1, got ${capacityRows}`)
  }
  // An empty batch has offsets too: room for one row at least.
  const set = createStores(layoutOf(schema), Math.max(1, capacityRows))
  const builder: BatchBuilder = {
    schema,
    get length() {
      return set.length
    },
    get byteLength() {
      return filledBytes(set)
    },
    finish() {
      const counts = slotCounts(set)
      const columns = set.layout.roots.map((node) => finishColumn(set, node, counts, exactCopy))
      const { length } = set
      set.length = 0
      for (const store of set.columns) giveBack(store, counts)
      return { schema, length, columns }
    },
    lend() {
      const counts = slotCounts(set)
      const columns = set.layout.roots.map((node) => finishColumn(set, node, counts, sharedMemory))
      const { length } = set
      set.length = 0
      return { schema, length, columns }
    },
  }
  storesByBuilder.set(builder, set)
  checkedSchemas.set(set, new WeakSet([schema]))
  return builder
}

/**
 * The buffers behind a builder.
 * @throws {ColumnarError} BUILDER_SCHEMA when the builder's columns are not those of `schema`
 */
export function storesOf(builder: BatchBuilder, schema: Schema): StoreSet {
  const set = storesByBuilder.get(builder)
  if (set === undefined) throw new TypeError('the builder was not made by createBatchBuilder')
  const checked = checkedSchemas.get(set)!
  if (!checked.has(schema)) {
    if (!sameColumns(builder.schema, schema)) {
      throw new ColumnarError(
        'BUILDER_SCHEMA',
        'the builder has other columns than the decoder; make it from decoder.schema',
      )
    }
    checked.add(schema)
  }
  return set
}

function filledBytes(set: StoreSet): number {
  const counts = slotCounts(set)
  let total = 0
  for (const { node, offsets } of set.columns) {
    const slots = counts[node.group]!
    if (node.tracksNulls) total += (slots + 7) >> 3
    switch (node.storage) {
      case 'bits':
        total += (slots + 7) >> 3
        break
      case 'ints':
      case 'floats':
        total += 4 * slots
        break
      case 'longs':
      case 'doubles':
        total += 8 * slots
        break
      case 'fixed':
        total += node.width * slots
        break
      case 'bytes':
        total += 4 * (slots + 1) + offsets[slots]!
        break
      case 'list':
        total += 4 * (slots + 1)
        break
      default:
        break
    }
  }
  return total
}

function giveBack(store: ColumnStore, counts: Int32Array): void {
  if (store.node.storage !== 'bytes' || store.bytes.length <= keepBytes) return
  const used = store.offsets[counts[store.node.group]!]!
  if (used < store.bytes.length >> 3) releaseBytes(store)
}

/** Gives the memory that holds the first `byteLength` bytes of an array, at its start. */
type TakeMemory = (array: Uint8Array | Int32Array | Float32Array | Float64Array, byteLength: number) => ArrayBuffer

/** The array's own memory: stores begin where their memory does. */
const sharedMemory: TakeMemory = (array) => array.buffer as ArrayBuffer

function finishColumn(set: StoreSet, node: ColumnNode, counts: Int32Array, memory: TakeMemory): Column {
  const store = set.columns[node.index]!
  const { type } = node
  const length = counts[node.group]!
  if (node.storage === 'none') {
    return { type, length, nullCount: length, ...(length > 0 ? { validity: new Uint8Array((length + 7) >> 3) } : {}) }
  }
  const nullCount = node.tracksNulls ? length - countOnes(store.present, length) : 0
  const validity = nullCount > 0 ? { validity: packBits(store.present, length) } : {}
  const head = { type, length, nullCount, ...validity }
  switch (node.storage) {
    case 'bits':
      return { ...head, values: packBits(store.bytes, length) }
    case 'ints':
      return { ...head, values: new Int32Array(memory(store.ints, 4 * length), 0, length) }
    case 'longs':
      return { ...head, values: new BigInt64Array(memory(store.ints, 8 * length), 0, length) }
    case 'floats':
      return { ...head, values: new Float32Array(memory(store.floats, 4 * length), 0, length) }
    case 'doubles':
      return { ...head, values: new Float64Array(memory(store.doubles, 8 * length), 0, length) }
    case 'fixed': {
      const bytes = node.width * length
      return { ...head, values: new Uint8Array(memory(store.bytes, bytes), 0, bytes) }
    }
    case 'bytes': {
      const offsets = new Int32Array(memory(store.offsets, 4 * (length + 1)), 0, length + 1)
      const bytes = offsets[length]!
      return { ...head, offsets, values: new Uint8Array(memory(store.bytes, bytes), 0, bytes) }
    }
    case 'list':
      return {
        ...head,
        offsets: new Int32Array(memory(store.offsets, 4 * (length + 1)), 0, length + 1),
        children: node.children.map((child) => finishColumn(set, child, counts, memory)),
      }
    case 'struct':
      return { ...head, children: node.children.map((child) => finishColumn(set, child, counts, memory)) }
  }
}
