import type { CommitReceipt } from '../contracts/sink.ts'
import type { ByteBudget } from './byte-budget.ts'
import type { CircuitBreaker } from './circuit-breaker.ts'
import type { Expansion } from './expansion.ts'
import type { CommitInfo, ResolvedOptions } from './options.ts'

/** What a lane needs from its pipeline. */
export interface LaneHost {
  readonly options: ResolvedOptions
  readonly budget: ByteBudget
  readonly expansion: Expansion
  readonly breaker: CircuitBreaker
  /** True when the lane closes once it has committed up to the log end seen at its first opening. */
  readonly stopAtEnd: boolean
  readonly hasContract: boolean
  /** True once in a run: for the partition that is the first to have so many rows that it is to be cut early. */
  claimFirstCut(rows: number): boolean
  /** Tells the world about a commit. @throws PipelineError LISTENER_FAILED */
  committed(receipt: CommitReceipt, info: CommitInfo): Promise<void>
  /** Ends the whole run. */
  crash(error: unknown): void
  /** Something changed that the poll loop may be waiting for. */
  changed(): void
}
