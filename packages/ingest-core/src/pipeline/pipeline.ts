import type { PartitionId } from '../contracts/records.ts'
import type { CommitReceipt } from '../contracts/sink.ts'
import { createBackOff } from './back-off.ts'
import { createByteBudget } from './byte-budget.ts'
import { createCircuitBreaker } from './circuit-breaker.ts'
import type { CircuitBreaker } from './circuit-breaker.ts'
import { sleep } from './clock.ts'
import { addCounts, assertConserved, noCounts } from './conservation.ts'
import type { FlowCounts } from './conservation.ts'
import { PipelineError } from './errors.ts'
import { createExpansion } from './expansion.ts'
import { classifyFailure, codeOf } from './failure.ts'
import { createLane } from './lane.ts'
import type { Lane } from './lane.ts'
import { createMemoryPressure } from './memory-pressure.ts'
import { resolveOptions } from './options.ts'
import { partitionKey } from './partition-key.ts'
import type { CommitInfo, LoopWait, PartitionStatus, PipelineOptions, PipelineStatus, RunSummary } from './options.ts'

export interface RunOptions {
  /** `caught-up`: until every partition is committed up to the log end it had when it was opened. `aborted`: follow. */
  readonly until: 'caught-up' | 'aborted'
}

export interface Pipeline {
  /**
   * Moves records from source to sink until caught up or until `signal` aborts; then commits what is buffered, and closes
   * source and sink. One run per pipeline.
   *
   * @throws PipelineError LISTENER_FAILED, CONSERVATION_BROKEN; any defect. Nothing buffered is committed then.
   */
  run(options: RunOptions): Promise<RunSummary>
  /** A snapshot for metrics; cheap. */
  status(): PipelineStatus
  /** Takes a topic up again whose circuit had opened. */
  resume(topic: string): void
}

const receiptsKept = 1000

/**
 * Source to sink, exactly once: pull-based, bounded by one byte budget, each partition in order and on its own.
 *
 * Progress is the sink's. A partition starts where the sink says, infrastructure trouble makes it drop what is not
 * committed and ask again, and only the sink's commits move it on. Bad records never stop a run; they are dead letters.
 */
export function createPipeline(given: PipelineOptions): Pipeline {
  const options = resolveOptions(given)
  const { source, sink, clock, logger } = options
  const budget = createByteBudget(options.budgetBytes)
  const expansion = createExpansion()
  const pressure = createMemoryPressure(budget, expansion, options.pollBytes)
  const breakers = new Map<string, CircuitBreaker>()
  const contracts = new Set(options.contracts.map((contract) => contract.topic))
  const lanes = new Map<string, Lane>()
  /** Counts and last status of lanes that are gone. */
  const past = new Map<string, FlowCounts>()
  const receipts: CommitReceipt[] = []
  let commits = 0
  let firstCutClaimed = false
  let epochs = 0
  let running = false
  let used = false
  let wake: () => void = () => undefined
  let loop: PipelineStatus['loop'] = { waitsFor: 'nothing', since: clock.now() }
  let sourceTrouble: PipelineStatus['source'] = null

  function waitsFor(what: LoopWait): void {
    loop = { waitsFor: what, since: clock.now() }
  }

  function breakerOf(topic: string): CircuitBreaker {
    let breaker = breakers.get(topic)
    if (breaker === undefined) breakers.set(topic, (breaker = createCircuitBreaker(options.circuitBreaker)))
    return breaker
  }

  function claimFirstCut(rows: number): boolean {
    if (firstCutClaimed || rows < options.rotation.firstRows) return false
    firstCutClaimed = true
    return true
  }

  async function committed(receipt: CommitReceipt, info: CommitInfo): Promise<void> {
    commits += 1
    receipts.push(receipt)
    if (receipts.length > receiptsKept) receipts.shift()
    try {
      await options.onReceipt(receipt, info)
    } catch (error) {
      throw new PipelineError('LISTENER_FAILED', 'onReceipt threw; the run ends so that nothing is half alive', {
        cause: error,
      })
    }
  }

  function topicCounts(): Record<string, FlowCounts> {
    const topics: Record<string, FlowCounts> = Object.fromEntries(past)
    for (const lane of lanes.values()) {
      const { counts } = lane.status()
      topics[lane.partition.topic] = addFlow(topics[lane.partition.topic], counts)
    }
    return topics
  }

  async function run({ until }: RunOptions): Promise<RunSummary> {
    if (used) throw new PipelineError('ALREADY_RUN', 'a pipeline runs once; create another one')
    used = true
    running = true
    const ended = new AbortController()
    let crash: { readonly error: unknown } | undefined
    let assigned = false
    let sourceEnded = false

    const end = (): void => {
      ended.abort()
      wake()
    }
    const crashWith = (error: unknown): void => {
      crash ??= { error }
      end()
    }
    options.signal.addEventListener('abort', end, { once: true })
    if (options.signal.aborted) ended.abort()

    const addLane = (partition: PartitionId, after: Promise<void>): void => {
      epochs += 1
      const lane = createLane(partition, epochs, {
        options,
        budget,
        expansion,
        breaker: breakerOf(partition.topic),
        stopAtEnd: until === 'caught-up',
        hasContract: contracts.has(partition.topic),
        claimFirstCut,
        committed,
        crash: crashWith,
        changed: () => wake(),
      })
      lanes.set(partitionKey(partition), lane)
      lane.start(after)
    }

    const removeLane = (partition: PartitionId): Promise<void> => {
      const key = partitionKey(partition)
      const lane = lanes.get(key)
      if (lane === undefined) return Promise.resolve()
      const { counts } = lane.status()
      // What was in flight is not ours any more: the next owner reads it again.
      const kept = { ...counts, consumed: counts.consumed - counts.inFlight, inFlight: 0 }
      past.set(partition.topic, addFlow(past.get(partition.topic), kept))
      lanes.delete(key)
      return lane.close()
    }

    const followAssignments = async (): Promise<void> => {
      const leaving = new Map<string, Promise<void>>()
      for await (const change of source.assignments(ended.signal)) {
        for (const partition of change.revoked) leaving.set(partitionKey(partition), removeLane(partition))
        for (const partition of change.assigned) {
          const key = partitionKey(partition)
          const before = lanes.has(key) ? removeLane(partition) : (leaving.get(key) ?? Promise.resolve())
          addLane(partition, before)
        }
        assigned = true
        wake()
      }
      sourceEnded = true
      wake()
    }

    const pollLoop = async (): Promise<void> => {
      const trouble = createBackOff(options.backOff)
      while (!ended.signal.aborted) {
        if (until === 'caught-up' && assigned && [...lanes.values()].every((lane) => lane.settled)) return
        if (sourceEnded && lanes.size === 0) return
        const woken = new Promise<void>((resolve) => (wake = resolve))
        if (![...lanes.values()].some((lane) => lane.wantsMore())) {
          waitsFor('partitions')
          await woken
          continue
        }
        const room = pressure.room(lanes.values())
        if (room === 0) {
          pressure.relieve(lanes.values())
          if (loop.waitsFor !== 'memory') waitsFor('memory')
          await Promise.race([woken, budget.waitForChange(ended.signal)])
          continue
        }
        pressure.lookAhead(lanes.values())
        waitsFor('source')
        try {
          for (const fetched of await source.poll(room, ended.signal)) {
            lanes.get(partitionKey(fetched.partition))?.accept(fetched)
          }
          trouble.reset()
          sourceTrouble = null
        } catch (error) {
          if (ended.signal.aborted) return
          await pollFailed(error, trouble.next())
        }
        // A source that answers at once must not starve the workers' replies.
        await new Promise((resolve) => setImmediate(resolve))
      }
    }

    const pollFailed = async (error: unknown, delayMs: number): Promise<void> => {
      const lane = lanes.get(keyOfError(error))
      if (lane !== undefined) return lane.refuse(error)
      // An error that no retry can mend and that names no partition leaves nothing to go on with.
      if (classifyFailure(error) !== 'retry') return crashWith(error)
      const message = error instanceof Error ? error.message : String(error)
      sourceTrouble = { code: codeOf(error), message, since: sourceTrouble?.since ?? clock.now() }
      waitsFor('retry')
      logger.warn({ source: source.name, code: codeOf(error), retryInMs: delayMs }, 'the source could not be read')
      await sleep(clock, delayMs, ended.signal)
    }

    const tickMs = Math.max(5, Math.min(1000, options.rotation.intervalMs / 4, options.rotation.idleMs / 4))
    let measuredAt = clock.now()
    const tickLoop = async (): Promise<void> => {
      while (!ended.signal.aborted) {
        await sleep(clock, tickMs, ended.signal)
        const now = clock.now()
        for (const lane of lanes.values()) lane.tick(now, loop.waitsFor === 'memory')
        if (Math.abs(now - measuredAt) < options.lagEveryMs) continue
        measuredAt = now
        for (const lane of lanes.values()) lane.measureLag()
      }
    }

    const following = followAssignments().catch((error: unknown) => {
      if (!ended.signal.aborted) crashWith(error)
    })
    const ticking = tickLoop()
    try {
      await pollLoop()
    } catch (error) {
      crashWith(error)
    }
    if (crash === undefined) await within(Promise.all([...lanes.values()].map((lane) => lane.drain())))
    end()
    options.signal.removeEventListener('abort', end)
    const last = [...lanes.values()].map((lane) => lane.status())
    await within(Promise.all([...lanes.values()].map((lane) => lane.close())))
    const closing = await Promise.allSettled([source.close(), sink.close()])
    await within(Promise.all([following, ticking]))
    running = false
    waitsFor('nothing')
    if (crash !== undefined) throw crash.error
    for (const result of closing) {
      if (result.status === 'rejected') logger.warn({ code: codeOf(result.reason) }, 'closing failed; progress is safe')
    }
    return summary(until, last)
  }

  /** Waits for `work`, but no longer than a stop may take. */
  async function within(work: Promise<unknown>): Promise<void> {
    const bound = new AbortController()
    await Promise.race([work, sleep(clock, options.drainMs, bound.signal)])
    bound.abort()
  }

  function summary(until: RunOptions['until'], partitions: readonly PartitionStatus[]): RunSummary {
    const topics: Record<string, FlowCounts> = Object.fromEntries(past)
    for (const { partition, counts } of partitions) topics[partition.topic] = addFlow(topics[partition.topic], counts)
    for (const [topic, counts] of Object.entries(topics))
      assertConserved(`run, topic ${topic}`, counts, counts.inFlight)
    const halted = partitions.some((each) => each.state === 'stopped' || each.state === 'paused')
    const cutShort = until === 'aborted' || options.signal.aborted
    return {
      outcome: halted ? 'incomplete' : cutShort ? 'aborted' : 'caught-up',
      topics,
      commits,
      receipts: [...receipts],
      partitions,
      peakBytes: budget.peak,
    }
  }

  return {
    run,
    status: () => ({
      running,
      partitions: [...lanes.values()].map((lane) => lane.status()),
      topics: topicCounts(),
      budget: { limit: budget.limit, used: budget.used, peak: budget.peak },
      loop,
      source: sourceTrouble,
      circuits: Object.fromEntries([...breakers].map(([topic, { open, share }]) => [topic, { open, badShare: share }])),
    }),
    resume(topic) {
      breakerOf(topic).reset()
      for (const lane of lanes.values()) if (lane.partition.topic === topic) lane.resume()
      wake()
    },
  }
}

function addFlow(a: FlowCounts | undefined, b: FlowCounts): FlowCounts {
  if (a === undefined) return { ...addCounts(noCounts, b), inFlight: b.inFlight }
  return { ...addCounts(a, b), inFlight: a.inFlight + b.inFlight }
}

/** Sources name the partition an error is about, when it is about one. */
function keyOfError(error: unknown): string {
  if (!(error instanceof Error) || !('partition' in error)) return ''
  const partition = error.partition
  if (typeof partition !== 'object' || partition === null) return ''
  return partitionKey(partition as PartitionId)
}
