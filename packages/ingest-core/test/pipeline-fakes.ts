import type { ColumnBatch } from '@sluice/columnar'
import type { Contract } from '@sluice/schemas'
import type { Fetched, PartitionId, RecordSlab } from '../src/contracts/records.ts'
import type { CommitReceipt, Cut, Reject, Sink, SinkBatch, SinkUsage } from '../src/contracts/sink.ts'
import type { AssignmentChange, Source } from '../src/contracts/source.ts'
import type { DecodedBatch, DecodeService } from '../src/decode/decoded.ts'
import type { Clock } from '../src/pipeline/clock.ts'
import { partitionKey } from '../src/pipeline/partition-key.ts'

/** An error with a code, as a driver throws it. */
export class CodedError extends Error {
  readonly code: string
  constructor(code: string, readonlyExtra: object = {}) {
    super(`made for the test: ${code}`)
    this.code = code
    Object.assign(this, readonlyExtra)
  }
}

export function contractFor(topic: string): Contract {
  return {
    name: `test.${topic}`,
    domain: 'test',
    event: 'Event',
    description: 'test',
    topic,
    table: topic,
    format: 'json',
    subject: `${topic}-value`,
    versions: [],
    schema: 'null',
    key: [],
    eventTime: 'at',
    eventTimeUnit: 'milli',
    fieldIds: {},
    latenessMs: 0,
    tombstones: 'skip',
    partitionBy: [],
    rules: [],
    pii: {},
  }
}

export function partitionOf(topic: string, partition = 0): PartitionId {
  return { clusterId: 'c', topicId: `id-${topic}`, topic, partition }
}

/** Records are one letter each: `g`ood, `b`ad, `f`iltered, `-` a hole in the offsets. */
export interface FakeLog {
  readonly partition: PartitionId
  records: string
}

export interface FakeSource extends Source {
  readonly reported: { partition: PartitionId; next: number }[]
  readonly polls: number[]
  assign(change: AssignmentChange): void
  /** Called before each poll; may throw. */
  beforePoll: () => void | Promise<void>
  recordBytes: number
  chunkRecords: number
  failProgress: boolean
  /** Offsets added to the start of the next read, as a skipping client would. */
  skip: number
}

export function fakeSource(
  logs: FakeLog[],
  first: AssignmentChange = { assigned: logs.map((log) => log.partition), revoked: [] },
): FakeSource {
  const positions = new Map<string, number>()
  const paused = new Set<string>()
  const queue: AssignmentChange[] = [first]
  let wake: () => void = () => undefined
  let closed = false
  let turn = 0
  const logOf = (partition: PartitionId): FakeLog => {
    const log = logs.find((each) => partitionKey(each.partition) === partitionKey(partition))
    if (log === undefined) throw new CodedError('OFFSET_OUT_OF_RANGE')
    return log
  }
  const source: FakeSource = {
    name: 'fake',
    reported: [],
    polls: [],
    beforePoll: () => undefined,
    recordBytes: 10,
    chunkRecords: 10,
    failProgress: false,
    skip: 0,
    assign(change) {
      queue.push(change)
      wake()
    },
    async *assignments(signal) {
      while (!closed && !signal.aborted) {
        const change = queue.shift()
        if (change !== undefined) {
          for (const partition of change.revoked) positions.delete(partitionKey(partition))
          yield change
          continue
        }
        await new Promise<void>((resolve) => {
          wake = resolve
          signal.addEventListener('abort', () => resolve(), { once: true })
        })
      }
    },
    async bounds(partition) {
      return { start: 0, end: logOf(partition).records.length }
    },
    async seek(partition, next) {
      if (next > logOf(partition).records.length) throw new CodedError('OFFSET_OUT_OF_RANGE')
      positions.set(partitionKey(partition), next)
    },
    async poll(maxBytes) {
      await source.beforePoll()
      source.polls.push(maxBytes)
      const out: Fetched[] = []
      let room = maxBytes
      turn += 1
      for (let i = 0; i < logs.length; i++) {
        const log = logs[(i + turn) % logs.length]!
        const key = partitionKey(log.partition)
        const at = positions.get(key)
        if (at === undefined || paused.has(key) || at >= log.records.length) continue
        const count = Math.min(
          source.chunkRecords,
          log.records.length - at,
          Math.max(1, Math.floor(room / source.recordBytes)),
        )
        if (room < source.recordBytes && out.length > 0) break
        const start = at + source.skip
        source.skip = 0
        out.push(fetchedOf(log.partition, log.records, start, at + count, source.recordBytes))
        positions.set(key, at + count)
        room -= count * source.recordBytes
      }
      return out
    },
    pause(partition, on) {
      if (on) paused.add(partitionKey(partition))
      else paused.delete(partitionKey(partition))
    },
    async reportProgress(progress) {
      if (source.failProgress) throw new CodedError('COORDINATOR_GONE')
      source.reported.push(...progress)
    },
    async close() {
      closed = true
      wake()
    },
  }
  return source
}

/** All letters of `letters` as records from offset `start` on. */
export function slabOf(partition: PartitionId, letters: string, start = 0): Fetched {
  return fetchedOf(partition, '-'.repeat(start) + letters, start, start + letters.length, 1)
}

function fetchedOf(partition: PartitionId, records: string, start: number, end: number, recordBytes: number): Fetched {
  const offsets: number[] = []
  for (let at = start; at < end; at++) if (records[at] !== '-') offsets.push(at)
  const bytes = new TextEncoder().encode(offsets.map((at) => records[at]).join(''))
  const none = Int32Array.from(offsets, () => -1)
  const slab: RecordSlab = {
    bytes,
    length: offsets.length,
    offsets: Float64Array.from(offsets),
    timestamps: Float64Array.from(offsets, () => 0),
    keyStart: none,
    keyEnd: none,
    valueStart: Int32Array.from(offsets, (_, i) => i),
    valueEnd: Int32Array.from(offsets, (_, i) => i + 1),
    headersStart: none,
    headersEnd: none,
  }
  return { kind: 'slab', slab, partition, start, end, byteLength: (end - start) * recordBytes }
}

export interface FakeDecoder extends DecodeService {
  before: (fetched: Fetched) => void | Promise<void>
  decoded: number
}

export function fakeDecoder(): FakeDecoder {
  const service: FakeDecoder = {
    before: () => undefined,
    decoded: 0,
    release: () => undefined,
    async decode(fetched, from) {
      await service.before(fetched)
      service.decoded += 1
      if (fetched.kind !== 'slab') throw new TypeError('the fake reads slabs')
      const good: number[] = []
      const rejects: Reject[] = []
      let filtered = 0
      let duplicate = 0
      const letters = new TextDecoder().decode(fetched.slab.bytes)
      fetched.slab.offsets.forEach((offset, i) => {
        if (offset < from) duplicate += 1
        else if (letters[i] === 'f') filtered += 1
        else if (letters[i] === 'b') rejects.push(rejectAt(offset))
        else good.push(offset)
      })
      const decoded: DecodedBatch = {
        start: from,
        end: fetched.end,
        batch: offsetsBatch(good),
        rejects,
        consumed: fetched.slab.length,
        filtered,
        duplicate,
        byteLength: 3 * fetched.byteLength,
        maxEventTime: good.at(-1) ?? null,
        oldestRecord: null,
      }
      return [decoded]
    },
  }
  return service
}

function rejectAt(offset: number): Reject {
  const nothing = { key: null, value: null, headers: null, schemaId: null, timestamp: 0 }
  return { ...nothing, offset, stage: 'decode', code: 'truncated', path: '', expected: '' }
}

function offsetsBatch(offsets: readonly number[]): ColumnBatch {
  const values = BigInt64Array.from(offsets, (offset) => BigInt(offset))
  return {
    schema: { fields: [{ name: '_offset', type: { kind: 'int64' }, nullable: false }] },
    length: offsets.length,
    columns: [{ type: { kind: 'int64' }, length: offsets.length, nullCount: 0, values }],
  }
}

export interface FakeSink extends Sink {
  /** Committed rows and dead letters per partition key, in commit order. */
  readonly rows: Map<string, number[]>
  readonly dead: Map<string, number[]>
  readonly receipts: CommitReceipt[]
  readonly log: string[]
  before: (act: 'open' | 'write' | 'commit', partition: PartitionId, signal: AbortSignal) => void | Promise<void>
  rowBytes: number
  /** Highest sum of buffered bytes over all partitions. */
  peak: number
  /** Batches one commit covers at most, as a sink that adopts somebody's plan. */
  commitBatches: number
  advise: boolean
  /** Closed objects hold what was committed: another sink over the same lake goes on from there. */
  readonly lake: FakeLake
}

export interface FakeLake {
  readonly rows: Map<string, number[]>
  readonly dead: Map<string, number[]>
  readonly next: Map<string, number>
}

export function fakeLake(): FakeLake {
  return { rows: new Map(), dead: new Map(), next: new Map() }
}

interface Buffer {
  start: number
  end: number
  batches: SinkBatch[]
}

export function fakeSink(lake: FakeLake = fakeLake()): FakeSink {
  const open = new Map<string, Buffer>()
  const held = (buffer: Buffer): number =>
    buffer.batches.reduce((sum, each) => sum + each.batch.length * sink.rowBytes, 0)
  const usageOf = (buffer: Buffer): SinkUsage => {
    const rows = buffer.batches.reduce((sum, each) => sum + each.batch.length, 0)
    const usage = { rows, bufferedBytes: held(buffer), encodedBytes: Math.floor(held(buffer) / 2), openFiles: 1 }
    return sink.advise ? { ...usage, commitAdvised: true } : usage
  }
  const sink: FakeSink = {
    name: 'fake',
    rows: lake.rows,
    dead: lake.dead,
    receipts: [],
    log: [],
    rowBytes: 20,
    peak: 0,
    commitBatches: Infinity,
    advise: false,
    lake,
    before: () => undefined,
    async open(partition, first, signal) {
      await sink.before('open', partition, signal)
      const key = partitionKey(partition)
      if (open.has(key)) throw new TypeError(`${key} is open already`)
      const next = lake.next.get(key) ?? (await first())
      lake.next.set(key, next)
      open.set(key, { start: next, end: next, batches: [] })
      sink.log.push(`open ${partition.topic} ${next}`)
      return { next }
    },
    async write(batch, signal) {
      await sink.before('write', batch.partition, signal)
      const buffer = open.get(partitionKey(batch.partition))
      if (buffer === undefined) throw new TypeError('write before open')
      if (batch.start !== buffer.end) throw new TypeError(`not contiguous: ${batch.start} after ${buffer.end}`)
      buffer.batches.push(batch)
      buffer.end = batch.end
      sink.peak = Math.max(
        sink.peak,
        [...open.values()].reduce((sum, each) => sum + held(each), 0),
      )
      return usageOf(buffer)
    },
    async commit(cut: Cut, signal) {
      await sink.before('commit', cut.partition, signal)
      const key = partitionKey(cut.partition)
      const buffer = open.get(key)
      if (buffer === undefined) throw new TypeError('commit before open')
      if (buffer.end === buffer.start) return undefined
      const covered = buffer.batches.splice(0, sink.commitBatches)
      const end = covered.at(-1)!.end
      const rows = covered.flatMap((each) => [...(each.batch.columns[0]!.values as BigInt64Array)].map(Number))
      const dead = covered.flatMap((each) => each.rejects.map((reject) => reject.offset))
      lake.rows.set(key, [...(lake.rows.get(key) ?? []), ...rows])
      lake.dead.set(key, [...(lake.dead.get(key) ?? []), ...dead])
      lake.next.set(key, end)
      const sum = (pick: (batch: SinkBatch) => number): number => covered.reduce((total, each) => total + pick(each), 0)
      const receipt: CommitReceipt = {
        partition: cut.partition,
        start: buffer.start,
        end,
        counts: {
          consumed: sum((each) => each.consumed),
          stored: rows.length,
          late: 0,
          duplicate: sum((each) => each.duplicate),
          filtered: sum((each) => each.filtered),
          deadLettered: dead.length,
        },
        files: [],
        reason: cut.reason,
      }
      buffer.start = end
      sink.receipts.push(receipt)
      sink.log.push(`commit ${cut.partition.topic} ${cut.reason} ${receipt.start}-${receipt.end}`)
      return receipt
    },
    async abandon(partition) {
      if (open.delete(partitionKey(partition))) sink.log.push(`abandon ${partition.topic}`)
    },
    async close() {
      open.clear()
    },
  }
  return sink
}

export interface ManualClock extends Clock {
  /** Moves time and fires what is due, letting promises settle in between. */
  advance(ms: number): Promise<void>
}

export function manualClock(): ManualClock {
  let now = 1_000_000
  const timers = new Set<{ at: number; fn: () => void }>()
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve))
  }
  return {
    now: () => now,
    after(ms, fn) {
      const timer = { at: now + ms, fn }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    async advance(ms) {
      const end = now + ms
      await settle()
      for (;;) {
        const due = [...timers].filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0]
        if (due === undefined) break
        timers.delete(due)
        now = Math.max(now, due.at)
        due.fn()
        await settle()
      }
      now = end
    },
  }
}

/** Offsets of one kind of letter. */
export function offsetsOf(records: string, letter: string): number[] {
  return [...records].flatMap((each, offset) => (each === letter ? [offset] : []))
}
