import { giveMemory, noBytes, roomierBytes } from './buffer-pool.ts'
import type { Bytes } from './buffer-pool.ts'

/**
 * A byte array that grows by doubling. Callers in hot loops call `reserve` once and then write to `bytes` themselves.
 */
export class ByteWriter {
  bytes: Bytes
  length = 0

  constructor(capacity = 256) {
    this.bytes = roomierBytes(noBytes, 0, capacity)
  }

  /** Makes room for `extra` more bytes and returns the array to write to (it may have moved). */
  reserve(extra: number): Uint8Array {
    this.bytes = roomierBytes(this.bytes, this.length, this.length + extra)
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

  /** Hands the memory back, and with it what views show. The writer starts anew. */
  release(): void {
    giveMemory(this.bytes.buffer)
    this.bytes = noBytes
    this.length = 0
  }
}
