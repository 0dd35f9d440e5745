import { expect, test } from 'vitest'
import { sendEvent } from '../src/analytics/sending.ts'
import { createRandom } from '../src/index.ts'

test('a client sends again with pauses that double at most, each with jitter', () => {
  const random = createRandom('sending')
  const pauses: number[][] = [[], [], []]
  for (let i = 0; i < 300_000; i++) {
    const arrivals = sendEvent(random, 0, false)
    for (let n = 1; n < arrivals.length && n <= 3; n++)
      pauses[n - 1]!.push(arrivals[n]!.sentAt - arrivals[n - 1]!.sentAt)
  }
  expect(pauses[1]!.length).toBeGreaterThan(40)
  // Full jitter: anything from nothing to the bound, which doubles from send to send; 300 ms is the time-out before it.
  for (const [n, list] of pauses.slice(0, 2).entries()) {
    const bound = 500 * 2 ** n
    const [least, most] = [Math.min(...list), Math.max(...list)]
    expect(least).toBeGreaterThanOrEqual(300)
    // A send that was lost on its way between two arrivals adds a pause of its own, rarely.
    expect(list.filter((pause) => pause > 300 + bound).length / list.length).toBeLessThan(0.06)
    expect(most).toBeGreaterThan(300 + bound * 0.8)
    const within = list.filter((pause) => pause <= 300 + bound)
    const mean = within.reduce((sum, pause) => sum + pause, 0) / within.length
    expect(Math.abs(mean - 300 - bound / 2)).toBeLessThan((5 * bound) / Math.sqrt(12 * within.length))
  }
})
