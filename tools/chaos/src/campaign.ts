import { availableParallelism, cpus, totalmem } from 'node:os'
import { describePlan, planRun } from './schedule.ts'
import { faultKindNames, type FaultKind } from './fault-kinds.ts'
import { run, type RunResult } from './run.ts'
import type { Stage } from './stage.ts'

/** What is written down of a campaign. */
export interface CampaignResult {
  readonly startedAt: string
  readonly machine: { readonly cpu: string; readonly cores: number; readonly memoryGiB: number; readonly node: string }
  readonly seeds: readonly number[]
  readonly runs: number
  readonly violations: number
  readonly records: number
  readonly lives: number
  readonly seconds: number
  /** How often each kind of fault happened, over all runs. */
  readonly struck: Readonly<Record<FaultKind, number>>
  readonly results: readonly (Omit<RunResult, 'plan'> & { readonly seed: number })[]
}

/** Runs the seeds one after another on one stage. */
export async function campaign(
  seeds: readonly number[],
  stage: Stage,
  tell: (text: string) => void,
): Promise<CampaignResult> {
  const began = performance.now()
  const startedAt = new Date().toISOString()
  const results: RunResult[] = []
  for (const seed of seeds) {
    const result = await run(planRun(seed), stage)
    results.push(result)
    tell(describeRun(result))
  }
  const sum = (of: (result: RunResult) => number): number => results.reduce((total, each) => total + of(each), 0)
  return {
    startedAt,
    machine: {
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: availableParallelism(),
      memoryGiB: Math.round(totalmem() / 2 ** 30),
      node: process.version,
    },
    seeds,
    runs: results.length,
    violations: sum(({ violations }) => violations.length),
    records: sum(({ records }) => records),
    lives: sum(({ lives }) => lives),
    seconds: Math.round((performance.now() - began) / 1000),
    struck: Object.fromEntries(faultKindNames.map((kind) => [kind, sum(({ struck }) => struck[kind] ?? 0)])) as Record<
      FaultKind,
      number
    >,
    results: results.map(({ plan, ...rest }) => ({ seed: plan.seed, ...rest })),
  }
}

/** One line when all is well; else the violations and what is needed to see them again. */
export function describeRun(result: RunResult): string {
  const { plan, violations, records, flushes, files, lives, ms, struck } = result
  const faults = Object.entries(struck).map(([kind, times]) => `${kind} ${times}`)
  const line = `seed ${plan.seed}: ${records} records, ${flushes} commits, ${files} files, ${lives} worker lives, ${(ms / 1000).toFixed(1)} s; ${faults.join(', ')}; ${violations.length} violations`
  if (violations.length === 0) return line
  const shown = violations.slice(0, 20).map(({ code, text }) => `  ${code} ${text}`)
  return [line, ...shown, describePlan(plan), `again: make chaos RUNS=1 SEED=${plan.seed}`].join('\n')
}
