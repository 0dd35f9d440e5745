import { describe, expect, it } from 'vitest'
import { createFlightLimit } from '../src/sink/flight-limit.ts'
import { never } from './chain-fixture.ts'

/** A store that bears so many calls at once and refuses the rest. */
function store(bears: number) {
  let flying = 0
  const seen = { most: 0, refused: 0, done: 0 }
  const call = async () => {
    flying += 1
    seen.most = Math.max(seen.most, flying)
    try {
      for (let i = 0; i < 3; i++) await new Promise((done) => setImmediate(done))
      if (flying > bears) {
        seen.refused += 1
        throw new Error('too many')
      }
      seen.done += 1
    } finally {
      flying -= 1
    }
  }
  return { seen, call }
}

const untilDone = async (run: () => Promise<void>) => {
  for (;;) {
    try {
      return await run()
    } catch (error) {
      if ((error as Error).message !== 'too many') throw error
    }
  }
}

describe('calls in flight (fault 45)', () => {
  it('are not limited while the store keeps up', async () => {
    const { seen, call } = store(100)
    const flights = createFlightLimit(() => true)
    await Promise.all(Array.from({ length: 50 }, () => flights.run(call, never)))
    expect(seen).toEqual({ most: 50, refused: 0, done: 50 })
    expect(flights.limit).toBe(Infinity)
  })

  it('become fewer at each refusal, never none, and all get through', async () => {
    const { seen, call } = store(4)
    const flights = createFlightLimit(() => true)
    await Promise.all(Array.from({ length: 64 }, () => untilDone(() => flights.run(call, never))))
    expect(seen.done).toBe(64)
    // Without a limit the 64 would storm again after each refusal, hundreds of times.
    expect(seen.refused).toBeLessThan(150)
    expect(flights.limit).toBeGreaterThanOrEqual(1)
    expect(flights.limit).toBeLessThan(16)
  })

  it('become more again when the store bears them', async () => {
    const flights = createFlightLimit(() => true)
    await expect(flights.run(() => Promise.reject(new Error('too many')), never)).rejects.toThrow('too many')
    expect(flights.limit).toBe(1)
    for (let i = 0; i < 100; i++) await flights.run(() => Promise.resolve(), never)
    expect(flights.limit).toBeGreaterThan(10)
  })

  it('are not fewer for errors that say nothing about load', async () => {
    const flights = createFlightLimit((error) => (error as Error).message === 'too many')
    await expect(flights.run(() => Promise.reject(new Error('denied')), never)).rejects.toThrow('denied')
    expect(flights.limit).toBe(Infinity)
  })

  it('leave the queue when their signal says so, and keep nobody from flying', async () => {
    const flights = createFlightLimit(() => true)
    await expect(flights.run(() => Promise.reject(new Error('too many')), never)).rejects.toThrow()
    const gate = Promise.withResolvers<void>()
    const first = flights.run(() => gate.promise, never)
    const stop = new AbortController()
    const reason = new Error('enough')
    const second = flights.run(() => Promise.reject(new Error('never called')), stop.signal)
    const third = flights.run(() => Promise.resolve('third'), never)
    stop.abort(reason)
    await expect(second).rejects.toBe(reason)
    gate.resolve()
    await first
    expect(await third).toBe('third')
    await expect(flights.run(() => Promise.resolve(), stop.signal)).rejects.toBe(reason)
  })
})
