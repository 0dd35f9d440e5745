import { describe, expect, it } from 'vitest'
import { faultKindNames, faultKinds } from '../src/fault-kinds.ts'
import { deckRuns, describePlan, driverOf, planRun } from '../src/schedule.ts'

describe('the plan of a run', () => {
  it('follows from its seed alone', () => {
    for (const seed of [0, 1, 7, 1_000_003]) expect(planRun(seed)).toEqual(planRun(seed))
    expect(planRun(4)).not.toEqual({ ...planRun(8), seed: 4 })
  })

  it('strikes with every kind once in each deck, and only where it can strike', () => {
    for (let deck = 0; deck < 50; deck++) {
      const plans = Array.from({ length: deckRuns }, (_, seat) => planRun(deck * deckRuns + seat))
      const kinds = plans.flatMap(({ events }) => events.map(({ kind }) => kind))
      expect(kinds.sort()).toEqual([...faultKindNames].sort())
      for (const { store, events } of plans) {
        expect(events.length).toBeGreaterThan(3)
        for (const { kind } of events) {
          const { place } = faultKinds[kind]
          if (place === 's3' || place === 'local') expect(place).toBe(store)
        }
      }
    }
  })

  it('reads by kafkajs in one run of each deck, in any seat', () => {
    const seats = new Set<number>()
    for (let deck = 0; deck < 50; deck++) {
      const found = Array.from({ length: deckRuns }, (_, seat) => seat).filter((seat) => {
        const seed = deck * deckRuns + seat
        expect(planRun(seed).driver).toBe(driverOf(seed))
        return driverOf(seed) === 'kafkajs'
      })
      expect(found).toHaveLength(1)
      seats.add(found[0]!)
    }
    expect(seats.size).toBe(deckRuns)
  })

  it('is described with all that is needed to follow it', () => {
    const plan = planRun(3)
    const text = describePlan(plan)
    expect(text).toContain('seed 3:')
    expect(text).toContain(`by ${plan.driver},`)
    for (const { kind, atMs } of plan.events) expect(text).toContain(`${atMs} ms  ${kind} `)
  })
})
