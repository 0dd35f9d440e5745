import { expect, test } from 'vitest'
import { createSimulation, defaultFaultRates, faultCatalogue, listFeeds, type FaultName } from '../src/index.ts'

/** Fewer events of feeds of which their world makes few. */
const counts: Readonly<Record<string, number>> = {
  'bakery.promotions': 500,
  'bakery.customer_feedback': 4000,
  'bakery.weather_data': 6000,
  'pharma.deviations': 2500,
  'pharma.batch_status': 4000,
  'pharma.lab_results': 10_000,
}

test.each(listFeeds().map(({ name }) => name))(
  '%s: by default 1 %% is bad, 0.5 %% comes twice, the rest as documented',
  (name) => {
    const count = counts[name] ?? 20_000
    const seen: Record<string, number> = {}
    const simulation = createSimulation([name], { seed: 'default', count, hashRows: false })
    for (let batch = simulation.next(); batch.length > 0; batch = simulation.next()) {
      for (const { fault } of batch) if (fault !== undefined) seen[fault] = (seen[fault] ?? 0) + 1
    }
    const share = (test: (name: FaultName) => boolean) =>
      Object.entries(seen).reduce((sum, [fault, n]) => sum + (test(fault as FaultName) ? n : 0), 0) / count
    const expectShare = (found: number, wanted: number) =>
      expect(Math.abs(found - wanted)).toBeLessThan(4.5 * Math.sqrt((wanted * (1 - wanted)) / count))
    expectShare(
      share((fault) => faultCatalogue[fault].bad),
      0.01,
    )
    for (const fault of ['duplicate', 'late', 'too_late', 'out_of_order'] as const) {
      expectShare(
        share((each) => each === fault),
        defaultFaultRates[fault]!,
      )
    }
    expect(
      Object.keys(seen).filter((fault) => ['tombstone', 'oversized', 'clock_skew', 'hot_key'].includes(fault)),
    ).toEqual([])
  },
)
