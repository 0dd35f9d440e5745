import type { Contract } from '@sluice/schemas'
import type { ObjectStore } from '../contracts/object-store.ts'
import { checkLayouts, layouts } from '../layout/layout.ts'
import type { LayoutPatterns } from '../layout/layout.ts'
import { systemClock } from '../pipeline/clock.ts'
import type { Clock } from '../pipeline/clock.ts'
import { columnarEncoders } from './file-encoders.ts'
import type { FileEncoders, FileFormat } from './file-encoders.ts'
import { createInlineFileSetHost } from './file-set-host.ts'
import type { FileSetHost } from './file-set-host.ts'
import type { SinkHooks } from './hooks.ts'
import type { RetryOptions } from './store-calls.ts'

/** A table of the sink: the rows of one topic. */
export interface FileTable {
  readonly contract: Contract
  /** Default: that of the sink. */
  readonly layout?: LayoutPatterns
  /** Default: that of the sink. */
  readonly file?: FileFormat
}

export interface FileSinkOptions {
  /** Opened and closed by whoever made it. */
  readonly store: ObjectStore
  /** Names the commit chain: `[A-Za-z0-9][A-Za-z0-9_.-]*`. Never change it for data that is to continue. */
  readonly sinkId: string
  /** Consumer group, or what else owns the chain; another owner is refused (RELIABILITY fault 22). */
  readonly owner: string
  readonly tables: readonly FileTable[]
  /** Path before every key, without slashes at its ends. Default none. */
  readonly prefix?: string
  /** Default `layouts.lake`. */
  readonly layout?: LayoutPatterns
  /** Default Parquet with its defaults. */
  readonly file?: FileFormat
  /** Names in dead letters. Default pipeline: the sink id, version `0`. */
  readonly pipeline?: { readonly name: string; readonly version: string }
  /** Event times outside `[min, max)`, ms, go to `_out_of_range`. Default 1990 to 2200. */
  readonly timeRange?: { readonly min: number; readonly max: number }
  /** Files of one partition beyond which the sink asks for a commit. Default 10,000. */
  readonly maxOpenFiles?: number
  /** Objects of one flush put at the same time. Default 4. */
  readonly parallelPuts?: number
  /** Dead lists longer than this lie beside their plan. Default 1000. */
  readonly maxInlineDead?: number
  readonly retry?: Partial<RetryOptions>
  readonly encoders?: FileEncoders
  /** Default: in this thread. Closed with the sink. */
  readonly host?: FileSetHost
  readonly clock?: Clock
  readonly hooks?: SinkHooks
}

export interface ResolvedTable {
  readonly contract: Contract
  readonly patterns: LayoutPatterns
  readonly file: FileFormat
}

export interface ResolvedFileSink {
  readonly store: ObjectStore
  readonly sinkId: string
  readonly owner: string
  /** By topic. */
  readonly tables: ReadonlyMap<string, ResolvedTable>
  /** Empty, or ends in `/`. */
  readonly prefix: string
  readonly pipeline: { readonly name: string; readonly version: string }
  readonly timeRange: { readonly min: number; readonly max: number }
  readonly maxOpenFiles: number
  readonly parallelPuts: number
  readonly maxInlineDead: number
  readonly retry: RetryOptions
  readonly encoders: FileEncoders
  readonly host: FileSetHost
  readonly clock: Clock
  readonly hooks: SinkHooks
}

export const fileSinkDefaults = {
  file: { format: 'parquet' },
  layout: layouts.lake,
  /** 1990-01-01 and 2200-01-01. */
  timeRange: { min: 631_152_000_000, max: 7_258_118_400_000 },
  maxOpenFiles: 10_000,
  parallelPuts: 4,
  maxInlineDead: 1000,
  retry: { firstMs: 100, maxMs: 10_000, jitter: 0.5, deadlineMs: 60_000 },
} as const

/** Fills in defaults and checks everything that can be checked without the store. @throws TypeError, LayoutError */
export function resolveFileSink(options: FileSinkOptions): ResolvedFileSink {
  const { prefix = '', layout = fileSinkDefaults.layout, file = fileSinkDefaults.file } = options
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(options.sinkId))
    throw new TypeError('sinkId must be [A-Za-z0-9][A-Za-z0-9_.-]*')
  if (options.owner === '') throw new TypeError('owner must not be empty')
  const segments = prefix === '' ? [] : prefix.split('/')
  if (segments.some((segment) => !/^[A-Za-z0-9_.~=-]+$/.test(segment) || segment === '.' || segment === '..')) {
    throw new TypeError('prefix must be segments of [A-Za-z0-9_.~=-] divided by /, without / at its ends')
  }
  const tables = new Map<string, ResolvedTable>()
  for (const table of options.tables) {
    const { topic } = table.contract
    if (tables.has(topic)) throw new TypeError(`two tables for topic ${topic}`)
    if (table.contract.tombstones === 'delete')
      throw new TypeError(`topic ${topic}: files cannot delete on tombstones; choose dead-letter or skip`)
    tables.set(topic, { contract: table.contract, patterns: table.layout ?? layout, file: table.file ?? file })
  }
  checkLayouts([...tables.values()])
  const encoders = options.encoders ?? columnarEncoders
  const positive = { maxOpenFiles: options.maxOpenFiles, parallelPuts: options.parallelPuts }
  for (const [name, value] of Object.entries(positive)) {
    if (value !== undefined && !(Number.isInteger(value) && value > 0))
      throw new TypeError(`${name} must be a whole number above 0`)
  }
  return {
    store: options.store,
    sinkId: options.sinkId,
    owner: options.owner,
    tables,
    prefix: prefix === '' ? '' : `${prefix}/`,
    pipeline: options.pipeline ?? { name: options.sinkId, version: '0' },
    timeRange: options.timeRange ?? fileSinkDefaults.timeRange,
    maxOpenFiles: options.maxOpenFiles ?? fileSinkDefaults.maxOpenFiles,
    parallelPuts: options.parallelPuts ?? fileSinkDefaults.parallelPuts,
    maxInlineDead: options.maxInlineDead ?? fileSinkDefaults.maxInlineDead,
    retry: { random: Math.random, ...fileSinkDefaults.retry, ...options.retry },
    encoders,
    host: options.host ?? createInlineFileSetHost(encoders),
    clock: options.clock ?? systemClock,
    hooks: options.hooks ?? { at: () => undefined },
  }
}
