import { availableParallelism } from 'node:os'
import { byteSize, duration } from '@sluice/runtime'
import { z } from 'zod'

/** Options of the app. Every key can come from a file, the environment (`SLUICE_BAKERY_…`) or a flag; defaults stand only here. */
export const appConfig = z.object({
  /** Everything the app writes is below this folder. */
  dataDir: z.string().min(1).default('.sluice'),
  logLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  logFormat: z.enum(['auto', 'json', 'pretty']).default('auto'),
  produce: z
    .object({
      /** Events over all six feeds, faults and duplicates included. */
      count: z.int().min(1).default(240_000),
      seed: z.int().min(0).default(1),
      /** Events per second; 0 is as fast as possible. */
      rate: z.number().min(0).default(0),
      /** Share of bad records. */
      bad: z.number().min(0).max(1).default(0.01),
      partitions: z.int().min(1).max(1000).default(3),
    })
    .strict()
    .prefault({}),
  ingest: z
    .object({
      workers: z.int().min(1).max(64).default(availableParallelism()),
      budget: byteSize().default(256 * 2 ** 20),
      /** Read at most this much at once. */
      pollBytes: byteSize().default(4 * 2 ** 20),
      /** Any-of rotation: whichever limit a partition reaches first. */
      rotateBytes: byteSize().default(32 * 2 ** 20),
      rotateRows: z.int().min(1).default(500_000),
      rotateInterval: duration().default(30_000),
      rotateIdle: duration().default(5_000),
      /** Pause a topic when more than this share of its recent records is dead-lettered. */
      maxBadShare: z.number().min(0).max(1).default(0.2),
      compression: z.enum(['zstd', 'snappy', 'none']).default('zstd'),
      start: z.enum(['earliest', 'latest', 'fail']).default('earliest'),
      shutdownGrace: duration().default(20_000),
      /** Port of /metrics, /live and /ready; unset serves nothing. */
      metricsPort: z.int().min(0).max(65_535).optional(),
    })
    .strict()
    .prefault({}),
})

export type AppConfig = Readonly<z.output<typeof appConfig>>
