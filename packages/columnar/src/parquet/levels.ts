import { grownCapacity, type ByteWriter } from '../byte-writer.ts'
import { bitWidth, writeHybrid } from './rle-hybrid.ts'

/** Definition or repetition levels of one leaf for the open row group, one byte each. */
export class Levels {
  bytes = new Uint8Array(16)
  count = 0
  readonly #width: number

  constructor(max: number) {
    this.#width = bitWidth(max)
  }

  /** Makes room for `extra` levels; the caller writes them at `count` and moves it. */
  reserve(extra: number): Uint8Array {
    if (this.count + extra > this.bytes.length) {
      const grown = new Uint8Array(grownCapacity(this.bytes.length, this.count + extra))
      grown.set(this.bytes.subarray(0, this.count))
      this.bytes = grown
    }
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
    writeHybrid(out, this.bytes, from, to, this.#width)
    const end = out.length
    out.length = start
    out.int32(end - start - 4)
    out.length = end
  }

  clear(): void {
    this.count = 0
  }
}
