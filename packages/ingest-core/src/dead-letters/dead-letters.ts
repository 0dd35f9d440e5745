import type { Contract } from '@sluice/schemas'
import type { ObjectStore } from '../contracts/object-store.ts'
import type { PartitionId } from '../contracts/records.ts'
import type { Reject } from '../contracts/sink.ts'
import type { DecodeService } from '../decode/decoded.ts'
import type { SchemaResolver } from '../decode/schema-resolver.ts'
import { systemClock } from '../pipeline/clock.ts'
import type { Clock } from '../pipeline/clock.ts'
import { partitionKey } from '../pipeline/partition-key.ts'
import { columnarEncoders } from '../sink/file-encoders.ts'
import type { FileEncoders } from '../sink/file-encoders.ts'
import { fileSinkDefaults } from '../sink/file-sink-options.ts'
import type { FlushSpec } from '../sink/flush-spec.ts'
import { createStoreCalls } from '../sink/store-calls.ts'
import { carryOut } from './carry-out.ts'
import { DeadLetterError } from './errors.ts'
import { committedFlushes } from './lake-letters.ts'
import { letterKey, selectLetters } from './letter.ts'
import type { DeadLetter, LetterSelection, LetterStatus } from './letter.ts'
import { planLanding } from './plan-landing.ts'
import { createReplayLedger, ledgerFormat } from './replay-ledger.ts'
import type { Landing, LedgerState, ReplayPlan, StillBad } from './replay-ledger.ts'

export interface DeadLettersOptions {
  /** The lake; opened and closed by whoever made it. */
  readonly store: ObjectStore
  /** As given to `createFileSink`. */
  readonly sinkId: string
  readonly prefix?: string
  /** Of the decoder. */
  readonly contracts: readonly Contract[]
  /** Contracts of the rows in files, for topics whose files hold other columns than are decoded. Default `contracts`. */
  readonly tables?: readonly Contract[]
  /** Decodes letters again, in workers: a letter that ended a worker once may do it again. */
  readonly decoder: DecodeService
  /** The resolver of `decoder`; the plan keeps the schemas its values were written with. */
  readonly schemas: SchemaResolver
  /** Attempts after which a letter is left alone unless forced (RELIABILITY input 31). Default 5. */
  readonly maxAttempts?: number
  /** Letters decided by one entry of the ledger. Default 2,000. */
  readonly lettersPerPlan?: number
  readonly encoders?: FileEncoders
  readonly clock?: Clock
}

export interface ReplayOptions extends LetterSelection {
  /** Say what would happen; decide and write nothing. */
  readonly dryRun?: boolean
  /** New value of a letter; `undefined` leaves the letter alone. Without `fix` letters are tried as they are. */
  readonly fix?: (letter: DeadLetter) => Uint8Array | undefined | Promise<Uint8Array | undefined>
  /** Try letters beyond `maxAttempts`, too. */
  readonly force?: boolean
}

export interface ReplayReport {
  readonly dryRun: boolean
  /** Entries of an earlier, interrupted replay that were finished first. */
  readonly finished: number
  readonly landed: number
  readonly stillBad: readonly { readonly key: string; readonly code: string; readonly path: string }[]
  /** Letters of the selection that were not tried, by reason. */
  readonly skipped: {
    readonly decided: number
    readonly exhausted: number
    readonly unfixed: number
    readonly wholeBatch: number
  }
  readonly files: readonly { readonly key: string; readonly rows: number }[]
}

/** Conservation of a lake: what its `.done` records and the replay ledger say, and whether that adds up. */
export interface LakeAudit {
  readonly topics: Readonly<
    Record<
      string,
      {
        readonly consumed: number
        readonly stored: number
        readonly late: number
        readonly filtered: number
        readonly deadLettered: number
        /** Of the dead letters: */
        readonly open: number
        readonly landed: number
        readonly discarded: number
        /** consumed = stored + late + filtered + deadLettered, and deadLettered = open + landed + discarded. */
        readonly conserved: boolean
      }
    >
  >
  /** Files of finished replays that are missing or have other content. */
  readonly damaged: readonly string[]
  /** The last replay was interrupted; its letters count as landed, and the next replay or discard finishes it. */
  readonly unfinished: boolean
  readonly conserved: boolean
}

/** What an operator does with dead letters of a lake. Decisions are made once, in the ledger; repeats do nothing. */
export interface DeadLetters {
  /** Committed letters with their state; `attempt`, `code` and `path` are those of the last try. */
  list(selection?: LetterSelection, signal?: AbortSignal): Promise<LetterStatus[]>
  /** @throws DeadLetterError LETTER_UNKNOWN */
  show(key: string, signal?: AbortSignal): Promise<LetterStatus>
  /**
   * Tries letters again. Good ones land as rows exactly once; bad ones stay, with their attempt counted.
   * @throws SchemaError REGISTRY_UNAVAILABLE; DeadLetterError FIX_FAILED, LEDGER_BUSY, REPLAY_MISMATCH
   */
  replay(options?: ReplayOptions, signal?: AbortSignal): Promise<ReplayReport>
  /** Decides that open letters are not wanted. @returns how many */
  discard(selection: LetterSelection, reason: string, signal?: AbortSignal): Promise<number>
  audit(signal?: AbortSignal): Promise<LakeAudit>
}

interface Loaded {
  readonly letters: LetterStatus[]
  readonly specs: ReadonlyMap<string, FlushSpec>
  readonly ledger: LedgerState
}

type Tried =
  | { readonly outcome: 'skipped'; readonly why: keyof ReplayReport['skipped'] }
  | { readonly outcome: 'fixed'; readonly status: LetterStatus; readonly value: Uint8Array | null }

const never = new AbortController().signal

export function createDeadLetters(options: DeadLettersOptions): DeadLetters {
  const { decoder, schemas, maxAttempts = 5, lettersPerPlan = 2000 } = options
  const { encoders = columnarEncoders, clock = systemClock } = options
  const prefix = options.prefix === undefined || options.prefix === '' ? '' : `${options.prefix}/`
  const contracts = new Map(options.contracts.map((contract) => [contract.topic, contract]))
  const tables = new Map((options.tables ?? []).map((contract) => [contract.topic, contract]))
  const calls = createStoreCalls(options.store, clock, { random: Math.random, ...fileSinkDefaults.retry })
  const ledger = createReplayLedger(calls, prefix, options.sinkId)

  async function load(signal: AbortSignal): Promise<Loaded> {
    const state = await ledger.load(signal)
    const decided = decisionsOf(state)
    const letters: LetterStatus[] = []
    const specs = new Map<string, FlushSpec>()
    for await (const flush of committedFlushes(calls, prefix, options.sinkId, signal)) {
      // The newest flush of a partition says how its rows are laid out.
      specs.set(partitionKey(flush.spec.partition), flush.spec)
      for (const letter of flush.letters) {
        const key = letterKey(letter)
        const decision = decided.get(key)
        letters.push({ key, state: decision?.state ?? 'open', letter: { ...letter, ...decision?.last } })
      }
    }
    return { letters, specs, ledger: state }
  }

  /** Carries out what an interrupted run decided. @returns 1 when there was something */
  async function finishOpen(state: LedgerState, signal: AbortSignal): Promise<number> {
    if (state.unfinished === undefined) return 0
    await ledger.finish(await carryOut(state.unfinished, calls, encoders, signal), signal)
    return 1
  }

  async function attempt(status: LetterStatus, how: ReplayOptions): Promise<Tried> {
    const { letter } = status
    if (status.state !== 'open') return { outcome: 'skipped', why: 'decided' }
    if (letter.code === 'batch_too_large') return { outcome: 'skipped', why: 'wholeBatch' }
    if (letter.attempt >= maxAttempts && how.force !== true) return { outcome: 'skipped', why: 'exhausted' }
    if (how.fix === undefined) return { outcome: 'fixed', status, value: letter.value }
    let value: unknown
    try {
      value = await how.fix(letter)
    } catch (cause) {
      throw new DeadLetterError('FIX_FAILED', `the fix function threw for ${status.key}`, { cause })
    }
    if (value === undefined) return { outcome: 'skipped', why: 'unfixed' }
    if (!(value instanceof Uint8Array)) {
      throw new DeadLetterError(
        'FIX_FAILED',
        `the fix function returned something that is not a Uint8Array for ${status.key}`,
      )
    }
    return { outcome: 'fixed', status, value }
  }

  /** Decodes the letters of one partition again and says which become rows. */
  async function decideFor(
    partition: PartitionId,
    tried: readonly Extract<Tried, { outcome: 'fixed' }>[],
    spec: FlushSpec | undefined,
    seq: number,
    decidedAt: number,
  ): Promise<{ landing: Landing | undefined; stillBad: StillBad[]; filtered: readonly string[] }> {
    const contract = contracts.get(partition.topic)
    if (contract === undefined || spec === undefined) {
      throw new DeadLetterError(
        'REPLAY_MISMATCH',
        `no contract for topic ${partition.topic}; it is needed to decode its letters`,
      )
    }
    const table = tables.get(partition.topic) ?? contract
    const context = { partition, spec, contract, table, decoder, schemas, encoders, seq, decidedAt }
    const planned = await planLanding(context, tried)
    const stillBad = planned.rejects.map(({ key, attempt: tries, reject }) => stillBadOf(key, tries + 1, reject))
    return { landing: planned.landing, stillBad, filtered: planned.filtered }
  }

  async function replay(how: ReplayOptions = {}, signal: AbortSignal = never): Promise<ReplayReport> {
    const skipped = { decided: 0, exhausted: 0, unfixed: 0, wholeBatch: 0 }
    const stillBad: StillBad[] = []
    const files: { key: string; rows: number }[] = []
    let finished = 0
    let landed = 0
    let chosen: readonly string[] | undefined
    let lost = 0
    for (let from = 0; ;) {
      const { letters, specs, ledger: state } = await load(signal)
      if (how.dryRun !== true && state.unfinished !== undefined) {
        finished += await finishOpen(state, signal)
        continue
      }
      // Chosen once, so that letters which stay open are not tried again by this very call.
      const candidates = how.keys === undefined ? letters.filter((status) => status.state === 'open') : letters
      chosen ??= selectLetters(candidates, how).map((status) => status.key)
      const keys = new Set(chosen.slice(from, from + lettersPerPlan))
      if (keys.size === 0) break
      const tried = await Promise.all(selectLetters(letters, { keys: [...keys] }).map((status) => attempt(status, how)))
      const fixed = tried.flatMap((each) => (each.outcome === 'fixed' ? [each] : []))
      const plan: ReplayPlan = await planOf(fixed, specs, state.plans.length)
      const empty = fixed.length === 0
      if (!empty && how.dryRun !== true && !(await ledger.decide(plan, signal))) {
        lost += 1
        if (lost > 10)
          throw new DeadLetterError('LEDGER_BUSY', 'another process decides about letters; try again when it is done')
        continue
      }
      for (const each of tried) if (each.outcome === 'skipped') skipped[each.why] += 1
      stillBad.push(...plan.stillBad)
      landed += plan.landings.reduce((sum, landing) => sum + landing.letters.length, 0)
      if (!empty && how.dryRun !== true) {
        const done = await carryOut(plan, calls, encoders, signal)
        await ledger.finish(done, signal)
        files.push(...done.files.map(({ key, rows }) => ({ key, rows })))
      }
      from += lettersPerPlan
    }
    const bad = stillBad.map(({ key, code, path }) => ({ key, code, path }))
    return { dryRun: how.dryRun === true, finished, landed, stillBad: bad, skipped, files }
  }

  async function planOf(
    fixed: readonly Extract<Tried, { outcome: 'fixed' }>[],
    specs: ReadonlyMap<string, FlushSpec>,
    seq: number,
  ): Promise<ReplayPlan> {
    const decidedAt = clock.now()
    const landings: Landing[] = []
    const stillBad: StillBad[] = []
    const discarded: { key: string; reason: string }[] = []
    const byPartition = Map.groupBy(fixed, ({ status }) => partitionKey(status.letter.partition))
    for (const [key, group] of byPartition) {
      const decided = await decideFor(group[0]!.status.letter.partition, group, specs.get(key), seq, decidedAt)
      if (decided.landing !== undefined) landings.push(decided.landing)
      stillBad.push(...decided.stillBad)
      discarded.push(...decided.filtered.map((each) => ({ key: each, reason: 'filtered by the contract' })))
    }
    return { format: ledgerFormat, seq, decidedAt, landings, stillBad, discarded }
  }

  return {
    async list(selection = {}, signal = never) {
      return selectLetters((await load(signal)).letters, selection)
    },
    async show(key, signal = never) {
      const found = (await load(signal)).letters.find((status) => status.key === key)
      if (found !== undefined) return found
      throw new DeadLetterError('LETTER_UNKNOWN', `no committed dead letter has the key ${key}`)
    },
    replay,
    async discard(selection, reason, signal = never) {
      for (let tries = 0; tries <= 10; tries++) {
        const { letters, ledger: state } = await load(signal)
        if ((await finishOpen(state, signal)) > 0) continue
        const open = selectLetters(
          letters.filter((status) => status.state === 'open'),
          selection,
        )
        if (open.length === 0) return 0
        const plan: ReplayPlan = {
          format: ledgerFormat,
          seq: state.plans.length,
          decidedAt: clock.now(),
          landings: [],
          stillBad: [],
          discarded: open.map(({ key }) => ({ key, reason })),
        }
        if (!(await ledger.decide(plan, signal))) continue
        await ledger.finish(await carryOut(plan, calls, encoders, signal), signal)
        return open.length
      }
      throw new DeadLetterError('LEDGER_BUSY', 'another process decides about letters; try again when it is done')
    },
    async audit(signal = never) {
      const topics: Record<string, Mutable<LakeAudit['topics'][string]>> = {}
      const state = await ledger.load(signal)
      const decided = decisionsOf(state)
      for await (const { spec, counts, letters } of committedFlushes(calls, prefix, options.sinkId, signal)) {
        const topic = (topics[spec.partition.topic] ??= emptyTopic())
        for (const name of ['consumed', 'stored', 'late', 'filtered', 'deadLettered'] as const)
          topic[name] += counts[name]
        for (const letter of letters) topic[decided.get(letterKey(letter))?.state ?? 'open'] += 1
      }
      for (const topic of Object.values(topics)) {
        topic.conserved =
          topic.consumed === topic.stored + topic.late + topic.filtered + topic.deadLettered &&
          topic.deadLettered === topic.open + topic.landed + topic.discarded
      }
      const damaged: string[] = []
      for (const { files } of state.done) {
        for (const { key, sha256 } of files) if ((await calls.head(key, signal))?.sha256 !== sha256) damaged.push(key)
      }
      const conserved = damaged.length === 0 && Object.values(topics).every((topic) => topic.conserved)
      return { topics, damaged, unfinished: state.unfinished !== undefined, conserved }
    },
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

function emptyTopic(): Mutable<LakeAudit['topics'][string]> {
  const none = { consumed: 0, stored: 0, late: 0, filtered: 0, deadLettered: 0, open: 0, landed: 0, discarded: 0 }
  return { ...none, conserved: true }
}

interface Decision {
  readonly state: LetterStatus['state']
  /** What the last try found. */
  readonly last?: Pick<DeadLetter, 'attempt' | 'stage' | 'code' | 'path' | 'expected'>
}

/** Where each letter stands; a plan counts from the moment it is written, as it will be carried out. */
function decisionsOf({ plans }: LedgerState): Map<string, Decision> {
  const decided = new Map<string, Decision>()
  for (const plan of plans) {
    for (const { key, attempt, stage, code, path, expected } of plan.stillBad) {
      decided.set(key, { state: 'open', last: { attempt, stage, code, path, expected } })
    }
    for (const landing of plan.landings) for (const { key } of landing.letters) decided.set(key, { state: 'landed' })
    for (const { key } of plan.discarded) decided.set(key, { state: 'discarded' })
  }
  return decided
}

function stillBadOf(key: string, attempt: number, { stage, code, path, expected }: Reject): StillBad {
  return { key, attempt, stage, code, path, expected }
}
