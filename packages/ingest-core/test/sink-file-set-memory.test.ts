import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { sinkTestNoon, testBatch } from '../src/conformance/sink-records.ts'
import { deadLetterColumns } from '../src/sink/dead-letter-columns.ts'
import { columnarEncoders } from '../src/sink/file-encoders.ts'
import { createFileSet } from '../src/sink/file-set.ts'
import { specOf } from './sink-flush-spec.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Memory of all array buffers that are in use, bytes. The memory of those found unused is given back on another thread. */
async function bufferMemory(): Promise<number> {
  for (let turn = 0, last = Infinity; turn < 50; turn++) {
    collectGarbage()
    await setImmediate()
    const { arrayBuffers } = process.memoryUsage()
    if (arrayBuffers === last) return last
    last = arrayBuffers
  }
  throw new Error('the memory of array buffers does not come to rest')
}

const spec = specOf({
  partitionBy: [{ field: 'site', transform: 'value', as: 'site' }],
  file: { format: 'parquet' },
  ingestedAt: sinkTestNoon,
})

/** The budget is as good as this number (input 25). What encoders have outgrown stays in their pool and is not counted. */
describe('the memory a file set says it holds', () => {
  it.each([
    [3, 20_000, 0.5],
    [1500, 20_000, 0.9],
  ])('is what it holds: %i files, %i rows', async (files, rows, share) => {
    const set = createFileSet({ spec, deadColumns: deadLetterColumns() }, columnarEncoders)
    const before = await bufferMemory()
    let counted = 0
    for (let at = 0; at < rows; at += 2000) {
      const log = Array.from({ length: 2000 }, (_, i) => ({
        is: 'row' as const,
        at: sinkTestNoon,
        site: `user-${(at + i) % files}`,
      }))
      counted = set.append({ ...testBatch(log, 0, 2000), start: at, end: at + 2000 }).bufferedBytes
    }
    const held = (await bufferMemory()) - before
    expect(held).toBeGreaterThan(100_000)
    expect(counted).toBeGreaterThan(share * held)
    expect(counted).toBeLessThan(4 * held)
    expect(set.finish(rows).files).toHaveLength(files)
  })
})
