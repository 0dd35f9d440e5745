import { describe, expect, it } from 'vitest'
import { sinkTestContract, sinkTestPartition, testBatch, testRecords } from '../src/conformance/sink-records.ts'
import type { ObjectStore } from '../src/contracts/object-store.ts'
import { listCommittedFiles } from '../src/lake/committed-files.ts'
import { createFileSink } from '../src/sink/file-sink.ts'
import { createMemoryStore } from '../src/stores/memory-store.ts'
import { never } from './pipeline-lake.ts'

const log = testRecords('rrxrlrfr')

async function lakeOf(flushes: readonly number[], partitions: readonly number[]) {
  const store = createMemoryStore({ pageSize: 2 })
  await store.open(never)
  const tables = [{ contract: sinkTestContract }]
  const sink = createFileSink({ store, sinkId: 's', owner: 'o', tables, file: { format: 'jsonl' } })
  for (const number of partitions) {
    const partition = { ...sinkTestPartition, partition: number }
    const { next } = await sink.open(partition, () => Promise.resolve(0), never)
    let at = next
    for (const end of flushes) {
      await sink.write(testBatch(log, at, end, { partition }), never)
      await sink.commit({ partition, reason: 'time' }, never)
      at = end
    }
  }
  await sink.close()
  return store
}

describe('listCommittedFiles', () => {
  it('names the files of each flush with its chain and position', async () => {
    const files = await listCommittedFiles(await lakeOf([3, 8], [0, 1]), { sinkId: 's' })
    const found = files.map(({ chain, position, kind, rows }) => `${chain} ${position} ${kind} ${rows}`)
    const one = ['3 dead 1', '3 data 2', '8 data 3', '8 late 1']
    const expected = [0, 1].flatMap((partition) => one.map((each) => `topic-id-1/${partition} ${each}`))
    expect(found.sort()).toEqual(expected.sort())
  })

  it('shows nothing of a partition behind a flush that the listing missed', async () => {
    const store = await lakeOf([2, 4, 8], [0, 1])
    const hidden = /\/1\/0+2\.done$/
    const racing: ObjectStore = {
      ...store,
      async *list(prefix, signal, after) {
        for await (const object of store.list(prefix, signal, after)) if (!hidden.test(object.key)) yield object
      },
    }
    const files = await listCommittedFiles(racing, { sinkId: 's' })
    const ends = (chain: string): number[] => [
      ...new Set(files.filter((file) => file.chain === chain).map(({ position }) => position)),
    ]
    expect(ends('topic-id-1/0').sort()).toEqual([2, 4, 8])
    expect(ends('topic-id-1/1')).toEqual([2])
  })
})
