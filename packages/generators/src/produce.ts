import type { Contract } from '@sluice/schemas'
import { findFeed } from './catalogue.ts'
import { GeneratorError } from './errors.ts'
import type { FaultName } from './fault-names.ts'
import type { SimulatedRecord } from './simulated-record.ts'
import type { Ledger, LedgerEntry, LedgerSummary, TopicTotals } from './ledger.ts'
import type { Output } from './outputs.ts'
import { createRateController, type RealClock, realClock } from './rate-controller.ts'
import { constantRate, type RateProfile } from './rate-profile.ts'
import {
  createSimulation,
  foreignContract,
  incompatibleSchema,
  incompatibleVersion,
  offlineSchemaId,
  type SimulationOptions,
} from './simulation.ts'

export interface ProduceProgress {
  readonly records: number
  readonly bytes: number
  /** The target, when the run is bounded by count. */
  readonly count: number | undefined
  /** Simulated time reached and, when bounded by it, the end, ms since epoch. */
  readonly simulatedNow: number
  readonly elapsedMs: number
}

/** The part of a schema registry that is needed: `@sluice/schemas` registries fit. */
export interface RegisterSchema {
  register(subject: string, schema: Contract['schema'], signal?: AbortSignal): Promise<number>
}

export interface ProduceOptions extends Omit<SimulationOptions, 'continueFrom'> {
  readonly feeds: readonly string[]
  /** The first output's receipts are the truth about offsets; the others get copies. */
  readonly outputs: readonly Output[]
  readonly ledger?: Ledger
  /**
   * Registers the released versions of the feeds' contracts, up to those of `writerVersions`, and uses the ids given; for `foreign_schema_id` also the
   * contract of dead letters, which is that of no feed, and for `incompatible_schema_id` a schema without fields under the subject of each feed.
   */
  readonly registry?: RegisterSchema
  /** Events per second of real time, or a profile. As fast as possible when left out. */
  readonly rate?: number | RateProfile
  /**
   * Simulated seconds per real second, alternative to `rate`: each record is written when its simulated time has come. As
   * fast as possible when left out.
   */
  readonly speedUp?: number
  /** Stop after so much real time, ms; `forMs` is simulated time. */
  readonly runForMs?: number
  /** Summary of the run before: the worlds go on where it stopped. */
  readonly continueFrom?: LedgerSummary
  /** Called after writes, at most ten times a second, and at the end. */
  readonly onProgress?: (progress: ProduceProgress) => void
  /** Ends the run early; what was produced is written and the ledger finished. */
  readonly signal?: AbortSignal
  readonly clock?: RealClock
  /** Records per write and topic. Default 2000. */
  readonly batchRecords?: number
}

interface Totals {
  produced: number
  stored: number
  late: number
  deadLettered: number
  filtered: number
  duplicates: number
  bytes: number
  readonly byFault: Record<string, number>
  readonly byCode: Record<string, number>
  readonly nextOffsets: number[]
}

function newTotals(nextOffsets: readonly number[]): Totals {
  return {
    produced: 0,
    stored: 0,
    late: 0,
    deadLettered: 0,
    filtered: 0,
    duplicates: 0,
    bytes: 0,
    byFault: {},
    byCode: {},
    nextOffsets: [...nextOffsets],
  }
}

function count(totals: Totals, record: SimulatedRecord): void {
  totals.produced++
  totals.bytes += (record.key?.length ?? 0) + (record.value?.length ?? 0)
  if (record.expect === 'stored') totals.stored++
  else if (record.expect === 'late') totals.late++
  else if (record.expect === 'filtered') totals.filtered++
  else totals.deadLettered++
  if (record.duplicateOf !== undefined) totals.duplicates++
  if (record.fault !== undefined) totals.byFault[record.fault] = (totals.byFault[record.fault] ?? 0) + 1
  if (record.code !== undefined) totals.byCode[record.code] = (totals.byCode[record.code] ?? 0) + 1
  totals.nextOffsets[record.partition] = record.offset + 1
}

function entryOf(record: SimulatedRecord): LedgerEntry {
  const { topic, partition, offset, fault, expect, code, id, duplicateOf, rowHash } = record
  return {
    topic,
    partition,
    offset,
    ...(fault === undefined ? {} : { fault }),
    expect,
    ...(code === undefined ? {} : { code }),
    id,
    ...(duplicateOf === undefined
      ? {}
      : { duplicateOf: { partition: duplicateOf.partition, offset: duplicateOf.offset } }),
    ...(rowHash === undefined ? {} : { rowHash }),
  }
}

/**
 * Simulates feeds and writes them to outputs, with the truth to the ledger. Records of a topic and partition keep their
 * order; a ledger line follows the write it describes. Memory: one batch per topic and what worlds have scheduled.
 * @throws {GeneratorError} OPTION_INVALID, FEED_UNKNOWN, RATE_INVALID, OUTPUT_RECEIPT_INVALID; errors of outputs as they are
 */
export async function produce(options: ProduceOptions): Promise<LedgerSummary> {
  const { feeds, outputs, ledger, signal, clock = realClock, batchRecords = 2000, continueFrom, speedUp } = options
  const primary = outputs[0]
  if (primary === undefined) throw new GeneratorError('OPTION_INVALID', 'outputs must name at least one output')
  if (options.rate !== undefined && speedUp !== undefined) {
    throw new GeneratorError('OPTION_INVALID', 'rate and speedUp exclude each other')
  }
  if (speedUp !== undefined && !(speedUp > 0)) throw new GeneratorError('OPTION_INVALID', 'speedUp must be > 0')
  const { runForMs = Infinity } = options
  if (!(runForMs >= 0)) throw new GeneratorError('OPTION_INVALID', 'runForMs must be a number >= 0')

  const schemaId =
    options.registry === undefined ? options.schemaId : await registerAll(options, options.registry, signal)
  const simulation = createSimulation(feeds, {
    ...options,
    seed: options.seed ?? continueFrom?.seed ?? 'sluice',
    hashRows: ledger !== undefined && options.hashRows !== false,
    ...(schemaId === undefined ? {} : { schemaId }),
    ...(continueFrom === undefined ? {} : { continueFrom: continueFrom.position }),
  } as SimulationOptions)
  const profile = typeof options.rate === 'number' ? constantRate(options.rate) : options.rate
  const controller = profile === undefined ? undefined : createRateController({ profile, clock })

  const totals = new Map<string, Totals>()
  for (const feed of simulation.feeds) {
    totals.set(feed.name, newTotals(continueFrom?.topics[feed.name]?.nextOffsets ?? []))
  }
  const buffers = new Map<string, SimulatedRecord[]>(simulation.feeds.map((feed) => [feed.name, []]))
  const startedAt = clock.now()
  const until = startedAt + runForMs
  const isOver = () => signal?.aborted === true || clock.now() >= until
  let written = 0
  let bytes = 0
  let reportedAt = -Infinity

  function report(): void {
    const now = clock.now()
    reportedAt = now
    options.onProgress?.({
      records: written,
      bytes,
      count: options.count,
      simulatedNow: simulation.now,
      elapsedMs: now - startedAt,
    })
  }

  async function flush(topic: string): Promise<void> {
    const records = buffers.get(topic)!
    if (records.length === 0) return
    buffers.set(topic, [])
    const receipts = await primary!.write(topic, records)
    const next = new Map(receipts.map((receipt) => [receipt.partition, receipt.baseOffset]))
    const total = totals.get(topic)!
    for (const record of records) {
      const offset = next.get(record.partition)
      if (offset === undefined || !Number.isSafeInteger(offset) || offset < 0) {
        throw new GeneratorError('OUTPUT_RECEIPT_INVALID', `${topic}: no base offset for partition ${record.partition}`)
      }
      record.offset = offset
      next.set(record.partition, offset + 1)
      count(total, record)
      bytes += (record.key?.length ?? 0) + (record.value?.length ?? 0)
    }
    for (const copy of outputs.slice(1)) await copy.write(topic, records)
    await ledger?.append(records.map(entryOf))
    written += records.length
    if (clock.now() - reportedAt >= 100) report()
  }

  async function flushAll(): Promise<void> {
    for (const topic of buffers.keys()) await flush(topic)
  }

  /** Real milliseconds until simulated time `at` may be shown. */
  const aheadBy = (at: number) =>
    speedUp === undefined ? 0 : (at - simulation.from) / speedUp - (clock.now() - startedAt)

  async function waitFor(at: number): Promise<void> {
    for (let ahead = aheadBy(at); ahead > 1 && !isOver(); ahead = aheadBy(at)) {
      await clock.sleep(Math.min(ahead, 250, until - clock.now()), signal)
    }
  }

  for (;;) {
    const max = controller === undefined ? undefined : await controller.take(batchRecords, signal, until)
    const over = isOver()
    if (over) simulation.end()
    const records = simulation.next(over ? undefined : max)
    if (records.length === 0) {
      await waitFor(simulation.now)
      break
    }
    for (const record of records) {
      if (aheadBy(record.timestamp) > 1 && !isOver()) {
        await flushAll()
        await waitFor(record.timestamp)
      }
      const buffer = buffers.get(record.topic)!
      buffer.push(record)
      if (buffer.length >= batchRecords) await flush(record.topic)
    }
    if (controller !== undefined || speedUp !== undefined) {
      // A grant may be larger than one tick's records; the rest of it must not be lost.
      if (!over) controller?.giveBack(max! - records.length)
      await flushAll()
    }
    await waitFor(simulation.now)
  }
  await flushAll()
  report()

  const position = simulation.position()
  const topics: Record<string, TopicTotals> = {}
  for (const [topic, total] of totals) topics[topic] = { ...total, watermarks: position.topics[topic]!.watermarks }
  const summary: LedgerSummary = {
    seed: simulation.seed,
    run: simulation.run,
    simulatedFrom: simulation.from,
    simulatedTo: simulation.now,
    records: written,
    topics,
    position,
  }
  await ledger?.finish(summary)
  return summary
}

/** Every version that can be written: a later one only when a fault asks for it. */
async function registerAll(
  { feeds, faults, faultsByTopic, writerVersions }: ProduceOptions,
  registry: RegisterSchema,
  signal: AbortSignal | undefined,
): Promise<(contract: Contract, version: number) => number> {
  const ids = new Map<string, number>()
  const contracts = feeds.map((name) => findFeed(name).feed.contract)
  const asksFor = (fault: FaultName, topic?: string): boolean =>
    [
      faults,
      ...Object.entries(faultsByTopic ?? {}).map(([name, rates]) =>
        name === topic || topic === undefined ? rates : {},
      ),
    ].some((rates) => (rates?.[fault] ?? 0) > 0)
  for (const contract of asksFor('foreign_schema_id') ? [...contracts, foreignContract] : contracts) {
    const last = writerVersions?.[contract.topic]
    for (const { version, schema } of contract.versions) {
      if (last !== undefined && version > last && !asksFor('new_version', contract.topic)) continue
      ids.set(`${contract.subject}/${version}`, await registry.register(contract.subject, schema, signal))
    }
  }
  for (const contract of contracts) {
    if (contract.format !== 'avro' || !asksFor('incompatible_schema_id', contract.topic)) continue
    const id = await registry.register(contract.subject, incompatibleSchema(contract), signal)
    ids.set(`${contract.subject}/${incompatibleVersion}`, id)
  }
  return (contract, version) => ids.get(`${contract.subject}/${version}`) ?? offlineSchemaId(contract, version)
}
