import { arrowSchemaOf, lineageFields } from '@sluice/schemas/columns'
import type { Contract } from '@sluice/schemas'
import type { PartitionId } from '../contracts/records.ts'
import type { CommitReceipt, Counts, Cut, Sink, SinkBatch, SinkUsage } from '../contracts/sink.ts'
import { templateContext } from '../layout/layout.ts'
import { fixedFolder, parseTemplate } from '../layout/path-template.ts'
import { partitionKey } from '../pipeline/partition-key.ts'
import { allEnded } from './all-ended.ts'
import { createChain } from './chain.ts'
import type { Chain, OpenPlan } from './chain.ts'
import { deadLetterColumns } from './dead-letter-columns.ts'
import { SinkError } from './errors.ts'
import { resolveFileSink } from './file-sink-options.ts'
import type { FileSinkOptions, ResolvedTable } from './file-sink-options.ts'
import type { DoneFile } from './chain-records.ts'
import { createFileFeed } from './file-feed.ts'
import type { FileFeed } from './file-feed.ts'
import type { FlushSpec, SealedFlush } from './flush-spec.ts'
import { checkTopic, createClaims } from './markers.ts'
import { publishFlush } from './publish.ts'
import { splitSinkBatch } from './split-batch.ts'
import { createStoreCalls } from './store-calls.ts'

/** A flush being filled. */
interface Flush {
  readonly laneId: string
  readonly spec: FlushSpec
  /** The plan it carries out, when that was made before (by a former run, or another writer). */
  readonly plan: OpenPlan | null
  end: number
  counts: Pick<Counts, 'consumed' | 'filtered' | 'duplicate'>
  usage: SinkUsage
}

/** A flush that takes no more rows and waits to be published. Publishing goes on after a failure where it was. */
interface Sealed {
  readonly flush: Flush
  readonly sealed: SealedFlush
  readonly feed: FileFeed
  readonly placed: DoneFile[]
}

/** One opening of a partition. Nothing of it outlives `abandon`. */
interface Lane {
  readonly partition: PartitionId
  readonly table: ResolvedTable
  readonly chain: Chain
  readonly abort: AbortController
  /** Calls of one partition run one after the other. */
  turn: Promise<unknown>
  flush: Flush | null
  sealed: Sealed | null
  /** Plan found at opening, until its records begin to arrive. */
  found: OpenPlan | null
  next: number
  watermark: number | null
}

/** Flushes of all sinks of this thread: several may share a host. */
let flushes = 0

const noUsage: SinkUsage = { rows: 0, bufferedBytes: 0, encodedBytes: 0, openFiles: 0 }

/**
 * Rows as files in any object store, each record exactly once, by the plan-first commit chain of RELIABILITY 4a.
 *
 * A flush is encoded as rows arrive. `commit` puts a create-only plan that fixes its end, its dead records and all settings;
 * then the files, create-only, under names that the plan implies; then the done record. Whoever finds a plan that is not
 * done, now or after a crash, fills it from the log and writes the same bytes, so it does not matter how many do.
 *
 * After FENCED or any store error: `abandon`, then `open` again.
 *
 * @throws TypeError, LayoutError for options that cannot work
 */
export function createFileSink(given: FileSinkOptions): Sink {
  const options = resolveFileSink(given)
  const { host, encoders, clock, hooks } = options
  const calls = createStoreCalls(options.store, clock, options.retry)
  const claim = createClaims(calls, options.prefix, { sinkId: options.sinkId, owner: options.owner })
  const lanes = new Map<string, Lane>()
  let closed = false

  function laneOf(partition: PartitionId): Lane {
    const lane = lanes.get(partitionKey(partition))
    if (lane !== undefined) return lane
    throw new SinkError('SINK_NOT_OPEN', `${nameOf(partition)} is not open${closed ? '; the sink is closed' : ''}`)
  }

  /** Runs `work` after what was asked of the partition before it. */
  function inTurn<T>(lane: Lane, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const result = lane.turn.then(() => {
      const both = AbortSignal.any([signal, lane.abort.signal])
      both.throwIfAborted()
      return work(both)
    })
    lane.turn = result.catch(() => undefined)
    return result
  }

  function specOf(lane: Lane): FlushSpec {
    const { contract, patterns, file } = lane.table
    return {
      partition: lane.partition,
      start: lane.next,
      contract: contract.name,
      table: contract.table,
      columns: storedColumns(contract),
      eventTime: contract.eventTime,
      eventTimeUnit: contract.eventTimeUnit,
      latenessMs: contract.latenessMs,
      partitionBy: contract.partitionBy,
      prefix: options.prefix,
      patterns,
      file,
      encoderId: encoders.id(file),
      deadEncoderId: encoders.id({ format: 'jsonl' }),
      timeRange: options.timeRange,
      ingestedAt: clock.now(),
      watermark: lane.watermark,
      pipeline: options.pipeline.name,
      pipelineVersion: options.pipeline.version,
    }
  }

  async function flushOf(lane: Lane, { derivation }: SinkBatch): Promise<Flush> {
    if (lane.flush !== null) return lane.flush
    const plan = lane.found
    lane.found = null
    const spec = plan?.plan.spec ?? { ...specOf(lane), ...(derivation !== undefined && { derivation }) }
    if (spec.derivation !== derivation) throw otherDerivation(spec, derivation)
    const laneId = `${partitionKey(lane.partition)}#${(flushes += 1)}`
    const deadColumns = deadLetterColumns()
    await host.open(laneId, plan === null ? { spec, deadColumns } : { spec, deadColumns, planned: plan.dead })
    const counts = { consumed: 0, filtered: 0, duplicate: 0 }
    return (lane.flush = { laneId, spec, plan, end: spec.start, counts, usage: noUsage })
  }

  async function append(lane: Lane, batch: SinkBatch): Promise<void> {
    const flush = await flushOf(lane, batch)
    const plannedEnd = flush.plan?.plan.end ?? Number.POSITIVE_INFINITY
    if (batch.end <= plannedEnd) {
      await fill(flush, batch)
      if (batch.end === plannedEnd) await seal(lane, flush)
      return
    }
    // The plan ends inside the batch: cut exactly there, and carry the rest over to the next flush.
    const [first, rest] = splitSinkBatch(
      await withColumns(batch),
      plannedEnd,
      flush.plan!.plan.counts.filtered - flush.counts.filtered,
    )
    await fill(flush, first)
    await seal(lane, flush)
    await append(lane, rest)
  }

  async function fill(flush: Flush, batch: SinkBatch): Promise<void> {
    flush.usage = await host.append(flush.laneId, batch)
    flush.end = batch.end
    const { consumed, filtered, duplicate } = flush.counts
    flush.counts = {
      consumed: consumed + batch.consumed,
      filtered: filtered + batch.filtered,
      duplicate: duplicate + batch.duplicate,
    }
  }

  async function seal(lane: Lane, flush: Flush): Promise<void> {
    const sealed = await host.seal(flush.laneId, flush.end)
    if (flush.plan !== null) checkCounts(lane.partition, flush, sealed)
    lane.flush = null
    const feed = createFileFeed(() => host.take(flush.laneId), sealed.files, options.parallelPuts)
    lane.sealed = { flush, sealed, feed, placed: [] }
    lane.next = flush.end
    lane.watermark = sealed.watermark
  }

  function usageOf(lane: Lane): SinkUsage {
    const usage = lane.flush?.usage ?? noUsage
    const { sealed } = lane
    const ask = sealed !== null || usage.openFiles > options.maxOpenFiles
    return {
      rows: usage.rows + (sealed === null ? 0 : sealed.sealed.stored + sealed.sealed.late),
      bufferedBytes: usage.bufferedBytes + (sealed?.flush.usage.bufferedBytes ?? 0),
      encodedBytes: usage.encodedBytes,
      openFiles: usage.openFiles,
      ...(ask && { commitAdvised: true }),
    }
  }

  async function publish(
    lane: Lane,
    { flush, sealed, feed, placed }: Sealed,
    cut: Cut,
    signal: AbortSignal,
  ): Promise<CommitReceipt> {
    const rows = sealed.stored + sealed.late
    const { consumed, filtered, duplicate } = flush.counts
    const dead = sealed.dead.offsets.length
    const planCounts = { rows, filtered, dead, redelivered: duplicate }
    const { state } = lane.chain
    const open =
      state.kind === 'planned'
        ? state.plan
        : await lane.chain.plan(flush.spec, flush.end, planCounts, sealed.dead, signal)
    const done = await publishFlush({
      open,
      sealed,
      feed,
      placed,
      encoders,
      calls,
      hooks,
      parallel: options.parallelPuts,
      prefix: options.prefix,
      sinkId: options.sinkId,
      signal,
    })
    await lane.chain.finish(done, signal)
    lane.sealed = null
    return {
      partition: lane.partition,
      start: flush.spec.start,
      end: flush.end,
      counts: {
        consumed,
        stored: sealed.stored,
        late: sealed.late,
        duplicate,
        filtered,
        deadLettered: dead,
      },
      files: done.files.map(({ key, rows: fileRows, bytes }) => ({ key, rows: fileRows, bytes })),
      reason: flush.plan === null ? cut.reason : 'recovery',
    }
  }

  async function drop(lane: Lane): Promise<void> {
    lanes.delete(partitionKey(lane.partition))
    lane.abort.abort()
    await lane.turn
    if (lane.flush !== null) await host.drop(lane.flush.laneId)
    if (lane.sealed !== null) await host.drop(lane.sealed.flush.laneId)
    lane.flush = null
    lane.sealed = null
  }

  return {
    name: `files:${options.store.name}`,
    ...(host.residence !== undefined && { residence: host.residence }),

    async open(partition, first, signal) {
      const key = partitionKey(partition)
      if (closed) throw new SinkError('SINK_NOT_OPEN', `${nameOf(partition)}: the sink is closed`)
      if (lanes.has(key)) throw new SinkError('SINK_ALREADY_OPEN', `${nameOf(partition)} is open already`)
      const table = options.tables.get(partition.topic)
      if (table === undefined) {
        throw new SinkError('SINK_NO_TABLE', `no table for topic ${partition.topic}; add its contract to the sink`)
      }
      const { sinkId, owner, prefix } = options
      const chain = createChain({
        calls,
        prefix,
        sinkId,
        owner,
        partition,
        maxInlineDead: options.maxInlineDead,
        hooks,
      })
      const lane: Lane = {
        partition,
        table,
        chain,
        abort: new AbortController(),
        turn: Promise.resolve(),
        flush: null,
        sealed: null,
        found: null,
        next: 0,
        watermark: null,
      }
      lanes.set(key, lane)
      try {
        return await inTurn(lane, signal, async (both) => {
          const context = templateContext(table.contract)
          const claims = [table.patterns.data, table.patterns.late].map((pattern) =>
            claim(fixedFolder(parseTemplate(pattern, context)), partition.topic, both),
          )
          await allEnded([...claims, checkTopic(calls, prefix, sinkId, partition, both)])
          let state = await chain.resume(both)
          if (state.kind === 'new') state = await chain.begin(await first(), both)
          if (state.kind === 'planned') lane.found = state.plan
          else if (state.kind === 'ready') lane.watermark = state.watermark
          else throw new TypeError(`a chain cannot be ${state.kind} here`)
          lane.next = state.next
          return { next: state.next }
        })
      } catch (error) {
        lanes.delete(key)
        throw error
      }
    },

    async write(batch, signal) {
      const lane = laneOf(batch.partition)
      return inTurn(lane, signal, async () => {
        const expected = lane.flush?.end ?? lane.next
        if (batch.start !== expected || batch.end < batch.start) {
          throw new SinkError(
            'SINK_NOT_CONTIGUOUS',
            `${nameOf(batch.partition)}: batch [${batch.start}, ${batch.end}) after ${expected}`,
            { evidence: { expected, start: batch.start, end: batch.end } },
          )
        }
        const outcomes = batch.batch.length + batch.rejects.length + batch.filtered + batch.duplicate
        if (batch.consumed !== outcomes) {
          throw new SinkError(
            'SINK_BATCH_INVALID',
            `${nameOf(batch.partition)}: batch [${batch.start}, ${batch.end}) consumed ${batch.consumed}, outcomes ${outcomes}`,
          )
        }
        await append(lane, batch)
        return usageOf(lane)
      })
    },

    async commit(cut, signal) {
      const lane = laneOf(cut.partition)
      return inTurn(lane, signal, async (both) => {
        if (lane.sealed === null) {
          const { flush } = lane
          // An adopted plan ends where it says: until its records are here there is nothing to commit.
          if (flush === null || flush.plan !== null || flush.end === flush.spec.start) return undefined
          await seal(lane, flush)
        }
        return publish(lane, lane.sealed!, cut, both)
      })
    },

    async abandon(partition) {
      const lane = lanes.get(partitionKey(partition))
      if (lane !== undefined) await drop(lane)
    },

    async close() {
      if (closed) return
      closed = true
      await Promise.all([...lanes.values()].map(drop))
      await host.close()
    },
  }
}

/** Stored columns of a contract: its own, then where the row came from. */
export function storedColumns(contract: Contract): FlushSpec['columns'] {
  return { fields: [...arrowSchemaOf(contract).fields, ...lineageFields] }
}

/** The batch with its columns in this thread. */
async function withColumns({ resident, ...batch }: SinkBatch): Promise<SinkBatch> {
  return resident === undefined ? batch : { ...batch, batch: await resident.load() }
}

function checkCounts(partition: PartitionId, flush: Flush, sealed: SealedFlush): void {
  const { plan } = flush.plan!
  const rows = sealed.stored + sealed.late
  if (plan.counts.rows === rows && plan.counts.filtered === flush.counts.filtered) return
  throw new SinkError(
    'PLAN_MISMATCH',
    `${nameOf(partition)} [${plan.start}, ${plan.end}): the open plan counts ${plan.counts.rows} rows and ${plan.counts.filtered} ` +
      `filtered records, the log now gives ${rows} and ${flush.counts.filtered}`,
    { evidence: { start: plan.start, end: plan.end, planned: plan.counts, rows, filtered: flush.counts.filtered } },
  )
}

/** Rows that other steps made would be other rows than those the plan decided about. */
function otherDerivation(spec: FlushSpec, found: string | undefined): SinkError {
  const name = (id: string | undefined): string => id ?? 'no derivation'
  return new SinkError(
    'PLAN_MISMATCH',
    `${nameOf(spec.partition)}: the open plan at ${spec.start} was made with ${name(spec.derivation)}, rows now come from ` +
      `${name(found)}; run the version that made the plan until it is done`,
    { evidence: { start: spec.start, planned: name(spec.derivation), found: name(found) } },
  )
}

function nameOf(partition: PartitionId): string {
  return `${partition.topic}[${partition.partition}]`
}
