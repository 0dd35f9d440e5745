import { setImmediate as turn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { createVitals } from '../src/pipeline/vitals.ts'

it('is busy from the first piece of work to the last, since the last time something moved', () => {
  let now = 100
  const vitals = createVitals(() => now)
  expect(vitals.busySince).toBeNull()
  const first = vitals.begin()
  now = 200
  const second = vitals.begin()
  expect(vitals.busySince).toBe(100)
  first()
  first()
  expect(vitals.busySince).toBe(200)
  now = 300
  vitals.moved()
  expect(vitals.busySince).toBe(300)
  second()
  expect(vitals.busySince).toBeNull()
})

it('knows the log end from what it saw and what it asked, and nothing when the source cannot say', async () => {
  const vitals = createVitals(() => 0)
  vitals.sawEnd(10)
  vitals.sawEnd(5)
  expect(vitals.logEnd).toBe(10)
  let asked = 0
  let answer: (end: number) => void = () => undefined
  const slow = () => {
    asked += 1
    return new Promise<{ start: number; end: number }>((resolve) => (answer = (end) => resolve({ start: 0, end })))
  }
  vitals.measure(slow)
  vitals.measure(slow)
  expect(asked).toBe(1)
  answer(30)
  await turn()
  expect(vitals.logEnd).toBe(30)
  vitals.measure(() => Promise.reject(new Error('away')))
  await turn()
  expect(vitals.logEnd).toBeNull()
  vitals.sawEnd(31)
  expect(vitals.logEnd).toBe(31)
})
