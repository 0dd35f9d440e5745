import { appendFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { describeSource } from '../src/conformance/source.ts'
import { codecs } from '../src/codecs/codec.ts'
import { openSegmentLog } from '../src/log/segment-log.ts'
import { createJsonlSource } from '../src/sources/jsonl-source.ts'
import { createMemorySource } from '../src/sources/memory-source.ts'
import { createSegmentLogSource } from '../src/sources/segment-log-source.ts'
import { testFolders } from './log-folders.ts'

const folders = testFolders()
afterAll(folders.removeAll)

const record = (value: string) => ({ key: null, value: Buffer.from(value), timestamp: 1 })

for (const kind of ['batches', 'slab'] as const) {
  describeSource(`memory, ${kind}`, {
    holes: true,
    retention: true,
    async make({ topic, partitions }) {
      const source = createMemorySource({ topic, partitions, kind, batchRecords: 7 })
      return {
        source,
        async append(partition, values, skip) {
          source.append(partition, values.map(record), skip)
        },
        async deleteRecordsBefore(partition, offset) {
          source.deleteRecordsBefore(partition, offset)
        },
        async close() {},
      }
    },
  })
}

for (const codec of codecs) {
  describeSource(`segment log, ${codec}`, {
    retention: true,
    async make({ topic, partitions }) {
      const root = await folders.make()
      const log = await openSegmentLog({ root, codec, segmentBytes: 600, batchBytes: 200, fsync: 'roll' })
      await log.createTopic(topic, { partitions })
      return {
        source: await createSegmentLogSource({ root, waitMs: 1, refreshMs: 5 }),
        async append(partition, values) {
          await log.append(topic, partition, values.map(record))
        },
        deleteRecordsBefore: (partition, offset) => log.deleteRecordsBefore(topic, partition, offset),
        close: () => log.close(),
      }
    },
  })
}

describeSource('JSONL folder', {
  holes: true,
  async make({ topic, partitions }) {
    const folder = join(await folders.make(), 'in')
    await mkdir(folder)
    const file = (partition: number): string => join(folder, `${partition}.jsonl`)
    for (let partition = 0; partition < partitions; partition++) await writeFile(file(partition), '')
    return {
      source: await createJsonlSource({ topic, from: { folder }, follow: true, waitMs: 1, refreshMs: 5 }),
      append: (partition, values, skip = 0) =>
        appendFile(file(partition), '\n'.repeat(skip) + values.map((value) => `${value}\n`).join('')),
      async close() {},
    }
  },
})
