import type { Contract } from '@sluice/schemas'
import type { CommitReceipt, CutReason, Sink } from '../contracts/sink.ts'
import type { PartitionId, StartPolicy } from '../contracts/records.ts'
import type { Source } from '../contracts/source.ts'
import type { DecodeService } from '../decode/decoded.ts'
import type { BackOffOptions } from './back-off.ts'
import type { CircuitBreakerOptions } from './circuit-breaker.ts'
import { systemClock } from './clock.ts'
import type { Clock } from './clock.ts'
import type { FlowCounts } from './conservation.ts'
import { PipelineError } from './errors.ts'

/** The little a pipeline needs from a logger; pino has this shape. Fields never hold record contents. */
export interface PipelineLogger {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** When open files of a partition are made durable: whichever limit is met first. */
export interface Rotation {
  /** Estimated encoded bytes of the largest open file. */
  readonly bytes: number
  /** Rows buffered for the partition. */
  readonly rows: number
  /** The same for the first cut of a run: small, so that trouble with the store shows at once and not after a full file. */
  readonly firstRows: number
  /** Age of the oldest uncommitted batch, ms. */
  readonly intervalMs: number
  /** Time without a new batch, ms. */
  readonly idleMs: number
}

/** When and how fast a commit was made; for metrics. */
export interface CommitInfo {
  /** ms since epoch. */
  readonly at: number
  /** From the ask to the answer of the sink, ms. */
  readonly tookMs: number
  /** Record time of the oldest record it made durable, ms since epoch; null when unknown. */
  readonly oldestRecord: number | null
}

export interface PipelineOptions {
  readonly source: Source
  readonly sink: Sink
  /** One contract per topic; a partition of another topic is stopped with NO_CONTRACT. */
  readonly contracts: readonly Contract[]
  /** Decodes fetched bytes; see `createDecodeService`. Closed by whoever made it. */
  readonly decoder: DecodeService
  readonly rotation?: Partial<Rotation>
  /** Everything in flight and buffered, bytes. */
  readonly budgetBytes?: number
  /** At most this much per poll, bytes. */
  readonly pollBytes?: number
  /** Chunks of one partition that may be decoded ahead of the sink. */
  readonly chunksAhead?: number
  /** Where a partition starts that the sink has never seen. */
  readonly startPolicy?: StartPolicy
  readonly circuitBreaker?: Partial<CircuitBreakerOptions>
  readonly backOff?: Partial<BackOffOptions>
  /** How long a stop may take to commit what is buffered, ms; what is left is read again next time. */
  readonly drainMs?: number
  /** How often the ends of the logs are asked for, so that `lag` grows while nothing is read, ms. */
  readonly lagEveryMs?: number
  readonly clock?: Clock
  readonly logger?: PipelineLogger
  /** Called after each commit. An error thrown here ends the run (fault 84). */
  readonly onReceipt?: (receipt: CommitReceipt, info: CommitInfo) => void | Promise<void>
  /** Asks for a graceful stop: intake ends, buffered rows are committed within `drainMs`. */
  readonly signal?: AbortSignal
}

export interface ResolvedOptions extends Required<Omit<PipelineOptions, 'rotation' | 'circuitBreaker' | 'backOff'>> {
  readonly rotation: Rotation
  readonly circuitBreaker: CircuitBreakerOptions
  readonly backOff: BackOffOptions
}

const MiB = 1024 * 1024

export const pipelineDefaults = {
  rotation: { bytes: 128 * MiB, rows: 1_000_000, firstRows: Infinity, intervalMs: 60_000, idleMs: 10_000 },
  budgetBytes: 256 * MiB,
  pollBytes: MiB,
  chunksAhead: 3,
  startPolicy: 'fail',
  circuitBreaker: { maxShare: 0.5, window: 10_000 },
  backOff: { firstMs: 200, maxMs: 30_000, jitter: 0.5, random: Math.random },
  drainMs: 15_000,
  lagEveryMs: 5_000,
} as const

const silent: PipelineLogger = { info: () => undefined, warn: () => undefined, error: () => undefined }

/** Fills in defaults and checks numbers. @throws PipelineError OPTIONS_INVALID */
export function resolveOptions(options: PipelineOptions): ResolvedOptions {
  const resolved: ResolvedOptions = {
    source: options.source,
    sink: options.sink,
    contracts: [...options.contracts],
    decoder: options.decoder,
    rotation: { ...pipelineDefaults.rotation, ...options.rotation },
    budgetBytes: options.budgetBytes ?? pipelineDefaults.budgetBytes,
    pollBytes: options.pollBytes ?? pipelineDefaults.pollBytes,
    chunksAhead: options.chunksAhead ?? pipelineDefaults.chunksAhead,
    startPolicy: options.startPolicy ?? pipelineDefaults.startPolicy,
    circuitBreaker: { ...pipelineDefaults.circuitBreaker, ...options.circuitBreaker },
    backOff: { ...pipelineDefaults.backOff, ...options.backOff },
    drainMs: options.drainMs ?? pipelineDefaults.drainMs,
    lagEveryMs: options.lagEveryMs ?? pipelineDefaults.lagEveryMs,
    clock: options.clock ?? systemClock,
    logger: options.logger ?? silent,
    onReceipt: options.onReceipt ?? (() => undefined),
    signal: options.signal ?? new AbortController().signal,
  }
  const positive: readonly (readonly [string, number])[] = [
    ['rotation.bytes', resolved.rotation.bytes],
    ['rotation.rows', resolved.rotation.rows],
    ['rotation.firstRows', resolved.rotation.firstRows],
    ['rotation.intervalMs', resolved.rotation.intervalMs],
    ['rotation.idleMs', resolved.rotation.idleMs],
    ['budgetBytes', resolved.budgetBytes],
    ['pollBytes', resolved.pollBytes],
    ['chunksAhead', resolved.chunksAhead],
    ['circuitBreaker.maxShare', resolved.circuitBreaker.maxShare],
    ['circuitBreaker.window', resolved.circuitBreaker.window],
    ['drainMs', resolved.drainMs],
    ['lagEveryMs', resolved.lagEveryMs],
  ]
  for (const [name, value] of positive) {
    if (!(value > 0)) throw new PipelineError('OPTIONS_INVALID', `${name} must be a number above 0, got ${value}`)
  }
  const topics = new Set<string>()
  for (const contract of resolved.contracts) {
    if (topics.has(contract.topic)) {
      throw new PipelineError(
        'OPTIONS_INVALID',
        `two contracts for topic ${contract.topic}: one topic carries one event type`,
      )
    }
    topics.add(contract.topic)
  }
  return resolved
}

/**
 * `opening`: asking the sink where to resume. `running`. `backing-off`: infrastructure trouble, tried again by itself.
 * `paused`: the circuit of its topic is open, until `resume`. `stopped`: needs a decision. `closed`: done or revoked.
 */
export type PartitionState = 'opening' | 'running' | 'backing-off' | 'paused' | 'stopped' | 'closed'

export interface PartitionStatus {
  readonly partition: PartitionId
  /** Number of this assignment within the process. */
  readonly epoch: number
  readonly state: PartitionState
  /** Next offset to commit; null before the sink answered. */
  readonly next: number | null
  /** Log end when last asked minus `next`; null before. */
  readonly lag: number | null
  /** Bytes of this partition on the budget. */
  readonly inFlightBytes: number
  /** Newest event time decoded, ms since epoch; null before the first row. */
  readonly watermark: number | null
  readonly lastCommit: {
    readonly at: number
    readonly end: number
    readonly reason: CutReason
    readonly tookMs: number
  } | null
  /** Record time of the oldest record in the sink's buffers, ms since epoch; null when they are empty. */
  readonly oldestPending: number | null
  /**
   * When work that should end by itself (opening, decoding, writing, committing) began or last got further, ms since epoch;
   * null when there is none. Long ago means stuck, unless the state says that it waits for something.
   */
  readonly busySince: number | null
  readonly error: { readonly code: string; readonly message: string } | null
  readonly counts: FlowCounts
}

export interface PipelineStatus {
  readonly running: boolean
  readonly partitions: readonly PartitionStatus[]
  readonly topics: Readonly<Record<string, FlowCounts>>
  readonly budget: { readonly limit: number; readonly used: number; readonly peak: number }
  /** What the poll loop does, and since when, ms since epoch: a read that never returns shows here. */
  readonly loop: { readonly waitsFor: LoopWait; readonly since: number }
  /** Trouble of the source as a whole, as long as it lasts; null when it could be read. */
  readonly source: { readonly code: string; readonly message: string; readonly since: number } | null
  /** By topic; topics that no record was seen of are absent. */
  readonly circuits: Readonly<Record<string, { readonly open: boolean; readonly badShare: number }>>
}

/** `source`: a read; `partitions`: none wants more; `memory`: the budget is used up; `retry`: the source failed; `nothing`: not running. */
export type LoopWait = 'source' | 'partitions' | 'memory' | 'retry' | 'nothing'

export interface RunSummary {
  /** `incomplete`: every partition that could was brought to its end, but some are stopped or paused. */
  readonly outcome: 'caught-up' | 'aborted' | 'incomplete'
  readonly topics: Readonly<Record<string, FlowCounts>>
  readonly commits: number
  /** The last thousand. */
  readonly receipts: readonly CommitReceipt[]
  readonly partitions: readonly PartitionStatus[]
  readonly peakBytes: number
}
