import { execFileSync } from 'node:child_process'
import { setFlagsFromString } from 'node:v8'
import { describe, expect, it, vi } from 'vitest'
import { codecs } from '../src/codecs/codec.ts'
import { encodeRecordBatch } from '../src/log/encode-batch.ts'
import { splitRecordBatches } from '../src/log/record-batch.ts'
import { letHeapGrow } from '../src/workers/heap-growth.ts'
import { createSharedMemory } from '../src/workers/shared-memory.ts'

vi.mock('node:v8', () => ({ setFlagsFromString: vi.fn() }))

describe('shared memory', () => {
  it('holds a copy, and the next one in the same place once it was given back', () => {
    const memory = createSharedMemory()
    const first = memory.share(Uint8Array.of(1, 2, 3))
    const second = memory.share(Uint8Array.of(4))
    expect([[...first], [...second]]).toEqual([[1, 2, 3], [4]])
    expect(second.buffer).not.toBe(first.buffer)
    memory.giveBack(first)
    const third = memory.share(Uint8Array.of(5, 6))
    expect([[...third], [...second]]).toEqual([[5, 6], [4]])
    expect(third.buffer).toBe(first.buffer)
  })

  it('is not taken when it is too small, nor kept beyond 16 MiB', () => {
    const memory = createSharedMemory()
    const small = memory.share(new Uint8Array(10))
    memory.giveBack(small)
    const large = memory.share(new Uint8Array(17 * 1024 * 1024).fill(3))
    expect(large.buffer).not.toBe(small.buffer)
    expect(large.at(-1)).toBe(3)
    memory.giveBack(large)
    expect(memory.share(new Uint8Array(17 * 1024 * 1024)).buffer).not.toBe(large.buffer)
  })

  it('does not lend large memory to small chunks', () => {
    const memory = createSharedMemory()
    const large = memory.take(1024 * 1024)
    memory.giveBack(large.subarray(0, 100))
    const small = memory.take(1000)
    expect(small.buffer.byteLength).toBeLessThan(65_536)
    expect(memory.take(256 * 1024).buffer).toBe(large.buffer)
  })

  it('has nothing to lend where nothing is needed', () => {
    const memory = createSharedMemory()
    const empty = memory.take(0)
    memory.giveBack(empty)
    expect(empty.buffer.byteLength).toBe(0)
    expect(memory.take(1).buffer.byteLength).toBeGreaterThan(0)
  })

  it('takes bytes that are shared already as they are', () => {
    const memory = createSharedMemory()
    const shared = memory.take(10)
    expect(memory.share(shared)).toBe(shared)
  })

  it('can be read like any bytes: batches of every codec in it give the same records', () => {
    const text = (i: number): Uint8Array => Buffer.from(`value ${i} `.repeat(3000))
    const batches = codecs.map((codec, i) =>
      encodeRecordBatch({
        baseOffset: 10 * i,
        codec,
        records: [0, 1].map((n) => ({ key: null, value: text(10 * i + n), headers: [], timestamp: 1 })),
      }),
    )
    const bytes = createSharedMemory().share(Buffer.concat(batches))
    const { slab } = splitRecordBatches(bytes, { maxInflatedBytes: 2 ** 20 })
    const values = Array.from({ length: slab.length }, (_, i) =>
      Buffer.from(slab.bytes.slice(slab.valueStart[i], slab.valueEnd[i])).toString(),
    )
    expect(values).toEqual(codecs.flatMap((_, i) => [0, 1].map((n) => Buffer.from(text(10 * i + n)).toString())))
  })
})

describe('heap growth', () => {
  it('is a whole number of per cent', () => {
    for (const wrong of [0, -5, 1.5, Number.NaN]) expect(() => letHeapGrow(wrong)).toThrow(RangeError)
    expect(setFlagsFromString).not.toHaveBeenCalled()
  })

  it('is a flag that this V8 knows', () => {
    letHeapGrow()
    const [[flag] = []] = vi.mocked(setFlagsFromString).mock.calls
    expect(flag).toBe('--heap-growing-percent=400')
    const known = execFileSync(process.execPath, ['--v8-options'], { encoding: 'utf8' })
    expect(known).toContain(`${flag!.split('=')[0]} (`)
  })
})
