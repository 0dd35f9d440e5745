import { availableParallelism } from 'node:os'
import { byteSize, duration } from '@sluice/runtime'
import { z } from 'zod'

/** Keys of `ingest`, with an app's own pace of commits. Defaults stand only here. */
export const ingestConfigWith = (pace: { readonly rotateInterval: number; readonly rotateIdle: number }) =>
  z
    .object({
      workers: z.int().min(1).max(64).default(availableParallelism()),
      budget: byteSize().default(256 * 2 ** 20),
      /** Read at most this much at once. */
      pollBytes: byteSize().default(2 ** 20),
      /** Any-of rotation: whichever limit a partition reaches first. */
      rotateBytes: byteSize().default(32 * 2 ** 20),
      rotateRows: z.int().min(1).default(500_000),
      /** Rows of the first commit of a run; small, it shows at once whether the lake can be written. */
      rotateFirstRows: z.int().min(1).optional(),
      rotateInterval: duration().default(pace.rotateInterval),
      rotateIdle: duration().default(pace.rotateIdle),
      /** Pause a topic when more than this share of its recent records is dead-lettered. */
      maxBadShare: z.number().min(0).max(1).default(0.2),
      compression: z.enum(['zstd', 'snappy', 'none']).default('zstd'),
      start: z.enum(['earliest', 'latest', 'fail']).default('earliest'),
      shutdownGrace: duration().default(20_000),
      /** No sign of life of the pipeline for this long turns /live and /ready red. */
      stallAfter: duration().default(120_000),
      /** Port of /metrics, /live and /ready; unset serves nothing. */
      metricsPort: z.int().min(0).max(65_535).optional(),
    })
    .strict()
    .prefault({})

export const ingestConfig = ingestConfigWith({ rotateInterval: 30_000, rotateIdle: 5_000 })

export type IngestConfig = Readonly<z.output<typeof ingestConfig>>

/** Keys that every app has at its top level. */
export const commonConfig = {
  /** Everything the app writes on this machine is below this folder. */
  dataDir: z.string().min(1).default('.sluice'),
  logLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  logFormat: z.enum(['auto', 'json', 'pretty']).default('auto'),
  ingest: ingestConfig,
}

/** The simulation of `produce`; `count` has a default of the app's own. */
export const produceConfig = (count: number) =>
  z
    .object({
      /** Events over all feeds, faults and duplicates included. */
      count: z.int().min(1).default(count),
      seed: z.int().min(0).default(1),
      /** Events per second; 0 is as fast as possible. */
      rate: z.number().min(0).default(0),
      /** Share of bad records. */
      bad: z.number().min(0).max(1).default(0.01),
      partitions: z.int().min(1).max(1000).default(3),
    })
    .strict()
    .prefault({})

export interface CommonConfig {
  readonly dataDir: string
  readonly logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'
  readonly logFormat: 'auto' | 'json' | 'pretty'
  readonly ingest: IngestConfig
}
