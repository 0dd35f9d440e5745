import { describe, expect, test } from 'vitest'
import {
  burstRate,
  constantRate,
  createRandom,
  createRateController,
  diurnalRate,
  GeneratorError,
  rampRate,
  soakRate,
  type RateProfile,
  type RealClock,
} from '../src/index.ts'

const profiles: readonly RateProfile[] = [
  constantRate(1000),
  rampRate({ from: 10, to: 500, seconds: 30 }),
  burstRate({ base: 50, peak: 2000, everySeconds: 20, burstSeconds: 3 }),
  diurnalRate({ low: 0, high: 900, daySeconds: 40 }),
  soakRate({ perSecond: 300, warmUpSeconds: 10 }),
]

/** Time that moves only when somebody sleeps, and then later than asked for. */
function fakeClock(lateness: () => number): RealClock & { time: number } {
  const clock = {
    time: 5000,
    now: () => clock.time,
    sleep: async (ms: number) => {
      clock.time += ms + lateness()
    },
  }
  return clock
}

describe('rate profiles', () => {
  test.each(profiles.map((profile) => [profile.name, profile] as const))(
    '%s: cumulative is the integral of at',
    (_, p) => {
      const dt = 0.001
      let sum = 0
      for (let i = 0; i < 60_000; i++) {
        sum += p.at((i + 0.5) * dt) * dt
        if (i % 5000 === 4999) expect(p.cumulative((i + 1) * dt)).toBeCloseTo(sum, 0)
      }
      expect(p.cumulative(0)).toBe(0)
    },
  )

  test('shapes', () => {
    expect(rampRate({ from: 0, to: 100, seconds: 10 }).at(5)).toBe(50)
    expect(rampRate({ from: 0, to: 100, seconds: 10 }).at(500)).toBe(100)
    const burst = burstRate({ base: 1, peak: 9, everySeconds: 10, burstSeconds: 2 })
    expect([burst.at(7.9), burst.at(8), burst.at(10)]).toEqual([1, 9, 1])
    const day = diurnalRate({ low: 10, high: 30 })
    expect([day.at(0), day.at(43_200)]).toEqual([10, 30])
  })

  test('nonsense is refused', () => {
    expect(() => constantRate(-1)).toThrow(GeneratorError)
    expect(() => constantRate(NaN)).toThrow(GeneratorError)
    expect(() => burstRate({ base: 1, peak: 1, everySeconds: 1, burstSeconds: 2 })).toThrow(GeneratorError)
    expect(() => diurnalRate({ low: 5, high: 1 })).toThrow(GeneratorError)
  })
})

describe('rate controller', () => {
  test.each(profiles.map((profile) => [profile.name, profile] as const))(
    '%s: within 2 %% of the target over 60 s, although every sleep is late',
    async (_, profile) => {
      const random = createRandom('jitter', profile.name)
      const clock = fakeClock(() => random.exponential(6))
      const controller = createRateController({ profile, clock })
      while (clock.time < 65_000) await controller.take(5000)
      const wanted = profile.cumulative((clock.time - 5000) / 1000)
      expect(Math.abs(controller.granted / wanted - 1)).toBeLessThan(0.02)
      expect(controller.granted).toBeLessThanOrEqual(wanted)
    },
  )

  test('a long stall is forgiven, not chased', async () => {
    const clock = fakeClock(() => 0)
    const controller = createRateController({ profile: constantRate(100), clock, catchUpMs: 1000 })
    await controller.take(10)
    clock.time += 60_000
    let burst = 0
    while (burst < 10_000) {
      const before = clock.time
      const n = await controller.take(10_000)
      if (clock.time > before) break
      burst += n
    }
    expect(burst).toBeGreaterThan(50)
    expect(burst).toBeLessThanOrEqual(101)
  })

  test('what is given back can be taken again; an abort ends the wait', async () => {
    const clock = fakeClock(() => 0)
    const controller = createRateController({ profile: constantRate(10), clock })
    expect(await controller.take(1)).toBe(1)
    controller.giveBack(1)
    const before = clock.time
    expect(await controller.take(1)).toBe(1)
    expect(clock.time).toBe(before)
    const abort = new AbortController()
    abort.abort()
    expect(await controller.take(1, abort.signal)).toBe(0)
  })
})
