import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { campaign, describeRun, summarise, type RunRecord } from '../src/campaign.ts'
import { faultKindNames } from '../src/fault-kinds.ts'
import { deckRuns } from '../src/schedule.ts'
import { openStage, type Stage } from '../src/stage.ts'

/** One deck: together these runs strike with every kind of fault. */
const firstSeed = 20
const seeds = Array.from({ length: deckRuns }, (_, i) => firstSeed + i)

// Each run by itself shows its seed and schedule when it fails.
describe('the pipeline over real services through chaos (faults 1-3, 5-8, 13-19, 32, 39-42, 45-48, 50, 74, 75, 78)', () => {
  let stage: Stage
  const results: RunRecord[] = []

  beforeAll(async () => {
    stage = await openStage()
  }, 300_000)

  afterAll(() => stage.close())

  it.each(seeds)('seed %i: everything exactly once', { timeout: 400_000 }, async (seed) => {
    const said: string[] = []
    const [result] = await campaign([seed], [stage], (one) => void said.push(describeRun(one)))
    expect(result!.violations, said.join('\n')).toEqual([])
    expect(result!.records).toBeGreaterThan(500)
    for (const outcome of ['stored', 'late', 'deadLettered', 'filtered', 'duplicates'] as const)
      expect(result!.outcomes[outcome], outcome).toBeGreaterThan(0)
    results.push(result!)
  })

  it('each kind of fault was dealt, and all but a few found something to strike at', () => {
    const { struck } = summarise(results)
    // Whether a request comes while its fault lasts is the machine's to say; that most do is what these runs are for.
    const idle = faultKindNames.filter((kind) => struck[kind] === 0)
    expect(idle.length, idle.join(', ')).toBeLessThanOrEqual(3)
  })
})
