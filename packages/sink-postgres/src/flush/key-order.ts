import { countBytes, lengthBytes } from '../encode/copy-format.ts'
import type { EncodedRows } from '../encode/encode-rows.ts'

/** Count of fields and the offset, which every encoded row begins with; its key comes next. */
export const headBytes = countBytes + lengthBytes + 8

/** Rows of several parts as one list. */
export interface FlatRows {
  readonly length: number
  readonly parts: readonly EncodedRows[]
  /** Part of each row. */
  readonly part: Int32Array
  /** Where it begins and ends in the bytes of its part. */
  readonly start: Int32Array
  readonly end: Int32Array
  /** Of its record. */
  readonly offset: Float64Array
}

/** Rows that may go straight into the table, in the order they go. */
export interface DirectLoad {
  readonly rows: FlatRows
  /** Numbers of the rows; undefined for all in the order they came in. */
  readonly order: Uint32Array | undefined
}

export function flatten(parts: readonly EncodedRows[]): FlatRows {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const flat = {
    length,
    parts,
    part: new Int32Array(length),
    start: new Int32Array(length),
    end: new Int32Array(length),
    offset: new Float64Array(length),
  }
  let to = 0
  parts.forEach((part, i) => {
    flat.part.fill(i, to, to + part.length)
    flat.start.set(part.starts.subarray(0, part.length), to)
    flat.end.set(part.starts.subarray(1, part.length + 1), to)
    flat.offset.set(part.offsets, to)
    to += part.length
  })
  return flat
}

/**
 * Rows in the order of the bytes of their keys, or undefined when a key is there twice. Keys of one table sort alike in every
 * process, so writers rarely deadlock, and neighbours in the index are written together. Only speed depends on the order;
 * that equal keys are one is for the index of the table to say.
 */
export function keyOrder(rows: FlatRows, keyFields: number): Uint32Array | undefined {
  const { length, part, start } = rows
  if (length === 0) return new Uint32Array(0)
  const bytes = rows.parts.map((each) => each.bytes)
  const from = headBytes + lengthBytes
  const ends = keyEnds(rows, keyFields)
  const skip = sharedPrefix(rows, ends)
  const places = 32 - Math.clz32(length - 1)
  const shift = 32 - places
  // Seven bytes of key at most, as many bits as are left beside the number of the row: sorted as one 64-bit number.
  const words = new Uint32Array(2 * length)
  for (let row = 0; row < length; row++) {
    const of = bytes[part[row]!]!
    const at = start[row]! + from + skip
    const end = ends[row]!
    const low = places === 0 ? wordAt(of, at + 4, end) : ((wordAt(of, at + 4, end) >>> places) << places) | row
    words[2 * row] = low
    words[2 * row + 1] = wordAt(of, at, end)
  }
  new BigUint64Array(words.buffer).sort()
  const order = new Uint32Array(length)
  const mask = places === 0 ? 0 : 0xffff_ffff >>> shift
  for (let i = 0; i < length; i++) order[i] = words[2 * i]! & mask
  const compare = (a: number, b: number): number =>
    compareBytes(bytes[part[a]!]!, start[a]! + from, ends[a]!, bytes[part[b]!]!, start[b]! + from, ends[b]!)
  const same = (i: number): boolean =>
    words[2 * i + 1] === words[2 * i - 1] && words[2 * i]! >>> places === words[2 * i - 2]! >>> places
  for (let i = 1; i < length; i++) {
    if (!same(i)) continue
    const first = i - 1
    while (i < length && same(i)) i++
    const tied = order.subarray(first, i)
    tied.sort(compare)
    for (let k = 1; k < tied.length; k++) if (compare(tied[k - 1]!, tied[k]!) === 0) return undefined
  }
  return order
}

/** Where the key of each row ends. */
function keyEnds({ length, parts, part, start }: FlatRows, keyFields: number): Int32Array {
  const ends = new Int32Array(length)
  for (let row = 0; row < length; row++) {
    const { bytes } = parts[part[row]!]!
    let at = start[row]! + headBytes
    for (let field = 0; field < keyFields; field++) {
      const size = wordAt(bytes, at, at + lengthBytes) | 0
      at += lengthBytes + Math.max(0, size)
    }
    ends[row] = at
  }
  return ends
}

/** Bytes that all keys begin with. */
function sharedPrefix({ length, parts, part, start }: FlatRows, ends: Int32Array): number {
  const from = headBytes + lengthBytes
  const first = parts[part[0]!]!.bytes
  const at = start[0]! + from
  let shared = ends[0]! - at
  for (let row = 1; row < length && shared > 0; row++) {
    const { bytes } = parts[part[row]!]!
    const mine = start[row]! + from
    const most = Math.min(shared, ends[row]! - mine)
    let i = 0
    while (i < most && bytes[mine + i] === first[at + i]) i++
    shared = i
  }
  return Math.max(0, shared)
}

/** Four bytes, big-endian, as an unsigned number; those from `end` on count as 0. */
function wordAt(bytes: Uint8Array, at: number, end: number): number {
  if (at + 4 <= end) {
    return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
  }
  let word = 0
  for (let i = 0; i < 4; i++) word = (word << 8) | (at + i < end ? bytes[at + i]! : 0)
  return word >>> 0
}

function compareBytes(a: Uint8Array, aFrom: number, aEnd: number, b: Uint8Array, bFrom: number, bEnd: number): number {
  const most = Math.min(aEnd - aFrom, bEnd - bFrom)
  for (let i = 0; i < most; i++) {
    const difference = a[aFrom + i]! - b[bFrom + i]!
    if (difference !== 0) return difference
  }
  return aEnd - aFrom - (bEnd - bFrom)
}
