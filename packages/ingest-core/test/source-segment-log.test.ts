import { mkdir, readdir, readFile, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { Fetched, PartitionId } from '../src/contracts/records.ts'
import type { AssignmentChange, Source } from '../src/contracts/source.ts'
import { encodeRecordBatch } from '../src/log/encode-batch.ts'
import { splitRecordBatches } from '../src/log/record-batch.ts'
import { openSegmentLog } from '../src/log/segment-log.ts'
import { createSegmentLogSource } from '../src/sources/segment-log-source.ts'
import { testFolders } from './log-folders.ts'

const folders = testFolders()
afterAll(folders.removeAll)
const signal = new AbortController().signal
const record = (value: string) => ({ key: null, value: Buffer.from(value), timestamp: 1 })

async function firstChange(source: Source): Promise<readonly PartitionId[]> {
  for await (const { assigned } of source.assignments(signal)) return assigned
  throw new Error('no assignment came')
}

const offsetsOf = (fetched: readonly Fetched[]): number[] =>
  fetched.flatMap((one) => {
    if (one.kind !== 'batches') throw new TypeError('a segment log hands out batches')
    return [...splitRecordBatches(one.bytes, { from: one.start, maxInflatedBytes: 2 ** 20 }).slab.offsets]
  })

async function smallSegments(count: number) {
  const root = await folders.make()
  const log = await openSegmentLog({ root, segmentBytes: 250, batchBytes: 1, fsync: 'roll' })
  await log.createTopic('t', { partitions: 1 })
  for (let i = 0; i < count; i++) await log.append('t', 0, [record(`value ${i}`)])
  return { root, log, folder: join(root, 't-0') }
}

describe('segment log source', () => {
  it('finds new topics and partitions, and takes away what is gone (faults 27, 29)', async () => {
    const root = await folders.make()
    const log = await openSegmentLog({ root })
    const source = await createSegmentLogSource({ root, topics: ['a', 'later'], refreshMs: 2, waitMs: 1 })
    const changes = source.assignments(signal)[Symbol.asyncIterator]()
    const next = async (): Promise<AssignmentChange> => (await changes.next()).value!
    expect(await next()).toEqual({ assigned: [], revoked: [] })
    const first = await log.createTopic('a', { partitions: 1 })
    await log.createTopic('unwanted', { partitions: 1 })
    const a0 = { clusterId: log.clusterId, topicId: first.id, topic: 'a', partition: 0 }
    expect(await next()).toEqual({ assigned: [a0], revoked: [] })
    await log.addPartitions('a', 2)
    expect(await next()).toEqual({ assigned: [{ ...a0, partition: 1 }], revoked: [] })
    await log.append('a', 0, [record('old life')])
    await source.seek(a0, 0)
    await log.deleteTopic('a')
    const second = await log.createTopic('a', { partitions: 1 })
    const seen: AssignmentChange[] = []
    while (!seen.some(({ assigned }) => assigned.length > 0)) seen.push(await next())
    expect(seen.flatMap(({ revoked }) => revoked)).toEqual([a0, { ...a0, partition: 1 }])
    expect(seen.flatMap(({ assigned }) => assigned)).toEqual([{ ...a0, topicId: second.id }])
    await expect(source.seek(a0, 0)).rejects.toMatchObject({ code: 'PARTITION_NOT_ASSIGNED' })
    await source.close()
    await log.close()
  })

  it('never takes records of another life of the topic for the old one (fault 27)', async () => {
    const { root, log } = await smallSegments(4)
    const source = await createSegmentLogSource({ root, follow: false, waitMs: 1 })
    const [id] = await firstChange(source)
    await source.seek(id!, 4)
    await log.deleteTopic('t')
    await log.createTopic('t', { partitions: 1 })
    for (let i = 0; i < 9; i++) await log.append('t', 0, [record('another life')])
    await expect(source.poll(1000, signal)).rejects.toMatchObject({ code: 'SOURCE_REPLACED', partition: id })
    await expect(source.bounds(id!)).rejects.toMatchObject({ code: 'SOURCE_REPLACED' })
    await expect(source.seek(id!, 2)).rejects.toMatchObject({ code: 'SOURCE_REPLACED' })
    await source.close()
    await log.close()
  })

  it('names what retention took while it was reading (fault 25)', async () => {
    const { root, log } = await smallSegments(20)
    const source = await createSegmentLogSource({ root, waitMs: 1 })
    const [id] = await firstChange(source)
    await source.seek(id!, 0)
    const first = await source.poll(1, signal)
    const next = first[0]!.end
    await log.deleteRecordsBefore('t', 0, 15)
    let last = next
    const failed = await (async () => {
      for (;;) for (const { end } of await source.poll(1, signal)) last = end
    })().catch((error: unknown) => error)
    expect(failed).toMatchObject({ code: 'OFFSET_OUT_OF_RANGE', partition: id })
    const { missing } = failed as { missing: { start: number; end: number } }
    expect(missing.start).toBe(last)
    expect(missing.end).toBeGreaterThan(last)
    expect(missing.end).toBeLessThanOrEqual(15)
    await source.seek(id!, 15)
    expect(offsetsOf(await source.poll(1000, signal))[0]).toBe(15)
    await source.close()
    await log.close()
  })

  it('says which offsets a lost file held, and reads what is before it', async () => {
    const { root, log, folder } = await smallSegments(20)
    await log.close()
    const segments = (await readdir(folder)).filter((name) => name.endsWith('.log')).toSorted()
    const bases = segments.map((name) => Number(name.slice(0, 20)))
    await unlink(join(folder, segments[2]!))
    const source = await createSegmentLogSource({ root, follow: false, waitMs: 1 })
    const [id] = await firstChange(source)
    await source.seek(id!, 0)
    const offsets: number[] = []
    const failed = await (async () => {
      for (;;) offsets.push(...offsetsOf(await source.poll(10_000, signal)))
    })().catch((error: unknown) => error)
    expect(offsets).toEqual([...Array(bases[2]).keys()])
    expect(failed).toMatchObject({ code: 'OFFSET_OUT_OF_RANGE', missing: { start: bases[2], end: bases[3] } })
    await source.close()
  })

  it('refuses damage in a finished segment, and delivers the other partitions meanwhile (input 28)', async () => {
    const root = await folders.make()
    const log = await openSegmentLog({ root, segmentBytes: 250, batchBytes: 1, fsync: 'roll' })
    await log.createTopic('t', { partitions: 2 })
    for (let i = 0; i < 12; i++)
      for (const partition of [0, 1]) await log.append('t', partition, [record(`value ${i}`)])
    await log.close()
    const path = join(root, 't-0', '00000000000000000000.log')
    const bytes = await readFile(path)
    bytes.writeInt32BE(0x7fffffff, 8)
    await writeFile(path, bytes)
    const source = await createSegmentLogSource({ root, follow: false, waitMs: 1 })
    const ids = (await firstChange(source)).toSorted((a, b) => a.partition - b.partition)
    await source.seek(ids[1]!, 0)
    await source.seek(ids[0]!, 0)
    const offsets: number[] = []
    const failures: unknown[] = []
    for (let poll = 0; poll < 30; poll++) {
      try {
        offsets.push(...offsetsOf(await source.poll(200, signal)))
      } catch (error) {
        failures.push(error)
      }
    }
    expect(offsets).toEqual([...Array(12).keys()])
    expect(failures.length).toBeGreaterThan(0)
    for (const failure of failures) expect(failure).toMatchObject({ code: 'SOURCE_CORRUPT', partition: ids[0] })
    await source.close()
  })

  it('shares each poll between the partitions that have something (fault 33)', async () => {
    const root = await folders.make()
    const log = await openSegmentLog({ root, batchBytes: 500, fsync: 'roll' })
    await log.createTopic('t', { partitions: 3 })
    for (const partition of [0, 1, 2]) {
      await log.append(
        't',
        partition,
        Array.from({ length: 2000 }, (_, i) => record(`value ${i}`)),
      )
    }
    const source = await createSegmentLogSource({ root, waitMs: 1 })
    for (const id of await firstChange(source)) await source.seek(id, 0)
    for (let poll = 0; poll < 4; poll++) {
      const fetched = await source.poll(12_000, signal)
      expect(fetched.map(({ partition }) => partition.partition).toSorted()).toEqual([0, 1, 2])
      for (const { byteLength } of fetched) expect(byteLength).toBeGreaterThan(3000)
    }
    await source.close()
    await log.close()
  })

  it('wants every topic it was told of when it does not follow', async () => {
    const { root, log } = await smallSegments(1)
    await log.close()
    const source = await createSegmentLogSource({ root, topics: ['t', 'missing'], follow: false })
    await expect(firstChange(source)).rejects.toMatchObject({ code: 'SOURCE_TOPIC_UNKNOWN' })
    await source.close()
  })

  it('replays the data folder of a stopped broker: its ids, its log start, its holes and markers (faults 30, 31)', async () => {
    const root = await folders.make()
    const folder = join(root, 'my-topic-0')
    await mkdir(folder)
    await writeFile(join(root, 'meta.properties'), '#\nversion=1\nnode.id=1\ncluster.id=MkU3OEVBNTcwNTJENDM2Qg\n')
    await writeFile(join(root, 'log-start-offset-checkpoint'), '0\n1\nmy-topic 0 12\n')
    await writeFile(join(folder, 'partition.metadata'), 'version: 0\ntopic_id: nVwUTqWKQWeFzRlnhBVpRQ')
    const compacted = encodeRecordBatch({
      baseOffset: 10,
      offsets: [11, 14],
      lastOffset: 15,
      records: [record('b'), record('c')],
      codec: 'lz4',
    })
    const marker = encodeRecordBatch({
      baseOffset: 30,
      control: true,
      transactional: true,
      producerId: 1,
      records: [record('')],
    })
    await writeFile(join(folder, '00000000000000000010.log'), compacted)
    await writeFile(
      join(folder, '00000000000000000020.log'),
      Buffer.concat([marker, encodeRecordBatch({ baseOffset: 31, records: [record('d')] })]),
    )
    const source = await createSegmentLogSource({ root, follow: false, waitMs: 1 })
    const [id] = await firstChange(source)
    expect(id).toEqual({
      clusterId: 'MkU3OEVBNTcwNTJENDM2Qg',
      topicId: 'nVwUTqWKQWeFzRlnhBVpRQ',
      topic: 'my-topic',
      partition: 0,
    })
    expect(await source.bounds(id!)).toEqual({ start: 12, end: 32 })
    for (let from = 12; from <= 32; from++) {
      await source.seek(id!, from)
      const fetched: Fetched[] = []
      for (let next = from; next < 32;) {
        const reads = await source.poll(1, signal)
        expect(reads[0]!.start).toBe(next)
        next = reads[0]!.end
        fetched.push(...reads)
      }
      expect(offsetsOf(fetched)).toEqual([14, 31].filter((offset) => offset >= from))
    }
    await expect(openSegmentLog({ root })).rejects.toMatchObject({ code: 'LOG_CORRUPT' })
    await source.close()
  })
})
