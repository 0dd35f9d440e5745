import type { PartitionId } from '../contracts/records.ts'
import type { CommitReceipt, Cut, Sink, SinkBatch, SinkUsage } from '../contracts/sink.ts'
import { addCounts, noCounts } from '../pipeline/conservation.ts'
import { partitionKey } from '../pipeline/partition-key.ts'
import { allEnded } from './all-ended.ts'
import { copySinkBatch } from './copy-batch.ts'
import { SinkError } from './errors.ts'
import { splitSinkBatch } from './split-batch.ts'

/** One of the sinks that a stream feeds. */
export interface FanOutMember {
  /** For receipts and messages; unique in the fan-out. */
  readonly name: string
  readonly sink: Sink
}

export interface FanOutSinkOptions {
  /** Committed in this order. Opened, written to and closed by the fan-out alone. */
  readonly sinks: readonly FanOutMember[]
  /** Called after each commit of a member: its own counts, of which the fan-out's receipt cannot tell. */
  readonly onReceipt?: (name: string, receipt: CommitReceipt) => void
}

/** A member during one opening of a partition. */
interface Branch extends FanOutMember {
  /** Its progress. */
  next: number
  /** End of what it was given. */
  given: number
  /** Records below its progress that were left out and not yet told to it. */
  skipped: number
  usage: SinkUsage
}

interface Lane {
  readonly partition: PartitionId
  readonly branches: readonly Branch[]
  /** The member that was furthest behind at the opening: it is given every batch whole, so its receipts tile the range. */
  readonly leader: Branch
  /** Receipts of the leader that reach beyond what all members have. */
  readonly waiting: CommitReceipt[]
  files: CommitReceipt['files'][number][]
  written: number
  /** Given up: what is still under way must not go on to another sink. */
  gone: boolean
  /** Calls of one partition run one after the other. */
  turn: Promise<unknown>
}

const noUsage: SinkUsage = { rows: 0, bufferedBytes: 0, encodedBytes: 0, openFiles: 0 }

/**
 * One stream into several sinks, each with progress of its own. A partition is resumed where the sink stands that is
 * furthest behind; every other sink is given only what lies beyond its own progress, and the rest counts as duplicate for it.
 * So a crash between two commits, or a sink that comes later, leads to equal content, without a transaction across sinks.
 *
 * Commits go through the sinks in order and stop at the first that fails: what the others have is kept, and the pipeline
 * opens the partition again. A writer that is fenced at one sink does not go on to the next.
 *
 * A receipt covers what all sinks have made durable. Its counts are those of the sink that was furthest behind at the
 * opening (the first one, when all stood alike); `onReceipt` gives those of each.
 *
 * @throws TypeError without sinks, or when two have one name
 * @see docs/decisions/0021-fan-out.md
 */
export function createFanOutSink(options: FanOutSinkOptions): Sink {
  const members = [...options.sinks]
  const { onReceipt = () => undefined } = options
  if (members.length === 0) throw new TypeError('a fan-out needs a sink at least')
  if (new Set(members.map(({ name }) => name)).size < members.length) {
    throw new TypeError('the sinks of a fan-out have names of their own')
  }
  const lanes = new Map<string, Lane>()
  const opening = new Set<string>()
  let closed = false

  function laneOf(partition: PartitionId): Lane {
    const lane = lanes.get(partitionKey(partition))
    if (lane !== undefined) return lane
    throw notOpen(partition)
  }

  function inTurn<T>(lane: Lane, work: () => Promise<T>): Promise<T> {
    const result = lane.turn.then(() => {
      if (lane.gone) throw notOpen(lane.partition)
      return work()
    })
    lane.turn = result.catch(() => undefined)
    return result
  }

  async function openAll(partition: PartitionId, first: () => Promise<number>, signal: AbortSignal): Promise<Branch[]> {
    const branches: Branch[] = []
    let told: Promise<number> | undefined
    try {
      for (const { name, sink } of members) {
        // A sink that is new begins no later than the others stand: a crash amid the first opening leaves no gap between them.
        const begin = async (): Promise<number> =>
          Math.min(await (told ??= first()), ...branches.map(({ next }) => next))
        const { next } = await sink.open(partition, begin, signal)
        branches.push({ name, sink, next, given: next, skipped: 0, usage: noUsage })
      }
      return branches
    } catch (error) {
      // The one that failed too: it may be open although its answer was lost.
      await allEnded(members.map(({ sink }) => sink.abandon(partition)))
      throw error
    }
  }

  async function write(lane: Lane, batch: SinkBatch, signal: AbortSignal): Promise<SinkUsage> {
    checkBatch(lane, batch)
    const parts = lane.branches.flatMap((branch) => {
      const part = partFor(branch, batch)
      return part === undefined ? [] : [{ branch, part }]
    })
    await allEnded(
      parts.map(async ({ branch, part }, i) => {
        const own = i === parts.length - 1 ? part : copySinkBatch(part)
        branch.usage = await branch.sink.write(own, signal)
        branch.given = part.end
        branch.skipped = 0
      }),
    )
    lane.written = batch.end
    return usageOf(lane)
  }

  async function commit(lane: Lane, cut: Cut, signal: AbortSignal): Promise<CommitReceipt | undefined> {
    for (const branch of lane.branches) {
      while (branch.given > branch.next) {
        if (lane.gone) throw notOpen(lane.partition)
        const receipt = await branch.sink.commit(cut, signal)
        // An open plan of its own that needs more records than are here.
        if (receipt === undefined) break
        branch.next = receipt.end
        branch.usage = noUsage
        lane.files.push(...receipt.files)
        if (branch === lane.leader) lane.waiting.push(receipt)
        onReceipt(branch.name, receipt)
      }
    }
    return report(lane)
  }

  async function drop(lanesToDrop: readonly Lane[], release: () => Promise<void>): Promise<void> {
    for (const lane of lanesToDrop) {
      lane.gone = true
      lanes.delete(partitionKey(lane.partition))
    }
    await release()
    await Promise.all(lanesToDrop.map(({ turn }) => turn))
  }

  return {
    name: `fan-out(${members.map(({ sink }) => sink.name).join(', ')})`,

    async open(partition, first, signal) {
      const key = partitionKey(partition)
      if (closed) throw new SinkError('SINK_NOT_OPEN', `${nameOf(partition)}: the sink is closed`)
      if (lanes.has(key) || opening.has(key)) {
        throw new SinkError('SINK_ALREADY_OPEN', `${nameOf(partition)} is open already`)
      }
      opening.add(key)
      try {
        const branches = await openAll(partition, first, signal)
        const next = Math.min(...branches.map((branch) => branch.next))
        const leader = branches.find((branch) => branch.next === next)!
        const turn = Promise.resolve()
        lanes.set(key, { partition, branches, leader, waiting: [], files: [], written: next, gone: false, turn })
        return { next }
      } finally {
        opening.delete(key)
      }
    },

    async write(batch, signal) {
      const lane = laneOf(batch.partition)
      return inTurn(lane, () => write(lane, batch, signal))
    },

    async commit(cut, signal) {
      const lane = laneOf(cut.partition)
      return inTurn(lane, () => commit(lane, cut, signal))
    },

    async abandon(partition) {
      const lane = lanes.get(partitionKey(partition))
      if (lane !== undefined) await drop([lane], () => allEnded(members.map(({ sink }) => sink.abandon(partition))))
    },

    async close() {
      if (closed) return
      closed = true
      await drop([...lanes.values()], () => allEnded(members.map(({ sink }) => sink.close())))
    },
  }
}

function notOpen(partition: PartitionId): SinkError {
  return new SinkError('SINK_NOT_OPEN', `${nameOf(partition)} is not open`)
}

function checkBatch({ partition, written }: Lane, batch: SinkBatch): void {
  if (batch.start !== written || batch.end < batch.start) {
    throw new SinkError(
      'SINK_NOT_CONTIGUOUS',
      `${nameOf(partition)}: batch [${batch.start}, ${batch.end}) after ${written}`,
      { evidence: { expected: written, start: batch.start, end: batch.end } },
    )
  }
  const outcomes = batch.batch.length + batch.rejects.length + batch.filtered + batch.duplicate
  if (batch.consumed !== outcomes) {
    throw new SinkError(
      'SINK_BATCH_INVALID',
      `${nameOf(partition)}: batch [${batch.start}, ${batch.end}) consumed ${batch.consumed}, outcomes ${outcomes}`,
    )
  }
}

/** What a member is to be given of a batch; `undefined` when it has all of it. Takes note of what is left out. */
function partFor(branch: Branch, batch: SinkBatch): SinkBatch | undefined {
  if (batch.end < branch.given || (batch.end === branch.given && batch.start < batch.end)) {
    branch.skipped += batch.consumed
    return undefined
  }
  let part = batch
  if (batch.start < branch.given) {
    const [known, rest] = splitSinkBatch(batch, branch.given)
    branch.skipped += known.consumed
    part = rest
  }
  const { skipped } = branch
  if (skipped === 0) return part
  return { ...part, consumed: part.consumed + skipped, duplicate: part.duplicate + skipped }
}

/** What all members have by now, in receipts of the leader. */
function report(lane: Lane): CommitReceipt | undefined {
  const reached = Math.min(...lane.branches.map(({ next }) => next))
  const ready = lane.waiting.findLastIndex(({ end }) => end <= reached) + 1
  if (ready === 0) return undefined
  const receipts = lane.waiting.splice(0, ready)
  const { files } = lane
  lane.files = []
  return {
    ...receipts.at(-1)!,
    start: receipts[0]!.start,
    counts: receipts.reduce((sum, { counts }) => addCounts(sum, counts), noCounts),
    files,
  }
}

function usageOf({ branches }: Lane): SinkUsage {
  const usages = branches.map(({ usage }) => usage)
  return {
    rows: Math.max(...usages.map(({ rows }) => rows)),
    bufferedBytes: usages.reduce((sum, { bufferedBytes }) => sum + bufferedBytes, 0),
    encodedBytes: Math.max(...usages.map(({ encodedBytes }) => encodedBytes)),
    openFiles: Math.max(...usages.map(({ openFiles }) => openFiles)),
    ...(usages.some(({ commitAdvised }) => commitAdvised === true) && { commitAdvised: true }),
  }
}

function nameOf(partition: PartitionId): string {
  return `${partition.topic}[${partition.partition}]`
}
