import { afterAll, describe, expect, it } from 'vitest'
import type { Fetched, PartitionId } from '../contracts/records.ts'
import type { Source } from '../contracts/source.ts'
import { splitRecordBatches } from '../log/record-batch.ts'

export interface SourceContext {
  /** A log of its own for each test. */
  readonly storage: string
  readonly topic: string
  readonly partitions: number
}

/** A source that follows its log, and the means to write to that log. */
export interface SourceBench {
  readonly source: Source
  /**
   * Appends values (texts without line breaks), visible at once. `skip` offsets before the first stay empty, where the
   * subject says it has holes.
   */
  append(partition: number, values: readonly string[], skip?: number): Promise<void>
  /** Moves the log start; needed when the subject says it has retention. */
  deleteRecordsBefore?(partition: number, offset: number): Promise<void>
  /** Closes what `make` opened besides the source. */
  close(): Promise<void>
}

export interface SourceSubject {
  make(context: SourceContext): Promise<SourceBench>
  /** True when `append` can leave holes. Default false. */
  readonly holes?: boolean
  /** True when the log start can move. Default false. */
  readonly retention?: boolean
  readonly cleanUp?: () => Promise<void>
}

interface Read {
  readonly offset: number
  readonly value: string
}

const never = new AbortController().signal
const utf8 = new TextDecoder('utf-8', { fatal: true })
let storages = 0

/** The records of a read at or above its start, as values. Checks that they lie within its range and in order. */
function recordsOf(fetched: Fetched): Read[] {
  const slab =
    fetched.kind === 'slab'
      ? fetched.slab
      : splitRecordBatches(fetched.bytes, {
          maxInflatedBytes: 2 ** 26,
          ...(fetched.abortedTransactions && { abortedTransactions: fetched.abortedTransactions }),
        }).slab
  const records: Read[] = []
  let previous = -1
  for (let i = 0; i < slab.length; i++) {
    const offset = slab.offsets[i]!
    expect(offset).toBeGreaterThan(previous)
    expect(offset).toBeLessThan(fetched.end)
    previous = offset
    if (offset < fetched.start) continue
    records.push({ offset, value: utf8.decode(slab.bytes.subarray(slab.valueStart[i]!, slab.valueEnd[i]!)) })
  }
  return records
}

/** The behaviours that every source shares. `name` is part of the test names and of storage names. */
export function describeSource(name: string, subject: SourceSubject): void {
  const topic = 'conformance.readings'

  async function withBench(
    partitions: number,
    run: (bench: SourceBench, ids: readonly PartitionId[]) => Promise<void>,
  ): Promise<void> {
    const storage = `${name.replaceAll(/[^a-z0-9]/gi, '-')}-${(storages += 1)}`
    const bench = await subject.make({ storage, topic, partitions })
    try {
      await run(bench, await assigned(bench.source, partitions))
    } finally {
      await bench.source.close()
      await bench.close()
    }
  }

  /** Takes the stream's first changes until all partitions are there. */
  async function assigned(source: Source, partitions: number): Promise<PartitionId[]> {
    const ids: PartitionId[] = []
    for await (const change of source.assignments(never)) {
      ids.push(...change.assigned)
      if (ids.length >= partitions) break
    }
    return ids.sort((a, b) => a.partition - b.partition)
  }

  /** Polls until every partition has come to `ends`; checks that the reads of a partition follow each other without a gap. */
  async function drain(
    source: Source,
    from: ReadonlyMap<number, number>,
    ends: ReadonlyMap<number, number>,
    maxBytes = 4096,
  ): Promise<Map<number, Read[]>> {
    const next = new Map(from)
    const reads = new Map<number, Read[]>([...from.keys()].map((partition) => [partition, []]))
    for (let idle = 0; [...ends].some(([partition, end]) => next.get(partition)! < end);) {
      const fetched = await source.poll(maxBytes, never)
      idle = fetched.length === 0 ? idle + 1 : 0
      expect(idle, 'polls without a record although some are left').toBeLessThan(50)
      for (const one of fetched) {
        const { partition } = one.partition
        expect(one.start).toBe(next.get(partition))
        expect(one.end).toBeGreaterThan(one.start)
        next.set(partition, one.end)
        reads.get(partition)!.push(...recordsOf(one))
      }
    }
    expect(next).toEqual(new Map([...from, ...ends]))
    return reads
  }

  const values = (count: number, prefix = 'v'): string[] => Array.from({ length: count }, (_, i) => `${prefix}${i}`)

  describe(`source ${name}`, () => {
    afterAll(async () => subject.cleanUp?.())

    it('assigns its partitions with a full identity', async () => {
      await withBench(3, async (_bench, ids) => {
        expect(ids.map(({ partition }) => partition)).toEqual([0, 1, 2])
        for (const id of ids) {
          expect(id.topic).toBe(topic)
          expect(id.clusterId).not.toBe('')
          expect(id.topicId).not.toBe('')
        }
      })
    })

    it('delivers every record of every partition once, in order', async () => {
      await withBench(3, async (bench, ids) => {
        const counts = [100, 1, 37]
        for (const partition of [0, 1, 2]) {
          const all = values(counts[partition]!, `p${partition}-`)
          for (let at = 0; at < all.length; at += 9) await bench.append(partition, all.slice(at, at + 9))
        }
        for (const id of ids) await bench.source.seek(id, 0)
        const reads = await drain(
          bench.source,
          new Map([
            [0, 0],
            [1, 0],
            [2, 0],
          ]),
          new Map(counts.entries()),
          512,
        )
        for (const partition of [0, 1, 2]) {
          const expected = values(counts[partition]!, `p${partition}-`).map((value, offset) => ({ offset, value }))
          expect(reads.get(partition)).toEqual(expected)
        }
        expect(await bench.source.poll(4096, never)).toEqual([])
      })
    })

    it('keeps values as they are: unicode, quotes, long ones', async () => {
      await withBench(1, async (bench, ids) => {
        const odd = ['{"a":"é – 日本 🥐"}', '"', '\\', '\t x', 'x'.repeat(70_000), '0']
        await bench.append(0, odd)
        await bench.source.seek(ids[0]!, 0)
        const reads = await drain(bench.source, new Map([[0, 0]]), new Map([[0, odd.length]]), 1000)
        expect(reads.get(0)!.map(({ value }) => value)).toEqual(odd)
      })
    })

    it('resumes from every offset, forwards and backwards', async () => {
      await withBench(1, async (bench, ids) => {
        const count = 23
        for (let at = 0; at < count; at += 5) await bench.append(0, values(count).slice(at, at + 5))
        const offsets = [...Array(count + 1).keys()]
        for (const from of [...offsets, ...offsets.toReversed(), 7, 7, 0, count]) {
          await bench.source.seek(ids[0]!, from)
          const reads = await drain(bench.source, new Map([[0, from]]), new Map([[0, count]]), 200)
          expect(reads.get(0)!.map(({ offset }) => offset)).toEqual(offsets.slice(from, count))
        }
      })
    })

    it('delivers a record larger than the budget', async () => {
      await withBench(1, async (bench, ids) => {
        const large = 'L'.repeat(300_000)
        await bench.append(0, ['before', large, 'after'])
        await bench.source.seek(ids[0]!, 0)
        const reads = await drain(bench.source, new Map([[0, 0]]), new Map([[0, 3]]), 100)
        expect(reads.get(0)!.map(({ value }) => value.length)).toEqual([6, 300_000, 5])
      })
    })

    it('tells its bounds now, and counts what is new', async () => {
      await withBench(2, async (bench, ids) => {
        expect(await bench.source.bounds(ids[0]!)).toEqual({ start: 0, end: 0 })
        await bench.append(0, values(5))
        expect(await bench.source.bounds(ids[0]!)).toEqual({ start: 0, end: 5 })
        expect(await bench.source.bounds(ids[1]!)).toEqual({ start: 0, end: 0 })
        await bench.append(0, values(1))
        expect(await bench.source.bounds(ids[0]!)).toEqual({ start: 0, end: 6 })
      })
    })

    it('refuses an offset beyond the end, naming the gap, and stays usable (fault 26)', async () => {
      await withBench(1, async (bench, ids) => {
        await bench.append(0, values(5))
        await expect(bench.source.seek(ids[0]!, 9)).rejects.toMatchObject({
          code: 'OFFSET_OUT_OF_RANGE',
          missing: { start: 5, end: 9 },
        })
        await bench.source.seek(ids[0]!, 5)
        expect(await bench.source.poll(1000, never)).toEqual([])
        await bench.source.seek(ids[0]!, 3)
        const reads = await drain(bench.source, new Map([[0, 3]]), new Map([[0, 5]]))
        expect(reads.get(0)).toHaveLength(2)
      })
    })

    if (subject.retention === true) {
      it('refuses an offset that retention has passed, naming the gap (fault 25)', async () => {
        await withBench(1, async (bench, ids) => {
          for (let at = 0; at < 30; at += 3) await bench.append(0, values(30).slice(at, at + 3))
          await bench.deleteRecordsBefore!(0, 13)
          expect(await bench.source.bounds(ids[0]!)).toEqual({ start: 13, end: 30 })
          await expect(bench.source.seek(ids[0]!, 4)).rejects.toMatchObject({
            code: 'OFFSET_OUT_OF_RANGE',
            missing: { start: 4, end: 13 },
          })
          await bench.source.seek(ids[0]!, 13)
          const reads = await drain(bench.source, new Map([[0, 13]]), new Map([[0, 30]]), 60)
          expect(reads.get(0)!.map(({ offset }) => offset)).toEqual([...Array(30).keys()].slice(13))
        })
      })
    }

    it('sees records appended while it follows', async () => {
      await withBench(1, async (bench, ids) => {
        await bench.source.seek(ids[0]!, 0)
        expect(await bench.source.poll(1000, never)).toEqual([])
        for (let round = 0; round < 4; round++) {
          await bench.append(0, [`round ${round}`, 'and more'])
          const reads = await drain(bench.source, new Map([[0, round * 2]]), new Map([[0, round * 2 + 2]]))
          expect(reads.get(0)![0]).toEqual({ offset: round * 2, value: `round ${round}` })
        }
      })
    })

    it('skips nothing over pause and resume (fault 35)', async () => {
      await withBench(2, async (bench, ids) => {
        for (let at = 0; at < 40; at += 4) {
          await bench.append(0, values(40).slice(at, at + 4))
          await bench.append(1, values(40).slice(at, at + 4))
        }
        for (const id of ids) await bench.source.seek(id, 0)
        const next = [0, 0]
        for (let round = 0; next.some((at) => at < 40); round++) {
          expect(round).toBeLessThan(2000)
          const paused = round % 2
          bench.source.pause(ids[paused]!, true)
          bench.source.pause(ids[1 - paused]!, false)
          for (const one of await bench.source.poll(80, never)) {
            expect(one.partition.partition).toBe(1 - paused)
            expect(one.start).toBe(next[1 - paused])
            next[1 - paused] = one.end
          }
        }
        expect(next).toEqual([40, 40])
      })
    })

    it('serves all partitions under a small budget (fault 33)', async ({ signal }) => {
      await withBench(3, async (bench, ids) => {
        for (let at = 0; at < 300; at += 3) await bench.append(0, values(300).slice(at, at + 3))
        await bench.append(1, ['only'])
        await bench.append(2, ['one', 'two'])
        for (const id of ids) await bench.source.seek(id, 0)
        const seen = new Set<number>()
        // The first partition never runs dry: a source that serves it alone goes on until the test has no time left.
        while (seen.size < 3 && !signal.aborted) {
          for (const one of await bench.source.poll(10, never)) seen.add(one.partition.partition)
          await bench.append(0, ['more', 'and', 'more'])
        }
        expect(seen).toEqual(new Set([0, 1, 2]))
      })
    })

    it('holds to the budget when records are small', async () => {
      await withBench(2, async (bench, ids) => {
        for (let at = 0; at < 400; at += 4) {
          await bench.append(0, values(400).slice(at, at + 4))
          await bench.append(1, values(400).slice(at, at + 4))
        }
        for (const id of ids) await bench.source.seek(id, 0)
        for (let poll = 0; poll < 5; poll++) {
          const fetched = await bench.source.poll(16_384, never)
          expect(fetched.reduce((sum, { byteLength }) => sum + byteLength, 0)).toBeLessThanOrEqual(16_384)
        }
      })
    })

    it('gives each read a buffer of its own, to be transferred to a worker, or shared with it until it is given back', async () => {
      await withBench(2, async (bench, ids) => {
        for (const partition of [0, 1]) await bench.append(partition, values(20))
        for (const id of ids) await bench.source.seek(id, 0)
        const buffers = new Set<ArrayBufferLike>()
        const kept: { bytes: Uint8Array; before: number[] }[] = []
        for (let poll = 0; poll < 10; poll++) {
          for (const one of await bench.source.poll(200, never)) {
            const bytes = one.kind === 'batches' ? one.bytes : one.slab.bytes
            expect(bytes.buffer.constructor).toBe(one.release === undefined ? ArrayBuffer : SharedArrayBuffer)
            buffers.add(bytes.buffer)
            kept.push({ bytes, before: [...bytes] })
          }
        }
        expect(kept.length).toBeGreaterThan(1)
        expect(buffers.size).toBe(kept.length)
        for (const { bytes, before } of kept) expect([...bytes]).toEqual(before)
      })
    })

    if (subject.holes === true) {
      it('moves over holes in the offsets (faults 30, 31)', async () => {
        await withBench(1, async (bench, ids) => {
          await bench.append(0, ['0', '1'])
          await bench.append(0, ['5', '6'], 3)
          await bench.append(0, ['8'], 1)
          const offsets = [0, 1, 5, 6, 8]
          expect(await bench.source.bounds(ids[0]!)).toEqual({ start: 0, end: 9 })
          for (let from = 0; from <= 9; from++) {
            await bench.source.seek(ids[0]!, from)
            const reads = await drain(bench.source, new Map([[0, from]]), new Map([[0, 9]]), 50)
            const expected = offsets.filter((offset) => offset >= from)
            expect(reads.get(0)).toEqual(expected.map((offset) => ({ offset, value: `${offset}` })))
          }
        })
      })
    }

    it('ends a waiting poll and the assignments when the signal is aborted', async () => {
      await withBench(1, async (bench, ids) => {
        await bench.source.seek(ids[0]!, 0)
        expect(await bench.source.poll(100, AbortSignal.abort())).toEqual([])
        const ending = new AbortController()
        const polling = bench.source.poll(100, ending.signal)
        const changes = bench.source.assignments(ending.signal)[Symbol.asyncIterator]()
        await changes.next()
        const more = changes.next()
        ending.abort()
        expect(await polling).toEqual([])
        expect(await more).toEqual({ value: undefined, done: true })
      })
    })

    it('refuses partitions it was not given', async () => {
      await withBench(1, async (bench, ids) => {
        const stranger = { ...ids[0]!, topicId: 'another-life' }
        const code = { code: 'PARTITION_NOT_ASSIGNED' }
        await expect(bench.source.seek(stranger, 0)).rejects.toMatchObject(code)
        await expect(bench.source.bounds(stranger)).rejects.toMatchObject(code)
      })
    })

    it('takes progress reports as a gauge: they move nothing', async () => {
      await withBench(1, async (bench, ids) => {
        await bench.append(0, values(3))
        await bench.source.seek(ids[0]!, 0)
        await bench.source.reportProgress([{ partition: ids[0]!, next: 2 }])
        const reads = await drain(bench.source, new Map([[0, 0]]), new Map([[0, 3]]))
        expect(reads.get(0)).toHaveLength(3)
      })
    })

    it('closes twice, ends its assignments, and refuses to go on', async () => {
      await withBench(1, async (bench, ids) => {
        await bench.source.seek(ids[0]!, 0)
        const changes = bench.source.assignments(never)[Symbol.asyncIterator]()
        await changes.next()
        const more = changes.next()
        await bench.source.close()
        await bench.source.close()
        expect(await more).toEqual({ value: undefined, done: true })
        const code = { code: 'SOURCE_CLOSED' }
        await expect(bench.source.poll(10, never)).rejects.toMatchObject(code)
        await expect(bench.source.seek(ids[0]!, 0)).rejects.toMatchObject(code)
        await expect(bench.source.bounds(ids[0]!)).rejects.toMatchObject(code)
      })
    })
  })
}
