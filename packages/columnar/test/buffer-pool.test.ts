import { describe, expect, it } from 'vitest'
import { freeMemory, giveMemory, noBytes, roomierBytes, takeMemory, zeroInts } from '../src/buffer-pool.ts'
import { createParquetEncoder } from '../src/parquet/parquet-encoder.ts'
import { everyTypeRows, everyTypeSchema } from './every-type.ts'
import { makeBatch } from './make-batch.ts'

describe('memory that is handed back', () => {
  it('is given to one taker only, and to one that asks for its size', () => {
    const memory = takeMemory(5000)
    expect(memory.byteLength).toBe(8192)
    giveMemory(memory)
    expect(takeMemory(4000)).not.toBe(memory)
    expect(takeMemory(8192)).toBe(memory)
    expect(takeMemory(8192)).not.toBe(memory)
  })

  it('is not kept when it is tiny, huge, or of a size that nobody asks for', () => {
    for (const size of [512, 2 ** 25, 5000]) {
      const memory = new ArrayBuffer(size)
      giveMemory(memory)
      expect(takeMemory(size)).not.toBe(memory)
    }
  })

  it('is kept up to 64 MiB', () => {
    const many = Array.from({ length: 6 }, () => new ArrayBuffer(2 ** 24))
    for (const each of many) giveMemory(each)
    const back = many.map(() => takeMemory(2 ** 24))
    expect(back.filter((each) => many.includes(each))).toHaveLength(4)
  })

  it('keeps what is in use while it grows, and is cleared only when asked', () => {
    const small = roomierBytes(noBytes, 0, 2000).fill(7)
    const large = roomierBytes(small, 1500, 3000)
    expect(large.length).toBe(4096)
    expect(large.subarray(0, 1500).every((byte) => byte === 7)).toBe(true)
    giveMemory(large.fill(9).buffer)
    expect(zeroInts(1024).every((word) => word === 0)).toBe(true)
  })
})

describe('memory that is freed', () => {
  it('leaves nothing in its arrays', () => {
    const bytes = Buffer.alloc(100_000, 1)
    freeMemory(bytes)
    expect(bytes.length).toBe(0)
  })

  it('is never the pool of small buffers, nor memory that threads share', () => {
    const small = Buffer.allocUnsafe(100).fill(1)
    freeMemory(small)
    expect(small.every((byte) => byte === 1)).toBe(true)
    const shared = new Uint8Array(new SharedArrayBuffer(100_000))
    freeMemory(shared)
    expect(shared.length).toBe(100_000)
  })
})

it('files are the same whatever encoders before them and beside them wrote', () => {
  const rows = everyTypeRows(300)
  const shuffled = rows.map((_, i) => rows[(i * 7 + 3) % rows.length]!)
  const fileOf = (of: typeof rows) => {
    const encoder = createParquetEncoder(everyTypeSchema, { rowGroupRows: 120, compression: 'none' })
    encoder.append(makeBatch(everyTypeSchema, of))
    return encoder.finish()
  }
  const wanted = [Buffer.from(fileOf(rows)), Buffer.from(fileOf(shuffled))]
  for (let round = 0; round < 5; round++) {
    const encoders = [rows, shuffled].map(() =>
      createParquetEncoder(everyTypeSchema, { rowGroupRows: 120, compression: 'none' }),
    )
    for (let from = 0; from < rows.length; from += 50) {
      encoders[0]!.append(makeBatch(everyTypeSchema, rows.slice(from, from + 50)))
      encoders[1]!.append(makeBatch(everyTypeSchema, shuffled.slice(from, from + 50)))
    }
    expect(wanted.map((file, i) => file.equals(encoders[i]!.finish()))).toEqual([true, true])
  }
})
