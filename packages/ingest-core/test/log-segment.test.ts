import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, copyFile, mkdir, readdir, readFile, stat, truncate, unlink, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import type { Source } from '../src/contracts/source.ts'
import type { LogRecord } from '../src/log/encode-batch.ts'
import { openSegmentLog } from '../src/log/segment-log.ts'
import { splitRecordBatches } from '../src/log/record-batch.ts'
import { createSegmentLogSource } from '../src/sources/segment-log-source.ts'
import { testFolders } from './log-folders.ts'

const folders = testFolders()
afterAll(folders.removeAll)

const record = (value: string): LogRecord => ({
  key: Buffer.from(`k-${value}`),
  value: Buffer.from(value),
  timestamp: 1.7e12,
})
const records = (from: number, to: number): LogRecord[] =>
  Array.from({ length: to - from }, (_, i) => record(`${from + i}`))
const segment = (root: string, base = 0, partition = 0): string =>
  join(root, `t-${partition}`, `${String(base).padStart(20, '0')}.log`)

/** Values of partition 0 by offset, as a reader finds them. */
async function readAll(root: string, partition = 0): Promise<string[]> {
  const source = await createSegmentLogSource({ root, follow: false, waitMs: 0 })
  try {
    return await readPartition(source, partition)
  } finally {
    await source.close()
  }
}

async function readPartition(source: Source, partition: number): Promise<string[]> {
  const signal = new AbortController().signal
  const values: string[] = []
  for await (const { assigned } of source.assignments(signal)) {
    const id = assigned.find((each) => each.partition === partition)!
    const { start, end } = await source.bounds(id)
    await source.seek(id, start)
    for (let next = start; next < end;) {
      for (const fetched of await source.poll(100_000, signal)) {
        expect(fetched.start).toBe(next)
        next = fetched.end
        if (fetched.kind !== 'batches') throw new TypeError('a segment log hands out batches')
        const { slab } = splitRecordBatches(fetched.bytes, { from: fetched.start, maxInflatedBytes: 2 ** 20 })
        for (let i = 0; i < slab.length; i++) {
          values[slab.offsets[i]!] = Buffer.from(slab.bytes.subarray(slab.valueStart[i]!, slab.valueEnd[i]!)).toString()
        }
      }
    }
    break
  }
  return values
}

const numbers = (to: number): string[] => Array.from({ length: to }, (_, i) => `${i}`)

describe('segment log', () => {
  it('keeps what was appended over closing, opening and rolling, for any pattern of appends', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 150, max: 2000 }),
        fc.nat(12),
        async (sizes, segmentBytes, reopenAt) => {
          const root = await folders.make()
          const options = { root, segmentBytes, batchBytes: 300, fsync: 'roll' } as const
          let log = await openSegmentLog(options)
          await log.createTopic('t', { partitions: 1 })
          let next = 0
          for (const [i, size] of sizes.entries()) {
            if (i === reopenAt) {
              await log.close()
              log = await openSegmentLog(options)
              expect(log.repaired).toEqual([])
            }
            expect(await log.append('t', 0, records(next, next + size))).toBe(next)
            next += size
          }
          await log.close()
          expect(await readAll(root)).toEqual(numbers(next))
          for (const name of await readdir(join(root, 't-0'))) {
            if (name.endsWith('.log'))
              expect((await stat(join(root, 't-0', name))).size).toBeLessThanOrEqual(Math.max(segmentBytes, 700))
          }
        },
      ),
      { seed: 1, numRuns: 40 },
    )
  })

  it('names segments and writes bytes as a broker does', async () => {
    const root = await folders.make()
    const log = await openSegmentLog({ root, segmentBytes: 400, batchBytes: 100 })
    await log.createTopic('t', { partitions: 2 })
    for (let i = 0; i < 10; i++) await log.append('t', 0, [record(`${i}`)])
    await log.close()
    const names = (await readdir(join(root, 't-0'))).toSorted()
    expect(names.length).toBeGreaterThan(2)
    for (const name of names.slice(0, -1)) expect(name).toMatch(/^\d{20}\.log$/)
    expect(names.at(-1)).toBe('partition.metadata')
    const first = await readFile(join(root, 't-0', names[1]!))
    expect(first.readBigInt64BE(0)).toBe(BigInt(names[1]!.slice(0, 20)))
    expect(first[16]).toBe(2)
  })

  it('gives appends made together consecutive offsets and few writes', async () => {
    const root = await folders.make()
    const log = await openSegmentLog({ root })
    await log.createTopic('t', { partitions: 1 })
    const bases = await Promise.all(
      Array.from({ length: 200 }, (_, i) => log.append('t', 0, records(i * 3, i * 3 + 3))),
    )
    expect(bases).toEqual(Array.from({ length: 200 }, (_, i) => i * 3))
    expect(await log.append('t', 0, [])).toBe(600)
    await log.close()
    expect(await readAll(root)).toEqual(numbers(600))
    const bytes = await readFile(segment(root))
    let batches = 0
    for (let at = 0; at < bytes.length; at += bytes.readInt32BE(at + 8) + 12) batches++
    expect(batches).toBeLessThan(20)
  })

  it('answers one receipt per partition for records of several', async () => {
    const root = await folders.make()
    const log = await openSegmentLog({ root, fsync: 'roll' })
    await log.createTopic('t', { partitions: 3 })
    await log.append('t', 2, records(0, 5))
    const receipts = await log.write(
      't',
      [2, 0, 2, 0, 0].map((partition, i) => ({ ...record(`${i}`), partition })),
    )
    expect(receipts).toEqual([
      { partition: 2, baseOffset: 5 },
      { partition: 0, baseOffset: 0 },
    ])
    expect(await log.bounds('t', 2)).toEqual({ start: 0, end: 7 })
    await expect(
      log.write('t', [
        { ...record('x'), partition: 0 },
        { ...record('y'), partition: 3 },
      ]),
    ).rejects.toMatchObject({
      code: 'LOG_TOPIC_UNKNOWN',
    })
    expect(await log.bounds('t', 0)).toEqual({ start: 0, end: 3 })
    await log.close()
  })

  it('cuts off a tail torn at any byte, and goes on; readers stop in front of it before', async () => {
    const origin = await folders.make()
    const log = await openSegmentLog({ root: origin, batchBytes: 1, codec: 'zstd', fsync: 'roll' })
    await log.createTopic('t', { partitions: 1 })
    await log.append('t', 0, records(0, 3))
    await log.close()
    const whole = await readFile(segment(origin))
    const ends: number[] = []
    for (let at = 0; at < whole.length;) ends.push((at += whole.readInt32BE(at + 8) + 12))
    expect(ends).toHaveLength(3)
    const root = await folders.make()
    await mkdir(join(root, 't-0'))
    await copyFile(join(origin, 'meta.json'), join(root, 'meta.json'))
    await copyFile(join(origin, 't-0', 'partition.metadata'), join(root, 't-0', 'partition.metadata'))
    for (let size = 0; size <= whole.length; size++) {
      await writeFile(segment(root), whole.subarray(0, size))
      const kept = ends.filter((end) => end <= size).length
      expect(await readAll(root), `reader, ${size} bytes`).toEqual(numbers(kept))
      const repaired = await openSegmentLog({ root, fsync: 'roll' })
      const position = ends[kept - 1] ?? 0
      expect(repaired.repaired, `${size} bytes`).toEqual(
        size === position ? [] : [{ topic: 't', partition: 0, baseOffset: 0, position, bytes: size - position }],
      )
      expect(await repaired.append('t', 0, [record(`${kept}`)])).toBe(kept)
      await repaired.close()
      expect(await readAll(root)).toEqual(numbers(kept + 1))
    }
  })

  it('cuts off a tail of zeros or rubbish, as a power cut leaves it', async () => {
    for (const tail of [Buffer.alloc(5000), Buffer.from('rubbish '.repeat(40)), Buffer.alloc(30)]) {
      const root = await folders.make()
      const log = await openSegmentLog({ root })
      await log.createTopic('t', { partitions: 1 })
      await log.append('t', 0, records(0, 3))
      await log.close()
      await appendFile(segment(root), tail)
      if (tail.every((byte) => byte === 0)) expect(await readAll(root)).toEqual(numbers(3))
      else await expect(readAll(root)).rejects.toMatchObject({ code: 'SOURCE_CORRUPT' })
      const again = await openSegmentLog({ root })
      expect(again.repaired).toMatchObject([{ bytes: tail.length }])
      await again.close()
      expect(await readAll(root)).toEqual(numbers(3))
    }
  })

  it('cuts off a last batch whose bytes are wrong, but refuses when intact ones follow it', async () => {
    const root = await folders.make()
    const log = await openSegmentLog({ root, batchBytes: 1 })
    await log.createTopic('t', { partitions: 1 })
    await log.append('t', 0, records(0, 3))
    await log.close()
    const whole = await readFile(segment(root))
    const middle = Buffer.from(whole)
    middle[Math.floor(whole.length / 2)]! ^= 1
    await writeFile(segment(root), middle)
    await expect(openSegmentLog({ root })).rejects.toMatchObject({ code: 'LOG_CORRUPT' })
    expect(Buffer.compare(await readFile(segment(root)), middle)).toBe(0)
    const cut = await openSegmentLog({ root, damage: 'cut' })
    expect(await cut.bounds('t', 0)).toEqual({ start: 0, end: 1 })
    await cut.close()
    const last = Buffer.from(whole)
    last[whole.length - 3]! ^= 1
    await writeFile(segment(root), last)
    await expect(readAll(root)).rejects.toMatchObject({ code: 'SOURCE_CORRUPT' })
    const repaired = await openSegmentLog({ root })
    expect(await repaired.bounds('t', 0)).toEqual({ start: 0, end: 2 })
    await repaired.close()
    expect(await readAll(root)).toEqual(numbers(2))
  })

  it('loses nothing acknowledged to kill -9, and takes over the lock of the dead', { timeout: 300_000 }, async () => {
    const root = await folders.make()
    const script = `
      import { openSegmentLog } from ${JSON.stringify(new URL('../src/log/segment-log.ts', import.meta.url).href)}
      const log = await openSegmentLog({ root: ${JSON.stringify(root)}, segmentBytes: 20000, batchBytes: 500, codec: 'lz4' })
      if (!log.topics().has('t')) await log.createTopic('t', { partitions: 1 })
      for (;;) {
        const { end } = await log.bounds('t', 0)
        const records = Array.from({ length: 40 }, (_, i) => ({ key: null, value: Buffer.from(String(end + i)), timestamp: 1 }))
        await log.append('t', 0, records)
        process.stdout.write(end + 40 + '\\n')
      }`
    for (let round = 0; round < 3; round++) {
      const child = spawn(process.execPath, ['--conditions=sluice-source', '--input-type=module', '-e', script])
      let acknowledged = 0
      // Read on until it is dead: a closed pipe would end the child by itself.
      await new Promise<void>((resolve, reject) => {
        child.on('exit', (code) => reject(new Error(`the writer ended by itself: ${code}`)))
        child.stdout.on('data', (chunk: Buffer) => {
          acknowledged = Number(chunk.toString().trim().split('\n').at(-1))
          if (acknowledged > 2000 * (round + 1)) resolve()
        })
      })
      await expect(openSegmentLog({ root })).rejects.toMatchObject({ code: 'LOG_LOCKED' })
      const ended = once(child, 'close')
      child.kill('SIGKILL')
      await ended
      const log = await openSegmentLog({ root })
      const { end } = await log.bounds('t', 0)
      expect(end).toBeGreaterThanOrEqual(acknowledged)
      await log.close()
      expect(await readAll(root)).toEqual(numbers(end))
    }
  })

  it('keeps whole batches and cuts the torn one when the disk is full, and goes on when there is room again (fault 75)', async () => {
    const root = await folders.make()
    const script = `
      import { openSegmentLog } from ${JSON.stringify(new URL('../src/log/segment-log.ts', import.meta.url).href)}
      const log = await openSegmentLog({ root: ${JSON.stringify(root)}, batchBytes: 3000 })
      await log.createTopic('t', { partitions: 1 })
      const codes = []
      for (let end = 0; codes.length < 3; end = (await log.bounds('t', 0)).end) {
        const records = Array.from({ length: 100 }, (_, i) => ({ key: null, value: Buffer.from(String(end + i)), timestamp: 1 }))
        await log.append('t', 0, records).catch((error) => codes.push(error.code))
      }
      const { end } = await log.bounds('t', 0)
      await log.close()
      console.log(JSON.stringify({ codes, end }))`
    // The largest file this shell's children may write is 16 KiB: a write beyond it is cut short, as on a full disk.
    const { stdout } = await promisify(execFile)('bash', [
      '-c',
      'ulimit -f 16; exec "$0" "$@"',
      process.execPath,
      '--conditions=sluice-source',
      '--input-type=module',
      '-e',
      script,
    ])
    const { codes, end } = JSON.parse(stdout) as { codes: string[]; end: number }
    expect(codes).toEqual(Array(3).fill('LOG_WRITE_FAILED'))
    expect(end).toBeGreaterThan(100)
    expect(await readAll(root)).toEqual(numbers(end))
    const log = await openSegmentLog({ root })
    expect(log.repaired).toEqual([])
    expect(await log.append('t', 0, [record(`${end}`)])).toBe(end)
    await log.close()
    expect(await readAll(root)).toEqual(numbers(end + 1))
  })

  it('has one writer: a second is refused, a lock of another host too, a dead or unfinished one is taken over', async () => {
    const root = await folders.make()
    const log = await openSegmentLog({ root })
    await expect(openSegmentLog({ root })).rejects.toMatchObject({ code: 'LOG_LOCKED' })
    await log.close()
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', 'process.stdout.write(String(process.pid))'])
    const dead = { token: 'x', pid: Number(stdout), host: hostname(), started: null }
    const locks = [
      [JSON.stringify(dead), true],
      ['', true],
      ['{"token', true],
      // The pid lives, but it is another process than the one that wrote the lock.
      [JSON.stringify({ ...dead, pid: process.pid, started: 'another boot/1' }), process.platform === 'linux'],
      [JSON.stringify({ ...dead, host: 'elsewhere' }), false],
      [JSON.stringify({ ...dead, pid: process.ppid }), false],
    ] as const
    for (const [text, free] of locks) {
      await writeFile(join(root, '.lock'), text)
      if (!free) {
        await expect(openSegmentLog({ root }), text).rejects.toMatchObject({ code: 'LOG_LOCKED' })
        continue
      }
      const taken = await openSegmentLog({ root })
      await expect(openSegmentLog({ root })).rejects.toMatchObject({ code: 'LOG_LOCKED' })
      await taken.close()
      expect(await readdir(root)).not.toContain('.lock')
    }
    await unlink(join(root, '.lock'))
    await writeFile(join(root, '.lock'), JSON.stringify(dead))
    const racing = await Promise.allSettled(Array.from({ length: 8 }, () => openSegmentLog({ root })))
    const won = racing.filter((result) => result.status === 'fulfilled')
    expect(won).toHaveLength(1)
    await won[0]!.value.close()
  })

  it('gives a topic made again another id, and adds partitions at the start of their log', async () => {
    const root = await folders.make()
    const log = await openSegmentLog({ root, clusterId: 'cluster-1' })
    const first = await log.createTopic('t', { partitions: 1 })
    await expect(log.createTopic('t', { partitions: 1 })).rejects.toMatchObject({ code: 'LOG_TOPIC_EXISTS' })
    await log.append('t', 0, records(0, 3))
    expect(await log.addPartitions('t', 3)).toMatchObject({ id: first.id, partitions: 3 })
    expect(await log.append('t', 2, records(0, 1))).toBe(0)
    await log.deleteTopic('t')
    await expect(log.append('t', 0, records(0, 1))).rejects.toMatchObject({ code: 'LOG_TOPIC_UNKNOWN' })
    expect(await readdir(root)).toEqual(['.lock', 'meta.json'])
    const second = await log.createTopic('t', { partitions: 1 })
    expect(second.id).not.toBe(first.id)
    expect(await log.bounds('t', 0)).toEqual({ start: 0, end: 0 })
    await log.close()
    const again = await openSegmentLog({ root })
    expect(again.clusterId).toBe('cluster-1')
    expect(again.topics().get('t')).toEqual(second)
    await again.close()
    await expect(openSegmentLog({ root, clusterId: 'another' })).rejects.toMatchObject({ code: 'LOG_CORRUPT' })
  })

  it('ignores folders of a topic whose creation was cut short', async () => {
    const root = await folders.make()
    await mkdir(join(root, 't-0'), { recursive: true })
    await writeFile(join(root, 't-0', '00000000000000000000.log'), 'left over')
    const log = await openSegmentLog({ root })
    expect(log.topics().size).toBe(0)
    await log.createTopic('t', { partitions: 1 })
    expect(await log.append('t', 0, records(0, 2))).toBe(0)
    await log.close()
    expect(await readAll(root)).toEqual(numbers(2))
  })

  it('deletes whole segments below the log start, and never what is above', async () => {
    const root = await folders.make()
    const log = await openSegmentLog({ root, segmentBytes: 400, batchBytes: 100 })
    await log.createTopic('t', { partitions: 1 })
    for (let i = 0; i < 20; i++) await log.append('t', 0, [record(`${i}`)])
    const before = await readdir(join(root, 't-0'))
    for (const offset of [0, 7, 7, 3, 20]) {
      await log.deleteRecordsBefore('t', 0, offset)
      const { start, end } = await log.bounds('t', 0)
      expect([start, end]).toEqual([offset === 3 ? 7 : offset, 20])
      expect((await readAll(root)).slice(start)).toEqual(numbers(20).slice(start))
    }
    for (const offset of [21, -1, 1.5])
      await expect(log.deleteRecordsBefore('t', 0, offset)).rejects.toThrow(RangeError)
    expect((await readdir(join(root, 't-0'))).length).toBeLessThan(before.length)
    await log.close()
    const again = await openSegmentLog({ root })
    expect(await again.bounds('t', 0)).toEqual({ start: 20, end: 20 })
    expect(await again.append('t', 0, [record('20')])).toBe(20)
    await again.close()
  })

  it('refuses what it cannot keep, and stays usable', async () => {
    const root = await folders.make()
    const log = await openSegmentLog({ root })
    for (const topic of ['', '.', '..', 'a/b', 'a b', 'ä', 'x'.repeat(250)]) {
      expect(() => log.createTopic(topic, { partitions: 1 }), topic).toThrow(TypeError)
    }
    for (const partitions of [0, -1, 1.5, 10_001]) expect(() => log.createTopic('t', { partitions })).toThrow(TypeError)
    await log.createTopic('t', { partitions: 1 })
    await log.createTopic('__proto__', { partitions: 1 })
    const tooLarge = { ...record(''), value: new Uint8Array(65 * 2 ** 20) }
    await expect(log.append('t', 0, [tooLarge])).rejects.toMatchObject({ code: 'LOG_RECORD_TOO_LARGE' })
    await expect(log.append('t', 0, [{ ...record('x'), timestamp: 1.5 }])).rejects.toThrow(TypeError)
    await expect(log.append('t', 1, records(0, 1))).rejects.toMatchObject({ code: 'LOG_TOPIC_UNKNOWN' })
    await expect(log.append('u', 0, records(0, 1))).rejects.toMatchObject({ code: 'LOG_TOPIC_UNKNOWN' })
    expect(await log.append('t', 0, records(0, 1))).toBe(0)
    expect(await log.append('__proto__', 0, records(0, 1))).toBe(0)
    await log.close()
    await log.close()
    await expect(log.append('t', 0, records(0, 1))).rejects.toMatchObject({ code: 'LOG_CLOSED' })
    const again = await openSegmentLog({ root })
    expect([...again.topics().keys()].toSorted()).toEqual(['__proto__', 't'])
    await again.close()
    await expect(openSegmentLog({ root, segmentBytes: 0 })).rejects.toThrow(TypeError)
  })

  it('finishes waiting appends at close', async () => {
    const root = await folders.make()
    const log = await openSegmentLog({ root })
    await log.createTopic('t', { partitions: 1 })
    const append = log.append('t', 0, records(0, 5))
    await log.close()
    expect(await append).toBe(0)
    expect(await readAll(root)).toEqual(numbers(5))
  })

  it('names a meta file it cannot understand', async () => {
    const root = await folders.make()
    for (const text of [
      '',
      '{',
      '{"version":2}',
      '{"version":1,"clusterId":"c","topics":{"t":{"id":"x","partitions":2,"logStart":[0]}}}',
    ]) {
      await writeFile(join(root, 'meta.json'), text)
      await expect(openSegmentLog({ root }), text).rejects.toMatchObject({ code: 'LOG_CORRUPT' })
      await expect(createSegmentLogSource({ root }), text).rejects.toMatchObject({ code: 'LOG_CORRUPT' })
    }
    expect(await readdir(root)).toEqual(['meta.json'])
    await truncate(join(root, 'meta.json'), 0)
    await unlink(join(root, 'meta.json'))
    await expect(createSegmentLogSource({ root })).rejects.toMatchObject({ code: 'LOG_NOT_FOUND' })
  })
})
