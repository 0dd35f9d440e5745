import type {
  CommitReceipt,
  DeadLetters,
  DecodeService,
  FanOutMember,
  FileTable,
  LayoutPatterns,
  ObjectStore,
  Source,
} from '@sluice/ingest-core'
import type { Contract, SchemaRegistry } from '@sluice/schemas'

/**
 * What the commands of a lake app work on: contracts, names, and how to open the parts. A profile (embedded, Kafka and
 * MinIO, ...) is another object of this shape; commands never know which one they have.
 */
export interface LakeApp {
  readonly contracts: readonly Contract[]
  /** Names that other data carries for ever: changing one starts a new life. */
  readonly sinkId: string
  readonly owner: string
  readonly pipeline: { readonly name: string; readonly version: string }
  /** Default: one table per contract in the sink's layout. */
  readonly tables?: readonly FileTable[]
  readonly layout?: LayoutPatterns
  /** File of the simulator's ledger. */
  readonly ledger: string
  /** How often an unknown schema id is looked up before its records are dead letters; default that of the resolver. */
  readonly schemaChecks?: number
  /** Where objects are, or are put, as files that DuckDB reads. */
  readonly files:
    { readonly kind: 'local'; readonly root: string } | { readonly kind: 'cache'; readonly folder: string }
  /** An opened store; whoever asked closes it. */
  openStore(signal: AbortSignal): Promise<ObjectStore>
  /**
   * `ingest`: as a member of whatever shares the work. `look`: all partitions, without disturbing those who work.
   * @throws AppError SOURCE_MISSING when there is nothing to read from yet
   */
  openSource(purpose: SourcePurpose): Promise<Source>
  openRegistry(): OpenRegistry
  /** Hands decided dead letters on, e.g. to a topic; they stay in the lake as well. `alarm`: with the error, then null. */
  openRelay?(store: ObjectStore, alarm: (error: Error | null) => void): LetterRelay
  /** Sinks that the same stream feeds beside the lake, each with progress of its own; closed with it. */
  openFurtherSinks?(): Promise<FurtherSinks>
  /** Dead letters of these sinks, by the same names; what becomes rows again is decoded by `decoder`. */
  openFurtherLetters?(decoder: DecodeService): Promise<FurtherLetters>
  /** A row as it was sent, for a table whose contract is derived: what `verify` holds against the ledger. */
  asSent?(row: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>>
}

/** `createDeadLetterRelay` of `@sluice/source-kafka` is one. */
export interface LetterRelay {
  /** Resolves when the letters of the commit are handed on; at once after `close`. */
  readonly onReceipt: (receipt: CommitReceipt) => Promise<void>
  /** Hands on what an earlier run left. @returns letters handed on */
  catchUp(): Promise<number>
  close(): Promise<void>
}

export interface FurtherSinks {
  readonly members: readonly FanOutMember[]
  /** Lets go of what the sinks were made with, after they are closed. */
  close(): Promise<void>
}

export interface FurtherLetters {
  readonly members: readonly { readonly name: string; readonly letters: DeadLetters }[]
  /** Lets go of what they were made with. */
  close(): Promise<void>
}

export interface SourcePurpose {
  readonly kind: 'ingest' | 'look'
  /** Go on after the end of the log. */
  readonly follow?: boolean
}

/** A registry, and what has to be closed when it is not used any more. */
export interface OpenRegistry {
  readonly registry: SchemaRegistry
  close(): Promise<void>
}

/** Contracts of the rows that files hold. */
export function tableContractsOf({ contracts, tables }: Pick<LakeApp, 'contracts' | 'tables'>): readonly Contract[] {
  return tables?.map(({ contract }) => contract) ?? contracts
}

export function topicsOf(app: Pick<LakeApp, 'contracts'>): string[] {
  return app.contracts.map(({ topic }) => topic)
}
