import { describe, expect, it } from 'vitest'
import { sinkTestNoon, testBatch } from '../src/conformance/sink-records.ts'
import { deadLetterColumns } from '../src/sink/dead-letter-columns.ts'
import { createFileFeed } from '../src/sink/file-feed.ts'
import { createInlineFileSetHost } from '../src/sink/file-set-host.ts'
import type { FinishedFile } from '../src/sink/flush-spec.ts'
import { specOf } from './sink-flush-spec.ts'

const file = (key: string): FinishedFile => ({ key, kind: 'data', rows: 1, bytes: new Uint8Array(1), sha256: '' })

describe('the files of a sealed flush', () => {
  it('are taken from the start, and not once more than there are files', async () => {
    const answers = [[file('a'), file('b')], [file('c')]]
    let takes = 0
    const feed = createFileFeed(async () => answers[takes++] ?? [], 3, 1)
    expect(takes).toBe(1)
    const keys: (string | undefined)[] = []
    for (let i = 0; i < 5; i++) keys.push((await feed.next())?.key)
    expect(keys).toEqual(['a', 'b', 'c', undefined, undefined])
    expect(takes).toBe(2)
  })

  it('are asked for again after a failure that nobody waited for', async () => {
    let takes = 0
    const feed = createFileFeed(
      async () => {
        takes += 1
        if (takes === 1) throw new Error('lost')
        return [file('a')]
      },
      1,
      1,
    )
    await new Promise((resolve) => setImmediate(resolve))
    expect((await feed.next())?.key).toBe('a')
    expect(await feed.next()).toBeUndefined()
  })

  it.each([
    [0, 1],
    [150, 3],
  ])('close their lane with the last of them: %i files in %i takes', async (files, takes) => {
    const partitionBy = [{ field: 'site', transform: 'value', as: 'site' }] as const
    const log = Array.from({ length: files }, (_, i) => ({ is: 'row' as const, at: sinkTestNoon, site: `user-${i}` }))
    const host = createInlineFileSetHost()
    await host.open('lane', { spec: specOf({ partitionBy }), deadColumns: deadLetterColumns() })
    await host.append('lane', testBatch(log, 0, files))
    expect(await host.seal('lane', files)).toMatchObject({ files })
    let taken = 0
    for (let i = 0; i < takes; i++) taken += (await host.take('lane')).length
    expect(taken).toBe(files)
    await expect(host.take('lane')).rejects.toMatchObject({ code: 'SINK_NOT_OPEN' })
  })
})
