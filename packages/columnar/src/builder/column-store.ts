import { ColumnarError } from '../errors.ts'
import type { ColumnNode, Layout } from './layout.ts'

const noBytes = new Uint8Array(0)
const noInts = new Int32Array(0)
const noFloats = new Float32Array(0)
const noDoubles = new Float64Array(0)
const noView = new DataView(new ArrayBuffer(0))

/**
 * Growing buffers of one column. All columns have the same properties, so that generated code sees one object shape;
 * those a column does not need stay empty. Positions are not kept: how many bytes or items are in use follows from
 * `offsets`, so giving up a half-written row needs no clean-up.
 */
export interface ColumnStore {
  readonly node: ColumnNode
  /** One byte per slot, 1 = present; empty when the column never holds null. */
  present: Uint8Array
  /** Bits (one byte per slot), bytes of utf8 and binary, fixed values. */
  bytes: Uint8Array
  /** View of `bytes`, kept for utf8 and binary. */
  byteView: DataView
  /** 32-bit values; low and high words of longs; words of decimals over the memory of `bytes`. */
  ints: Int32Array
  floats: Float32Array
  doubles: Float64Array
  offsets: Int32Array
}

/** The stores of a builder with the number of slots they have room for, by group. */
export interface StoreSet {
  readonly layout: Layout
  readonly columns: readonly ColumnStore[]
  readonly capacity: Int32Array
  /** Complete rows. */
  length: number
}

/** Most bytes or items that 32-bit offsets can count. */
const maxOffset = 0x7fff_ffff
const firstItemCapacity = 16

export function createStores(layout: Layout, capacityRows: number): StoreSet {
  const columns = layout.columns.map((node): ColumnStore => ({
    node,
    present: noBytes,
    bytes: noBytes,
    byteView: noView,
    ints: noInts,
    floats: noFloats,
    doubles: noDoubles,
    offsets: noInts,
  }))
  const set: StoreSet = { layout, columns, capacity: new Int32Array(layout.groups.length), length: 0 }
  layout.groups.forEach((_, group) => ensureSlots(set, group, group === 0 ? capacityRows : firstItemCapacity))
  return set
}

function full(what: string): ColumnarError {
  return new ColumnarError(
    'BUILDER_FULL',
    `${what} needs more than 2^31 - 1 bytes or items in one batch; call finish() more often`,
  )
}

/** Makes room for `needed` slots in every column of a group; existing slots are kept. */
export function ensureSlots(set: StoreSet, group: number, needed: number): void {
  const old = set.capacity[group]!
  if (needed <= old) return
  if (needed > maxOffset) throw full('a list')
  const capacity = Math.min(maxOffset, Math.max(needed, 2 * old))
  for (const node of set.layout.groups[group]!) growColumn(set.columns[node.index]!, capacity)
  set.capacity[group] = capacity
}

function growColumn(store: ColumnStore, capacity: number): void {
  const { node } = store
  if (node.tracksNulls) store.present = larger(store.present, capacity)
  switch (node.storage) {
    case 'bits':
      store.bytes = larger(store.bytes, capacity)
      break
    case 'ints':
      store.ints = largerInts(store.ints, capacity)
      break
    case 'longs':
      store.ints = largerInts(store.ints, 2 * capacity)
      break
    case 'floats': {
      const floats = new Float32Array(capacity)
      floats.set(store.floats)
      store.floats = floats
      break
    }
    case 'doubles': {
      const doubles = new Float64Array(capacity)
      doubles.set(store.doubles)
      store.doubles = doubles
      break
    }
    case 'fixed':
      if (node.width * capacity > 2 * maxOffset) throw full(`column ${node.name}`)
      store.bytes = larger(store.bytes, node.width * capacity)
      if (node.type.kind === 'decimal') store.ints = new Int32Array(store.bytes.buffer)
      break
    case 'bytes':
    case 'list':
      store.offsets = largerInts(store.offsets, capacity + 1)
      break
    default:
      break
  }
}

function larger(old: Uint8Array, length: number): Uint8Array {
  const grown = new Uint8Array(length)
  grown.set(old)
  return grown
}

function largerInts(old: Int32Array, length: number): Int32Array {
  const grown = new Int32Array(length)
  grown.set(old)
  return grown
}

/** Makes room for `needed` bytes in a utf8 or binary column of which the first `used` are kept; returns its `bytes`. */
export function ensureBytes(store: ColumnStore, used: number, needed: number): Uint8Array {
  if (needed <= store.bytes.length) return store.bytes
  if (needed > maxOffset) throw full(`column ${store.node.name}`)
  const grown = new Uint8Array(Math.min(maxOffset, Math.max(needed, 2 * store.bytes.length, 256)))
  grown.set(store.bytes.subarray(0, used))
  store.bytes = grown
  store.byteView = new DataView(grown.buffer)
  return grown
}

/** Gives the memory of a utf8 or binary column back. */
export function releaseBytes(store: ColumnStore): void {
  store.bytes = noBytes
  store.byteView = noView
}

/** Slots in use, by group, of the first `rows` rows. */
export function slotCounts(set: StoreSet, rows = set.length): Int32Array {
  const counts = new Int32Array(set.layout.groups.length)
  counts[0] = rows
  // Pre-order: the group of a list is filled in before the columns inside it are reached.
  for (const node of set.layout.columns) {
    if (node.storage === 'list') {
      counts[node.children[0]!.group] = set.columns[node.index]!.offsets[counts[node.group]!]!
    }
  }
  return counts
}
