import type { ByteWriter } from '../byte-writer.ts'

/**
 * Writes `values[from, to)` as Parquet's RLE / bit-packed hybrid, each value `width` bits (1..16).
 *
 * ```
 * run        = rle-run | packed-run
 * rle-run    = varint(count << 1), value in ceil(width / 8) bytes, little-endian
 * packed-run = varint(groups << 1 | 1), groups of 8 values, LSB first
 * ```
 * A repeat of at least 8 values that starts on a group of 8 becomes an RLE run; everything between is packed.
 * @see https://parquet.apache.org/docs/file-format/data-pages/encodings/#RLE
 */
export function writeHybrid(
  out: ByteWriter,
  values: Uint8Array | Uint16Array,
  from: number,
  to: number,
  width: number,
): void {
  // Worst case: every group packed, plus a header per run; an RLE run replaces at least one group of `width` bytes.
  out.reserve((Math.ceil((to - from) / 8) + 1) * (width + 8) + 16)
  const bytes = out.bytes
  let at = out.length
  let i = from
  while (i < to) {
    let groupEnd = i
    let runEnd = repeatEnd(values, i, to)
    while (runEnd - groupEnd < 8 && groupEnd < to) {
      groupEnd += 8
      runEnd = repeatEnd(values, groupEnd, to)
    }
    if (groupEnd > i) {
      const end = Math.min(groupEnd, to)
      const groups = (end - i + 7) >>> 3
      at = putVarint(bytes, at, groups * 2 + 1)
      at = pack(bytes, at, values, i, end, width)
      i = end
    }
    if (i < to) {
      at = putVarint(bytes, at, (runEnd - i) * 2)
      bytes[at++] = values[i]!
      if (width > 8) bytes[at++] = values[i]! >>> 8
      i = runEnd
    }
  }
  out.length = at
}

/** Groups of eight flags, packed. */
let packed: Uint8Array = new Uint8Array(1024)

/**
 * The same for flags: values of one bit. Most levels are such, and a group of them is one byte that tells by itself whether
 * the group is a run.
 */
export function writeFlags(out: ByteWriter, flags: Uint8Array, from: number, to: number): void {
  const most = Math.ceil((to - from) / 8)
  if (packed.length < most) packed = new Uint8Array(2 * most)
  out.reserve((most + 1) * 9 + 16)
  const bytes = out.bytes
  let at = out.length
  let i = from
  while (i < to) {
    let groups = 0
    let next = i
    for (; next + 8 <= to; next += 8) {
      const group = flagsAt(flags, next)
      if (group === 0 || group === 0xff) break
      packed[groups++] = group
    }
    const isRun = next + 8 <= to
    if (!isRun && next < to) packed[groups++] = lastFlags(flags, next, to)
    if (groups > 0) {
      at = putVarint(bytes, at, groups * 2 + 1)
      for (let k = 0; k < groups; k++) bytes[at++] = packed[k]!
    }
    if (!isRun) break
    i = next + 8
    while (i < to && flags[i] === flags[next]) i++
    at = putVarint(bytes, at, (i - next) * 2)
    bytes[at++] = flags[next]!
  }
  out.length = at
}

function flagsAt(flags: Uint8Array, i: number): number {
  return (
    flags[i]! |
    (flags[i + 1]! << 1) |
    (flags[i + 2]! << 2) |
    (flags[i + 3]! << 3) |
    (flags[i + 4]! << 4) |
    (flags[i + 5]! << 5) |
    (flags[i + 6]! << 6) |
    (flags[i + 7]! << 7)
  )
}

function lastFlags(flags: Uint8Array, from: number, to: number): number {
  let group = 0
  for (let i = from; i < to; i++) group |= flags[i]! << (i - from)
  return group
}

/** End of the values equal to `values[at]`; looks past the first group only when all its eight values agree. */
function repeatEnd(values: Uint8Array | Uint16Array, at: number, to: number): number {
  if (at + 8 > to || values[at] !== values[at + 7]) return at
  const value = values[at]!
  let end = at + 1
  while (end < to && values[end] === value) end++
  return end
}

function putVarint(bytes: Uint8Array, at: number, value: number): number {
  let rest = value
  while (rest >= 0x80) {
    bytes[at++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  bytes[at++] = rest
  return at
}

/** Packs values LSB first and pads the last group of eight with zeros. */
function pack(
  bytes: Uint8Array,
  at: number,
  values: Uint8Array | Uint16Array,
  from: number,
  to: number,
  width: number,
): number {
  const end = at + ((to - from + 7) >>> 3) * width
  let i = from
  if (width <= 8) for (; i + 8 <= to; i += 8, at += width) packGroup(bytes, at, values, i, width)
  let bits = 0
  let count = 0
  for (; i < to; i++) {
    bits |= values[i]! << count
    count += width
    while (count >= 8) {
      bytes[at++] = bits
      bits >>>= 8
      count -= 8
    }
  }
  if (count > 0) bytes[at++] = bits
  while (at < end) bytes[at++] = 0
  return end
}

/** Eight values of at most eight bits: two halves of at most 32 bits, then the bytes of both. */
function packGroup(bytes: Uint8Array, at: number, values: Uint8Array | Uint16Array, i: number, width: number): void {
  const two = 2 * width
  const three = 3 * width
  const first = values[i]! | (values[i + 1]! << width) | (values[i + 2]! << two) | (values[i + 3]! << three)
  const second = values[i + 4]! | (values[i + 5]! << width) | (values[i + 6]! << two) | (values[i + 7]! << three)
  const half = 4 * width
  // Shifts are modulo 32: at eight bits the halves are whole words.
  const low = half === 32 ? first : first | (second << half)
  const high = half === 32 ? second : second >>> (32 - half)
  bytes[at] = low
  if (width > 1) bytes[at + 1] = low >>> 8
  if (width > 2) bytes[at + 2] = low >>> 16
  if (width > 3) bytes[at + 3] = low >>> 24
  if (width > 4) bytes[at + 4] = high
  if (width > 5) bytes[at + 5] = high >>> 8
  if (width > 6) bytes[at + 6] = high >>> 16
  if (width > 7) bytes[at + 7] = high >>> 24
}

/** Bits needed for values up to `max`; at least 1, because some readers refuse a width of 0. */
export function bitWidth(max: number): number {
  return Math.max(1, 32 - Math.clz32(max))
}
