import { describe, expect, it } from 'vitest'
import type { Contract } from '@sluice/schemas'
import type { CommitReceipt, Counts, Sink } from '../contracts/sink.ts'
import { sinkTestContract, sinkTestPartition, testBatch, testRecords } from './sink-records.ts'
import type { TestRecord } from './sink-records.ts'

export interface SinkContext {
  /** Names the storage. Sinks with one name work on the same storage, as two processes do. */
  readonly storage: string
  /** The one table; its topic is that of all batches. */
  readonly contract: Contract
  /** `changed`: other file size, format or layout, whatever the sink has. Data already planned must not notice. */
  readonly settings: 'usual' | 'changed'
  /** Lose the reply to this write (from 1) to the storage: it happens, and the caller gets an error or none at all. */
  readonly loseReplyOfWrite?: number
}

/** Offsets that readers of the storage find, in any order. */
export interface Landed {
  readonly stored: readonly number[]
  readonly late: readonly number[]
  readonly dead: readonly number[]
}

export interface SinkSubject {
  make(context: SinkContext): Sink | Promise<Sink>
  readBack(storage: string): Landed | Promise<Landed>
  /** True when rows far behind the watermark get their own place. Default true. */
  readonly lateLane?: boolean
  /** Writes to the storage that one commit makes at most; 0 when replies cannot be lost. Default 12. */
  readonly writesPerCommit?: number
}

const signal = new AbortController().signal
const fromZero = (): Promise<number> => Promise.resolve(0)
const cut = { partition: sinkTestPartition, reason: 'time' } as const
let storages = 0

/** The behaviours that every sink shares. `name` is part of the test names and of storage names. */
export function describeSink(name: string, subject: SinkSubject): void {
  const late = subject.lateLane ?? true
  const fresh = (): string => `${name.replaceAll(/[^a-z0-9]/gi, '-')}-${(storages += 1)}`
  const make = async (storage: string, more: Partial<SinkContext> = {}): Promise<Sink> =>
    subject.make({ storage, contract: sinkTestContract, settings: 'usual', ...more })

  async function expectLanded(storage: string, log: readonly TestRecord[], end: number): Promise<void> {
    const landed = await subject.readBack(storage)
    const rows = offsetsOf(log, 'row', end)
    expect(sorted([...landed.stored, ...landed.late])).toEqual(rows)
    expect(sorted(landed.dead)).toEqual(offsetsOf(log, 'reject', end))
  }

  /** Opens, writes what is missing in steps, commits after each; as a pipeline does. */
  async function runToEnd(sink: Sink, log: readonly TestRecord[], step: number): Promise<CommitReceipt[]> {
    const receipts: CommitReceipt[] = []
    const { next } = await sink.open(sinkTestPartition, fromZero, signal)
    for (let at = next; at < log.length; at += step) {
      await sink.write(testBatch(log, at, Math.min(log.length, at + step)), signal)
      for (
        let receipt = await sink.commit(cut, signal);
        receipt !== undefined;
        receipt = await sink.commit(cut, signal)
      ) {
        expectConserved(receipt.counts)
        receipts.push(receipt)
      }
    }
    return receipts
  }

  describe(`sink ${name}`, () => {
    it('begins a new partition where it is told, and asks only then', async () => {
      const storage = fresh()
      const sink = await make(storage)
      expect(await sink.open(sinkTestPartition, () => Promise.resolve(41), signal)).toMatchObject({ next: 41 })
      await sink.close()
      const again = await make(storage)
      const neverAsked = (): Promise<number> => Promise.reject(new Error('the sink knows where it began'))
      expect(await again.open(sinkTestPartition, neverAsked, signal)).toMatchObject({ next: 41 })
      await again.close()
    })

    it('has nothing to commit before rows arrive, and after a batch of no offsets', async () => {
      const sink = await make(fresh())
      await sink.open(sinkTestPartition, fromZero, signal)
      expect(await sink.commit(cut, signal)).toBeUndefined()
      await sink.write(testBatch([], 0, 0), signal)
      expect(await sink.commit(cut, signal)).toBeUndefined()
      await sink.close()
    })

    it('lands one event, and resumes behind it', async () => {
      const storage = fresh()
      const log = testRecords('r')
      const sink = await make(storage)
      await sink.open(sinkTestPartition, fromZero, signal)
      const usage = await sink.write(testBatch(log, 0, 1), signal)
      expect(usage).toMatchObject({ rows: 1, openFiles: 1 })
      const receipt = await sink.commit(cut, signal)
      expect(receipt).toMatchObject({ partition: sinkTestPartition, start: 0, end: 1, reason: 'time' })
      expect(receipt!.counts).toEqual({ consumed: 1, stored: 1, late: 0, duplicate: 0, filtered: 0, deadLettered: 0 })
      await sink.close()
      await expectLanded(storage, log, 1)
      const again = await make(storage)
      expect(await again.open(sinkTestPartition, fromZero, signal)).toMatchObject({ next: 1 })
      await again.close()
    })

    it('refuses batches that leave a hole, overlap, or do not add up, and stays usable', async () => {
      const storage = fresh()
      const log = testRecords('rrrr')
      const sink = await make(storage)
      await sink.open(sinkTestPartition, fromZero, signal)
      await sink.write(testBatch(log, 0, 2), signal)
      await expect(sink.write(testBatch(log, 3, 4), signal)).rejects.toMatchObject({ code: 'SINK_NOT_CONTIGUOUS' })
      await expect(sink.write(testBatch(log, 1, 4), signal)).rejects.toMatchObject({ code: 'SINK_NOT_CONTIGUOUS' })
      const wrong = { ...testBatch(log, 2, 4), consumed: 5 }
      await expect(sink.write(wrong, signal)).rejects.toMatchObject({ code: 'SINK_BATCH_INVALID' })
      await sink.write(testBatch(log, 2, 4), signal)
      expect(await sink.commit(cut, signal)).toMatchObject({ start: 0, end: 4 })
      await sink.close()
      await expectLanded(storage, log, 4)
    })

    it('moves over ranges without rows: holes, filtered records, rejects alone (faults 30, 31)', async () => {
      const storage = fresh()
      const log = testRecords('----ff-xx-r')
      const sink = await make(storage)
      const receipts = await runToEnd(sink, log, 2)
      expect(receipts.map(({ start, end }) => [start, end])).toEqual([
        [0, 2],
        [2, 4],
        [4, 6],
        [6, 8],
        [8, 10],
        [10, 11],
      ])
      expect(receipts[0]!.counts.consumed).toBe(0)
      await sink.close()
      await expectLanded(storage, log, log.length)
    })

    it('conserves rows, late rows, rejects, filtered records and redeliveries', async () => {
      const storage = fresh()
      const log = testRecords('rrlxf-rlxfr')
      const sink = await make(storage)
      await sink.open(sinkTestPartition, fromZero, signal)
      await sink.write(testBatch(log, 0, 6), signal)
      await sink.write(testBatch(log, 6, 11, { duplicate: 3 }), signal)
      const receipt = await sink.commit(cut, signal)
      const rows = { stored: late ? 4 : 6, late: late ? 2 : 0 }
      expect(receipt!.counts).toEqual({ consumed: 13, ...rows, duplicate: 3, filtered: 2, deadLettered: 2 })
      await sink.close()
      const landed = await subject.readBack(storage)
      expect(sorted(landed.late)).toEqual(late ? [2, 7] : [])
      await expectLanded(storage, log, 11)
    })

    if (late) {
      it('remembers the watermark over commits and processes', async () => {
        const storage = fresh()
        const log = testRecords('rrll')
        const first = await make(storage)
        await runToEnd(first, log.slice(0, 2), 2)
        await first.close()
        const second = await make(storage)
        await second.open(sinkTestPartition, fromZero, signal)
        await second.write(testBatch(log, 2, 4), signal)
        expect((await second.commit(cut, signal))!.counts).toMatchObject({ stored: 0, late: 2 })
        await second.close()
      })
    }

    it('makes nothing readable of what is abandoned, and takes it again', async () => {
      const storage = fresh()
      const log = testRecords('rxrr')
      const sink = await make(storage)
      await sink.open(sinkTestPartition, fromZero, signal)
      await sink.write(testBatch(log, 0, 4), signal)
      await sink.abandon(sinkTestPartition)
      await sink.abandon(sinkTestPartition)
      expect(await subject.readBack(storage)).toEqual({ stored: [], late: [], dead: [] })
      expect(await sink.open(sinkTestPartition, fromZero, signal)).toMatchObject({ next: 0 })
      await sink.write(testBatch(log, 0, 4), signal)
      await sink.commit(cut, signal)
      await sink.close()
      await expectLanded(storage, log, 4)
    })

    it('drops at close what was not committed', async () => {
      const storage = fresh()
      const sink = await make(storage)
      await sink.open(sinkTestPartition, fromZero, signal)
      await sink.write(testBatch(testRecords('rr'), 0, 2), signal)
      await sink.close()
      await sink.close()
      expect(await subject.readBack(storage)).toEqual({ stored: [], late: [], dead: [] })
    })

    it('refuses use before open, twice open, and after close, by code', async () => {
      const sink = await make(fresh())
      const batch = testBatch(testRecords('r'), 0, 1)
      await expect(sink.write(batch, signal)).rejects.toMatchObject({ code: 'SINK_NOT_OPEN' })
      await expect(sink.commit(cut, signal)).rejects.toMatchObject({ code: 'SINK_NOT_OPEN' })
      await sink.open(sinkTestPartition, fromZero, signal)
      const twice = sink.open(sinkTestPartition, fromZero, signal)
      await expect(twice).rejects.toMatchObject({ code: 'SINK_ALREADY_OPEN' })
      await sink.close()
      await expect(sink.write(batch, signal)).rejects.toMatchObject({ code: 'SINK_NOT_OPEN' })
      await expect(sink.open(sinkTestPartition, fromZero, signal)).rejects.toMatchObject({ code: 'SINK_NOT_OPEN' })
    })

    it('lands the same range once when two writers take turns (fault 19)', async () => {
      const storage = fresh()
      const log = testRecords('rrxrlrrr')
      const zombie = await make(storage)
      await zombie.open(sinkTestPartition, fromZero, signal)
      await zombie.write(testBatch(log, 0, 5), signal)
      const owner = await make(storage)
      await owner.open(sinkTestPartition, fromZero, signal)
      await owner.write(testBatch(log, 0, 3), signal)
      await owner.commit(cut, signal)
      await expect(zombie.commit(cut, signal)).rejects.toMatchObject({ code: 'FENCED' })
      await zombie.abandon(sinkTestPartition)
      await owner.write(testBatch(log, 3, 8), signal)
      await owner.commit(cut, signal)
      await owner.close()
      await runToEnd(zombie, log, 2)
      await zombie.close()
      await expectLanded(storage, log, 8)
    })

    it('lands the same range once when two writers commit at the same time', async () => {
      const storage = fresh()
      const log = testRecords('rrxrlr')
      const sinks = [await make(storage), await make(storage)] as const
      const ends = [4, 6] as const
      await Promise.all(
        sinks.map(async (sink, i) => {
          await sink.open(sinkTestPartition, fromZero, signal)
          await sink.write(testBatch(log, 0, ends[i]!), signal)
        }),
      )
      const results = await Promise.allSettled(sinks.map((sink) => sink.commit(cut, signal)))
      const codes = results.map((result) =>
        result.status === 'fulfilled' ? 'ok' : (result.reason as { code: string }).code,
      )
      expect(sorted(codes)).toEqual(['FENCED', 'ok'])
      for (const sink of sinks) {
        await sink.abandon(sinkTestPartition)
        await runToEnd(sink, log, 1)
        await sink.close()
      }
      await expectLanded(storage, log, 6)
    })

    const writes = subject.writesPerCommit ?? 12
    if (writes > 0) {
      it('survives the loss of the reply to any write (faults 47, 48, 10)', async () => {
        for (let write = 1; write <= writes; write++) {
          const storage = fresh()
          const log = testRecords('rrxrlrfr')
          const sink = await make(storage, { loseReplyOfWrite: write })
          const failed = await runToEnd(sink, log, 4).then(
            () => false,
            (error: unknown) => {
              // Either resolved inside, or said honestly; never a wrong success.
              expect(error).toHaveProperty('code')
              return true
            },
          )
          await sink.close()
          const next = await make(storage)
          const receipts = await runToEnd(next, log, 3)
          if (!failed) expect(receipts).toEqual([])
          await next.close()
          await expectLanded(storage, log, log.length)
        }
      })
    }

    it('applies changed settings without losing or repeating (fault 79)', async () => {
      const storage = fresh()
      const log = testRecords('rrxrlrfrrr')
      const before = await make(storage)
      await runToEnd(before, log.slice(0, 4), 4)
      await before.close()
      const after = await make(storage, { settings: 'changed' })
      await runToEnd(after, log, 3)
      await after.close()
      await expectLanded(storage, log, log.length)
    })

    it('takes frozen inputs and does not change them', async () => {
      const sink = await make(fresh())
      const partition = Object.freeze({ ...sinkTestPartition })
      await sink.open(partition, fromZero, signal)
      const batch = testBatch(testRecords('rrx'), 0, 3)
      const frozen = Object.freeze({
        ...batch,
        batch: Object.freeze(batch.batch),
        rejects: Object.freeze(batch.rejects),
      })
      await sink.write(frozen, signal)
      await sink.commit(Object.freeze({ ...cut }), signal)
      await sink.close()
    })
  })
}

function sorted<T>(values: readonly T[]): T[] {
  return [...values].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
}

function offsetsOf(log: readonly TestRecord[], is: TestRecord['is'], end: number): number[] {
  return log.flatMap((record, offset) => (record.is === is && offset < end ? [offset] : []))
}

function expectConserved(counts: Counts): void {
  const { consumed, stored, late, duplicate, filtered, deadLettered } = counts
  expect(stored + late + duplicate + filtered + deadLettered).toBe(consumed)
}
