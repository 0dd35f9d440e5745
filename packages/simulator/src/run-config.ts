import { byteSize, duration } from '@sluice/runtime'
import { z } from 'zod'
import { kafkaConfig } from './kafka-config.ts'
import { registryAccess } from './registry-access.ts'

/** Options of `run`, from a file, the environment (`SLUICE_GENERATE_…`) or flags; defaults stand only here. */
export const runConfig = z.object({
  /** Where to, in the forms of `targetKinds`; the first one's offsets are those of the ledger. */
  to: z.array(z.string()).min(1).default(['stdout']),
  /** Events per second, or a profile as in `rateForms`. As fast as possible when left out. */
  rate: z.union([z.string(), z.number()]).transform(String).optional(),
  /** Simulated seconds per real second; 1 is the real cadence. */
  speedUp: z.number().positive().optional(),
  /** Stop after this many events, second deliveries included. */
  count: z.int().min(1).optional(),
  /** Stop after this much real time. */
  for: duration().optional(),
  /** Stop after this much simulated time. */
  simulated: duration().optional(),
  /** Same seed, same bytes. */
  seed: z.union([z.string(), z.number()]).transform(String).default('sluice'),
  /** Simulated start, ISO 8601. */
  start: z.string().default('2026-01-05T00:00:00Z'),
  /** Size of the world; 1 is what the feed's description says. */
  scale: z.number().positive().default(1),
  /** Partitions of each topic. */
  partitions: z.int().min(1).max(1000).default(3),
  /** Shares of faults: `default`, `none`, `name=share`, separated by commas. */
  faults: z.string().default('default'),
  /** Version to write with, of feeds whose contract has it; the latest when left out. */
  schemaVersion: z.int().min(1).optional(),
  /** URL of a registry, or folder of a file registry, to register the schemas in; without one, ids are made from subject and version. */
  registry: z.string().min(1).optional(),
  /** How to reach a registry by URL. */
  registryAccess: registryAccess.prefault({}),
  /** File for the truth about every record. */
  ledger: z.string().min(1).optional(),
  /** Go on where the run of the ledger stopped. */
  continue: z.boolean().default(false),
  /** How to reach Kafka, for `kafka://`. */
  kafka: kafkaConfig.prefault({}),
  /** Record limit of the pipeline under test, for `oversized`. */
  maxRecordBytes: byteSize().default(8 * 2 ** 20),
})

export type RunConfig = Readonly<z.output<typeof runConfig>>
