import { describe, expect, it } from 'vitest'
import { systemClock } from '../src/pipeline/clock.ts'
import { sha256Hex } from '../src/sink/canonical-json.ts'
import type { DoneFile, Plan } from '../src/sink/chain-records.ts'
import { columnarEncoders } from '../src/sink/file-encoders.ts'
import { createFileFeed } from '../src/sink/file-feed.ts'
import { fileSinkDefaults } from '../src/sink/file-sink-options.ts'
import type { FinishedFile } from '../src/sink/flush-spec.ts'
import type { SinkHookPoint } from '../src/sink/hooks.ts'
import { publishFlush } from '../src/sink/publish.ts'
import { createStoreCalls } from '../src/sink/store-calls.ts'
import { createMemoryStore } from '../src/stores/memory-store.ts'
import { specOf } from './sink-flush-spec.ts'

const { signal } = new AbortController()
const rows = 5
/** Larger than the buffers that Node shares. */
const fileBytes = 100_000

const plan: Plan = {
  version: 1,
  start: 0,
  end: 2 * rows,
  previous: null,
  spec: specOf(),
  counts: { rows: 2 * rows, filtered: 0, dead: 0, redelivered: 0 },
  dead: { verdicts: [], offsets: [], verdictOf: [] },
}

function file(key: string, fill: number): FinishedFile {
  const bytes = new Uint8Array(fileBytes).fill(fill)
  return { key, kind: 'data', rows, bytes, sha256: sha256Hex(bytes) }
}

describe('publishing a flush', () => {
  it.each<SinkHookPoint>(['before_put', 'after_put'])(
    'gives the memory of a file back when it is there, not before: one that failed at %s comes again whole',
    async (failing) => {
      const store = createMemoryStore()
      await store.open(signal)
      const files = [file('a.parquet', 1), file('b.parquet', 2)]
      const answers: FinishedFile[][] = [[...files]]
      const placed: DoneFile[] = []
      let failures = 1
      const publish = () =>
        publishFlush({
          open: { plan, sha256: 'plan', dead: { verdicts: [], offsets: [], verdictOf: [] } },
          sealed: {
            files: 2,
            stored: 2 * rows,
            late: 0,
            dead: { verdicts: [], offsets: [], verdictOf: [] },
            watermark: null,
          },
          feed,
          placed,
          encoders: columnarEncoders,
          calls: createStoreCalls(store, systemClock, { ...fileSinkDefaults.retry, random: () => 0 }),
          hooks: {
            at(point) {
              if (point === failing && failures-- > 0) throw new Error('stopped by the test')
            },
          },
          parallel: 1,
          prefix: '',
          sinkId: 'test',
          signal,
        })
      const feed = createFileFeed(async () => answers.shift() ?? [], files.length, 1)

      await expect(publish()).rejects.toThrow('stopped by the test')
      expect(files.map(({ bytes }) => bytes.length)).toEqual([fileBytes, fileBytes])

      const done = await publish()
      expect(done.files.map(({ key, bytes }) => [key, bytes])).toEqual([
        ['a.parquet', fileBytes],
        ['b.parquet', fileBytes],
      ])
      for (const { key, sha256 } of done.files) expect(sha256Hex(await store.get(key, signal))).toBe(sha256)
      expect(files.map(({ bytes }) => bytes.length)).toEqual([0, 0])
    },
  )
})
