/**
 * A byte array that grows by doubling. Callers in hot loops call `reserve` once and then write to `bytes` themselves.
 */
export class ByteWriter {
  bytes: Uint8Array
  length = 0

  constructor(capacity = 256) {
    this.bytes = new Uint8Array(capacity)
  }

  /** Makes room for `extra` more bytes and returns the array to write to (it may have moved). */
  reserve(extra: number): Uint8Array {
    const needed = this.length + extra
    if (needed > this.bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2))
      grown.set(this.bytes.subarray(0, this.length))
      this.bytes = grown
    }
    return this.bytes
  }

  byte(value: number): void {
    this.reserve(1)
    this.bytes[this.length++] = value
  }

  /** Four bytes, little-endian. */
  int32(value: number): void {
    const b = this.reserve(4)
    const at = this.length
    b[at] = value
    b[at + 1] = value >>> 8
    b[at + 2] = value >>> 16
    b[at + 3] = value >>> 24
    this.length = at + 4
  }

  /** Unsigned LEB128 of a number in [0, 2^53). */
  varint(value: number): void {
    this.reserve(8)
    let rest = value
    while (rest >= 0x80) {
      this.bytes[this.length++] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    this.bytes[this.length++] = rest
  }

  append(source: Uint8Array): void {
    this.reserve(source.length).set(source, this.length)
    this.length += source.length
  }

  /** The bytes written so far, without a copy: valid until the next write. */
  view(): Uint8Array {
    return this.bytes.subarray(0, this.length)
  }
}

/** Smallest capacity that is a doubling of `current` (at least 16) and holds `needed`. */
export function grownCapacity(current: number, needed: number): number {
  let capacity = Math.max(16, current)
  while (capacity < needed) capacity *= 2
  return capacity
}
