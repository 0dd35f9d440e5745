import { availableParallelism, cpus, totalmem } from 'node:os'
import { describePlan, drivers, planRun, type Driver } from './schedule.ts'
import { faultKindNames, type FaultKind } from './fault-kinds.ts'
import { run, type RunResult } from './run.ts'
import type { Stage } from './stage.ts'

/** What is written down of one run. The plan follows from the seed; the driver is there to be counted. */
export type RunRecord = Omit<RunResult, 'plan'> & { readonly seed: number; readonly driver: Driver }

export function recordOf({ plan: { seed, driver }, ...rest }: RunResult): RunRecord {
  return { seed, driver, ...rest }
}

/** What is written down of a campaign. */
export interface CampaignResult {
  readonly machine: { readonly cpu: string; readonly cores: number; readonly memoryGiB: number; readonly node: string }
  readonly runs: number
  /** Of these, by what their workers read Kafka with. */
  readonly drivers: Readonly<Record<Driver, number>>
  /** Zombies that woke after others had committed past them in every partition. */
  readonly overtaken: number
  readonly violations: number
  readonly records: number
  /** Lives of worker processes. */
  readonly lives: number
  readonly commits: number
  /** Of the runs together; starting services not included. */
  readonly seconds: number
  /** How often each kind of fault happened, over all runs. */
  readonly struck: Readonly<Record<FaultKind, number>>
  readonly results: readonly RunRecord[]
}

/** Runs the seeds, on each stage one after another; `tell` gets each as it ends. */
export async function campaign(
  seeds: readonly number[],
  stages: readonly Stage[],
  tell: (result: RunResult) => void | Promise<void>,
): Promise<RunRecord[]> {
  const results: RunRecord[] = []
  const left = [...seeds]
  const failures: unknown[] = []
  await Promise.all(
    stages.map(async (stage) => {
      for (let seed = left.shift(); seed !== undefined && failures.length === 0; seed = left.shift()) {
        try {
          const result = await run(planRun(seed), stage)
          results.push(recordOf(result))
          await tell(result)
        } catch (error) {
          // The others end the runs they are in.
          failures.push(new Error(`seed ${seed} could not be run`, { cause: error }))
        }
      }
    }),
  )
  if (failures.length > 0) throw failures[0]
  return results.sort((a, b) => a.seed - b.seed)
}

/** The sums over runs, and where they were made. */
export function summarise(results: readonly RunRecord[]): CampaignResult {
  const sum = (of: (result: RunRecord) => number): number => results.reduce((total, each) => total + of(each), 0)
  const struck = faultKindNames.map((kind) => [kind, sum((result) => result.struck[kind] ?? 0)] as const)
  return {
    machine: {
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: availableParallelism(),
      memoryGiB: Math.round(totalmem() / 2 ** 30),
      node: process.version,
    },
    runs: results.length,
    drivers: Object.fromEntries(
      drivers.map((driver) => [driver, results.filter((result) => result.driver === driver).length]),
    ) as Record<Driver, number>,
    overtaken: sum((result) => result.overtaken),
    violations: sum(({ violations }) => violations.length),
    records: sum(({ records }) => records),
    lives: sum(({ lives }) => lives),
    commits: sum(({ flushes }) => flushes),
    seconds: Math.round(sum(({ ms }) => ms) / 1000),
    struck: Object.fromEntries(struck) as Record<FaultKind, number>,
    results,
  }
}

/** One line when all is well; else the violations and what is needed to see them again. */
export function describeRun(result: RunResult): string {
  const { plan, violations, records, flushes, files, lives, ms, struck, overtaken } = result
  const faults = Object.entries(struck).map(([kind, times]) => `${kind} ${times}`)
  const line = `seed ${plan.seed} by ${plan.driver}: ${records} records, ${flushes} commits, ${files} files, ${lives} worker lives, ${(ms / 1000).toFixed(1)} s; ${faults.join(', ')}; ${overtaken} zombies overtaken; ${violations.length} violations`
  if (violations.length === 0) return line
  const shown = violations.slice(0, 20).map(({ code, text }) => `  ${code} ${text}`)
  return [line, ...shown, describePlan(plan), `again: make chaos RUNS=1 SEED=${plan.seed}`].join('\n')
}
