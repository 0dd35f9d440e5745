import type { Fetched, PartitionId } from '../contracts/records.ts'
import type { CommitReceipt, CutReason } from '../contracts/sink.ts'
import type { DecodedBatch } from '../decode/decoded.ts'
import { createBackOff } from './back-off.ts'
import { createChunkCharges } from './chunk-charge.ts'
import { sleep } from './clock.ts'
import { createCutTiming } from './cut-timing.ts'
import { PipelineError } from './errors.ts'
import { classifyFailure, codeOf, isSinkCode } from './failure.ts'
import { firstOffset } from './first-offset.ts'
import { createLaneAccount } from './lane-account.ts'
import type { LaneHost } from './lane-host.ts'
import { createLoans } from './loans.ts'
import type { PartitionState, PartitionStatus } from './options.ts'
import { decodePatiently } from './patient-decode.ts'
import { createProgressReport } from './progress-report.ts'
import { createSinkHold } from './sink-hold.ts'
import type { SinkHold } from './sink-hold.ts'
import { createVitals } from './vitals.ts'

/**
 * One partition during one assignment: takes fetched chunks, has them decoded ahead, writes them in order, decides when
 * to commit, and keeps trouble to itself. Nothing of a lane survives its assignment, and results that arrive after the
 * lane moved on (revoked, reopened) are dropped: each carries the generation it was started in.
 */
export interface Lane {
  readonly partition: PartitionId
  readonly epoch: number
  readonly state: PartitionState
  readonly hold: SinkHold
  /** True when the lane needs no more of this run: closed, stopped or paused. */
  readonly settled: boolean
  /** Asks the sink where to resume, once `after` has ended, and positions the source. */
  start(after: Promise<void>): void
  wantsMore(): boolean
  accept(fetched: Fetched): void
  /** An error of the source about this partition. */
  refuse(error: unknown): void
  requestCut(reason: CutReason): void
  /** Cuts by time and idleness; needs no new records. While nothing is read for want of memory, nobody is idle. */
  tick(now: number, starved: boolean): void
  /** Asks how far the log reaches by now; for `lag` only. */
  measureLag(): void
  /** Takes a partition whose circuit was open up again. */
  resume(): void
  /** Drops unwritten chunks, commits what is buffered, closes. */
  drain(): Promise<void>
  /** Drops everything now; resolves when the sink has let go. */
  close(): Promise<void>
  status(): PartitionStatus
}

export function createLane(partition: PartitionId, epoch: number, host: LaneHost): Lane {
  const { source, sink, decoder, rotation, clock, logger, chunksAhead, startPolicy } = host.options
  const backOff = createBackOff(host.options.backOff)
  const where = `${partition.topic}[${partition.partition}]`

  let state: PartitionState = 'opening'
  let error: PartitionStatus['error'] = null
  /** Increased whenever what is under way must not count any more. */
  let generation = 0
  /** Increased whenever chunks that are not written yet must be read again. */
  let turn = 0
  let abort = new AbortController()
  const stopping = new AbortController()
  let chain: Promise<void> = Promise.resolve()

  let nextFetch = 0
  let target: number | null = null
  let chunks = 0
  let waitingForRegistry = 0
  let sourcePaused = false
  let jumps = 0
  let fences = 0
  let corruptAt: number | null = null
  let pendingCut: CutReason | null = null
  let lastCommit: PartitionStatus['lastCommit'] = null
  const vitals = createVitals(() => clock.now())
  const timing = createCutTiming(rotation, clock)
  const hold = createSinkHold(host.budget, host.expansion)
  const charges = createChunkCharges(host.budget, host.expansion)
  const account = createLaneAccount(where)
  const report = createProgressReport({
    source,
    partition,
    clock,
    waits: createBackOff(host.options.backOff),
    onFailure: (thrown) =>
      logger.warn({ partition: where, code: codeOf(thrown) }, 'progress could not be reported to the source'),
  })
  const loans = createLoans(sink.residence === undefined)

  /** Runs `work` after everything queued before it, unless the lane moved on; `always` runs in any case. */
  function enqueue(work: (signal: AbortSignal) => Promise<void>, always?: () => void): Promise<void> {
    const born = generation
    const signal = abort.signal
    const ended = vitals.begin()
    chain = chain.then(async () => {
      try {
        if (born === generation) await work(signal)
      } catch (thrown) {
        if (born === generation) await fail(thrown)
      } finally {
        always?.()
        ended()
        host.changed()
      }
    })
    return chain
  }

  /** Makes everything under way stale and has the sink drop what it buffers. Call only from within the chain. */
  async function letGo(): Promise<void> {
    generation += 1
    turn += 1
    abort.abort()
    abort = new AbortController()
    pendingCut = null
    timing.emptied()
    account.emptied()
    pauseSource(true)
    loans.forget()
    await sink.abandon(partition)
    vitals.emptied()
    hold.emptied()
  }

  function pauseSource(paused: boolean): void {
    if (paused === sourcePaused) return
    sourcePaused = paused
    source.pause(partition, paused)
  }

  function flowControl(): void {
    pauseSource(state !== 'running' || stopping.signal.aborted || chunks >= chunksAhead)
  }

  async function open(signal: AbortSignal): Promise<void> {
    if (!host.hasContract) {
      throw new PipelineError('NO_CONTRACT', `${where}: no contract for this topic; add one or leave the topic out`)
    }
    state = 'opening'
    const progress = await sink.open(partition, () => firstOffset(source, partition, startPolicy), signal)
    if (signal.aborted) return
    const bounds = await source.bounds(partition)
    vitals.sawEnd(bounds.end)
    target ??= bounds.end
    nextFetch = progress.next
    account.openAt(progress.next)
    await source.seek(partition, progress.next)
    if (signal.aborted) return
    state = 'running'
    error = null
    flowControl()
    if (host.stopAtEnd && account.writtenEnd >= target) await finish()
  }

  async function finish(): Promise<void> {
    await letGo()
    decoder.release(partition)
    await report.finish()
    state = 'closed'
  }

  async function decode(fetched: Fetched, from: number, signal: AbortSignal): Promise<DecodedBatch[]> {
    let waiting = false
    try {
      return await decodePatiently(fetched, from, {
        decoder,
        residence: sink.residence,
        clock,
        waits: createBackOff(host.options.backOff),
        stop: AbortSignal.any([signal, stopping.signal]),
        onWait(thrown) {
          if (!waiting) waitingForRegistry += 1
          waiting = true
          note(thrown)
        },
      })
    } finally {
      if (waiting) waitingForRegistry -= 1
      if (waiting && waitingForRegistry === 0 && state === 'running') error = null
    }
  }

  function accept(fetched: Fetched): void {
    if (state !== 'running' || stopping.signal.aborted || fetched.end <= nextFetch) return
    if (fetched.start > nextFetch) {
      // Either a read that was under way when we went back, or a source that skips (fault 35): never step over a hole.
      jumps += 1
      const expected = nextFetch
      void enqueue(async () => {
        if (jumps > 3) {
          throw new PipelineError(
            'SOURCE_JUMPED',
            `${where}: asked for offset ${expected}, the source keeps answering with ${fetched.start}`,
          )
        }
        await source.seek(partition, nextFetch)
      })
      return
    }
    jumps = 0
    const from = nextFetch
    nextFetch = fetched.end
    vitals.sawEnd(fetched.end)
    const mine = turn
    const charge = charges.open(fetched.byteLength)
    chunks += 1
    flowControl()
    const decoding = decode(fetched, from, abort.signal)
    // The chain below awaits the same promise and deals with its error.
    const sized = decoding
      .then((batches) => charge.decoded(batches.map(({ byteLength }) => byteLength)))
      .catch(() => null)
    void enqueue(
      async (signal) => {
        await sized
        if (mine !== turn) return
        const batches = await decoding
        loans.written(fetched)
        for (const batch of batches) {
          await write({ ...batch, origin: fetched }, signal, () => charge.handedOver(batch.byteLength))
        }
      },
      () => {
        charge.close()
        chunks -= 1
        flowControl()
        loans.ended(fetched, sized)
      },
    )
  }

  /** `handedOver` is called when the sink has the rows. */
  async function write(batch: DecodedBatch, signal: AbortSignal, handedOver: () => void): Promise<void> {
    account.assertNext(batch)
    if (host.breaker.add(batch.consumed, batch.rejects.length)) {
      throw new PipelineError(
        'CIRCUIT_OPEN',
        `${where}: ${(100 * host.breaker.share).toFixed(1)} % of the last records were refused at offset ${batch.start}; ` +
          'nothing of them was stored; fix the cause (or raise circuitBreaker.maxShare) and resume the topic',
      )
    }
    const usage = await sink.write({ partition, ...batch }, signal)
    if (signal.aborted) return
    handedOver()
    vitals.wrote(batch)
    account.wrote(batch)
    hold.wrote(usage, batch.byteLength)
    timing.wrote()
    const reason =
      usage.encodedBytes >= rotation.bytes
        ? 'bytes'
        : usage.rows >= rotation.rows || host.claimFirstCut(usage.rows)
          ? 'rows'
          : null
    const atEnd = host.stopAtEnd && target !== null && account.writtenEnd >= target
    if (atEnd) await reachEnd(signal)
    else if (reason !== null) await commit(reason, signal)
    else if (usage.commitAdvised === true) await commit('memory', signal, 1)
  }

  /** Commits until everything written is decided, or at most `times`: an adopted plan covers only a part. */
  async function commit(reason: CutReason, signal: AbortSignal, times = Infinity): Promise<void> {
    pendingCut = null
    hold.cutBegan()
    await commitAll(reason, signal, times).finally(() => hold.cutEnded())
  }

  async function commitAll(reason: CutReason, signal: AbortSignal, times: number): Promise<void> {
    for (let done = 0; timing.undecided && done < times; done++) {
      const began = clock.now()
      const receipt = await sink.commit({ partition, reason }, signal)
      if (signal.aborted) return
      if (receipt === undefined) {
        // Nothing to store, or an adopted plan that needs more records than are here: look again later.
        timing.startOver()
        hold.cutWaits()
        return
      }
      hold.cutBegan()
      await settle(receipt, began)
    }
  }

  async function settle(receipt: CommitReceipt, began: number): Promise<void> {
    const all = account.settled(receipt)
    loans.decided(receipt.end)
    const at = clock.now()
    const info = { at, tookMs: at - began, oldestRecord: vitals.oldestPending }
    if (all) {
      timing.emptied()
      hold.emptied()
      vitals.emptied()
    }
    vitals.moved()
    lastCommit = { at, end: receipt.end, reason: receipt.reason, tookMs: info.tookMs }
    backOff.reset()
    await host.committed(receipt, info)
    report.reached(receipt.end)
  }

  function requestCut(reason: CutReason): void {
    if (!timing.undecided || pendingCut !== null) return
    pendingCut = reason
    hold.cutBegan()
    void enqueue(async (signal) => {
      if (pendingCut !== null) await commit(reason, signal)
    })
  }

  async function reachEnd(signal: AbortSignal): Promise<void> {
    await commit('caught-up', signal)
    if (signal.aborted) return
    if (timing.undecided) {
      const { end } = await source.bounds(partition)
      vitals.sawEnd(end)
      if (end > account.writtenEnd) {
        target = end
        return
      }
    }
    await finish()
  }

  function note(thrown: unknown): void {
    const code = codeOf(thrown)
    const message = thrown instanceof Error ? thrown.message : String(thrown)
    if (error?.code !== code) logger.warn({ partition: where, code, state }, message)
    error = { code, message }
  }

  /** Decides what an error means for this partition; other partitions never notice. Runs within the chain. */
  async function fail(thrown: unknown): Promise<void> {
    const kind = classifyFailure(thrown)
    if (kind === 'run') return host.crash(thrown)
    try {
      note(thrown)
      const code = codeOf(thrown)
      if (code === 'BATCH_CORRUPT' && corruptAt !== account.writtenEnd && !stopping.signal.aborted) {
        corruptAt = account.writtenEnd
        turn += 1
        nextFetch = account.writtenEnd
        await source.seek(partition, account.writtenEnd)
        return
      }
      if (kind === 'stop' && !isSinkCode(code)) {
        // What came before is good: it is not held back by what came after.
        turn += 1
        const signal = abort.signal
        await commit('shutdown', signal)
      }
      await letGo()
      if (stopping.signal.aborted) {
        state = 'closed'
      } else if (kind === 'fenced') {
        fences += 1
        if (fences === 1) reopen(0)
        else {
          const twice = new PipelineError(
            'FENCED_TWICE',
            `${where}: another writer took this partition over twice; stopped here so that it can work in peace`,
            { cause: thrown },
          )
          note(twice)
          halt('stopped')
        }
      } else if (kind === 'retry') reopen(backOff.next())
      else halt(code === 'CIRCUIT_OPEN' ? 'paused' : 'stopped')
    } catch (again) {
      if (classifyFailure(again) === 'run') return host.crash(again)
      note(again)
      generation += 1
      if (stopping.signal.aborted) state = 'closed'
      else reopen(backOff.next())
    }
  }

  function halt(as: 'stopped' | 'paused'): void {
    state = as
    logger.error(
      { partition: where, code: error?.code, next: account.committedEnd },
      error?.message ?? 'partition halted',
    )
  }

  function reopen(delayMs: number): void {
    state = 'backing-off'
    void enqueue(async (signal) => {
      await sleep(clock, delayMs, AbortSignal.any([signal, stopping.signal]))
      if (signal.aborted || stopping.signal.aborted) return
      await open(signal)
    })
  }

  return {
    partition,
    epoch,
    get state() {
      return state
    },
    get settled() {
      return state === 'closed' || state === 'stopped' || state === 'paused'
    },
    hold,
    start(after) {
      void enqueue(async (signal) => {
        pauseSource(true)
        await after
        if (!signal.aborted) await open(signal)
      })
    },
    wantsMore: () => state === 'running' && !stopping.signal.aborted && chunks < chunksAhead,
    accept,
    refuse(thrown) {
      void enqueue(async () => {
        throw thrown
      })
    },
    requestCut,
    tick(now, starved) {
      const reason = state === 'running' ? timing.due(now, starved || chunks > 0) : undefined
      if (reason !== undefined) requestCut(reason)
    },
    measureLag() {
      if (state === 'running') vitals.measure(() => source.bounds(partition))
    },
    resume() {
      if (state === 'paused') reopen(0)
    },
    async drain() {
      if (stopping.signal.aborted) return chain
      stopping.abort()
      turn += 1
      pauseSource(true)
      void enqueue(async (signal) => {
        if (state === 'running') await commit('shutdown', signal)
      })
      return enqueue(async () => {
        if (state === 'running' || state === 'opening' || state === 'backing-off') await finish()
      })
    },
    async close() {
      stopping.abort()
      generation += 1
      turn += 1
      abort.abort()
      state = 'closed'
      report.stop()
      pauseSource(true)
      decoder.release(partition)
      chain = chain.then(() => sink.abandon(partition)).catch((thrown: unknown) => note(thrown))
      await chain
      state = 'closed'
      hold.close()
      host.changed()
    },
    status: () => ({
      partition,
      epoch,
      state: state === 'running' && waitingForRegistry > 0 ? 'backing-off' : state,
      next: account.committedEnd,
      lag: lagTo(vitals.logEnd, account.committedEnd),
      oldestPending: vitals.oldestPending,
      busySince: vitals.busySince,
      inFlightBytes: charges.bytes + hold.bytes,
      watermark: account.watermark,
      lastCommit,
      error,
      counts: account.counts,
    }),
  }
}

function lagTo(logEnd: number | null, committedEnd: number | null): number | null {
  return logEnd === null || committedEnd === null ? null : Math.max(0, logEnd - committedEnd)
}
