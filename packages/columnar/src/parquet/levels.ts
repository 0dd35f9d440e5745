import { giveMemory, noBytes, roomierBytes, type Bytes } from '../buffer-pool.ts'
import type { ByteWriter } from '../byte-writer.ts'
import { bitWidth, writeFlags, writeHybrid } from './rle-hybrid.ts'

/** Definition or repetition levels of one leaf for the open row group, one byte each. */
export class Levels {
  bytes: Bytes = noBytes
  count = 0
  readonly #width: number

  constructor(max: number) {
    this.#width = bitWidth(max)
  }

  /** Makes room for `extra` levels; the caller writes them at `count` and moves it. */
  reserve(extra: number): Uint8Array {
    this.bytes = roomierBytes(this.bytes, this.count, this.count + extra)
    return this.bytes
  }

  fill(level: number, n: number): void {
    this.reserve(n).fill(level, this.count, this.count + n)
    this.count += n
  }

  append(levels: Uint8Array, n: number): void {
    this.reserve(n).set(levels.subarray(0, n), this.count)
    this.count += n
  }

  /** Writes levels `[from, to)` as a data page V1 wants them: byte length, then hybrid runs. */
  write(out: ByteWriter, from: number, to: number): void {
    const start = out.length
    out.int32(0)
    if (this.#width === 1) writeFlags(out, this.bytes, from, to)
    else writeHybrid(out, this.bytes, from, to, this.#width)
    const end = out.length
    out.length = start
    out.int32(end - start - 4)
    out.length = end
  }

  clear(): void {
    this.count = 0
  }

  release(): void {
    giveMemory(this.bytes.buffer)
    this.bytes = noBytes
    this.count = 0
  }
}
