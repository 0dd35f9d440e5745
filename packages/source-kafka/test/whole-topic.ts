import { parseHeaders, splitRecordBatches } from '@sluice/ingest-core'
import { createKafkaSource } from '../src/index.ts'
import { assigned, never } from './reading.ts'

export interface TopicRecord {
  readonly partition: number
  readonly value: string | null
  readonly headers: Readonly<Record<string, string>>
}

/** All that a topic holds, from the first record to the last, by a source of its own; in order within a partition. */
export async function recordsOf(brokers: readonly string[], topic: string): Promise<TopicRecord[]> {
  const source = await createKafkaSource({ brokers, topics: [topic], waitMs: 20 })
  const records: TopicRecord[] = []
  const left = new Map<number, number>()
  for (const id of await assigned(source, 1)) {
    const { start, end } = await source.bounds(id)
    await source.seek(id, start)
    if (end > start) left.set(id.partition, end)
  }
  while (left.size > 0) {
    for (const fetched of await source.poll(1 << 20, never)) {
      if (fetched.kind !== 'batches') throw new Error('expected record batches')
      const { partition } = fetched.partition
      const { slab } = splitRecordBatches(fetched.bytes, { maxInflatedBytes: 2 ** 26 })
      for (let i = 0; i < slab.length; i++) {
        const [start, end] = [slab.valueStart[i]!, slab.valueEnd[i]!]
        const [first, last] = [slab.headersStart[i]!, slab.headersEnd[i]!]
        const headers = last > first ? parseHeaders(slab.bytes.subarray(first, last)) : []
        records.push({
          partition,
          value: start < 0 ? null : Buffer.from(slab.bytes.subarray(start, end)).toString(),
          headers: Object.fromEntries(
            headers.map(({ name, value }) => [name, value === null ? '' : Buffer.from(value).toString()]),
          ),
        })
      }
      if (fetched.end >= (left.get(partition) ?? Infinity)) left.delete(partition)
    }
  }
  await source.close()
  return records
}
