import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { deadLetterErrors } from '../src/dead-letters/errors.ts'
import { recordCodes } from '../src/decode/reject.ts'
import { createBackOff } from '../src/pipeline/back-off.ts'
import { createByteBudget } from '../src/pipeline/byte-budget.ts'
import { createCircuitBreaker } from '../src/pipeline/circuit-breaker.ts'
import { sleep } from '../src/pipeline/clock.ts'
import { assertConserved } from '../src/pipeline/conservation.ts'
import { PipelineError, pipelineErrors } from '../src/pipeline/errors.ts'
import type { PipelineErrorCode } from '../src/pipeline/errors.ts'
import { classifyFailure } from '../src/pipeline/failure.ts'
import { CodedError, manualClock } from './pipeline-fakes.ts'

describe('byte budget', () => {
  it('sums accounts, remembers the peak and wakes who waits for room', async () => {
    const budget = createByteBudget(100)
    const a = budget.open(60)
    const b = budget.open(30)
    expect(budget.available).toBe(10)
    let woken = false
    const waiting = budget.waitForChange(new AbortController().signal).then(() => (woken = true))
    b.set(40)
    await Promise.resolve()
    expect(woken).toBe(false)
    a.close()
    a.close()
    a.set(99)
    await waiting
    expect([budget.used, budget.peak, budget.available]).toEqual([40, 100, 60])
  })

  it('stops waiting when told to', async () => {
    const budget = createByteBudget(1)
    const stop = new AbortController()
    const waiting = budget.waitForChange(stop.signal)
    stop.abort()
    await waiting
    await budget.waitForChange(stop.signal)
  })
})

describe('circuit breaker', () => {
  it('opens above the share once the window is full, and stays open until reset', () => {
    const breaker = createCircuitBreaker({ maxShare: 0.5, window: 100 })
    expect(breaker.add(50, 50)).toBe(false)
    expect(breaker.add(50, 0)).toBe(false)
    expect(breaker.add(50, 1)).toBe(false)
    expect(breaker.add(0, 0)).toBe(false)
    expect(breaker.add(50, 50)).toBe(true)
    expect(breaker.add(1000, 0)).toBe(true)
    breaker.reset()
    expect(breaker.share).toBe(0)
    expect(breaker.add(1000, 0)).toBe(false)
  })

  it('forgets what lies before the window', () => {
    const breaker = createCircuitBreaker({ maxShare: 0.5, window: 10 })
    for (let i = 0; i < 100; i++) expect(breaker.add(10, 0)).toBe(false)
    expect(breaker.add(10, 10)).toBe(true)
  })
})

describe('back-off', () => {
  it('doubles up to a limit, with jitter downwards', () => {
    const backOff = createBackOff({ firstMs: 100, maxMs: 500, jitter: 0.5, random: () => 0.5 })
    expect([backOff.next(), backOff.next(), backOff.next(), backOff.next()]).toEqual([75, 150, 300, 375])
    expect(backOff.attempts).toBe(4)
    backOff.reset()
    expect(backOff.next()).toBe(75)
  })
})

describe('sleep', () => {
  it('ends with its time or its signal', async () => {
    const clock = manualClock()
    const stop = new AbortController()
    const ended: string[] = []
    const all = Promise.all([
      sleep(clock, 10).then(() => ended.push('time')),
      sleep(clock, 1e9, stop.signal).then(() => ended.push('signal')),
    ])
    await clock.advance(10)
    expect(ended).toEqual(['time'])
    stop.abort()
    await all
    await sleep(clock, 1e9, stop.signal)
  })
})

describe('errors', () => {
  it('carry the code of the table', () => {
    for (const code of Object.keys(pipelineErrors) as PipelineErrorCode[]) {
      const error = new PipelineError(code, 'text')
      expect([error.code, error.name, error.message]).toEqual([code, 'PipelineError', 'text'])
    }
  })

  it('and codes of dead letters are in the README', async () => {
    const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
    const missing = [pipelineErrors, deadLetterErrors, recordCodes]
      .flatMap((table) => Object.keys(table))
      .filter((code) => !readme.includes(`\`${code}\``))
    expect(missing).toEqual([])
  })

  it('are classified by code: unknown codes are retried, errors without a code are defects', () => {
    expect(classifyFailure(new CodedError('ECONNRESET'))).toBe('retry')
    expect(classifyFailure(new CodedError('FENCED'))).toBe('fenced')
    expect(classifyFailure(new CodedError('OFFSET_OUT_OF_RANGE'))).toBe('stop')
    expect(classifyFailure(new Error('what?'))).toBe('run')
    expect(classifyFailure(new TypeError('x is not a function'))).toBe('run')
    expect(classifyFailure(new PipelineError('WORKER_LOST', ''))).toBe('retry')
    expect(classifyFailure(new PipelineError('BATCH_CORRUPT', ''))).toBe('stop')
    expect(classifyFailure('text')).toBe('run')
  })
})

describe('conservation', () => {
  const counts = { consumed: 10, stored: 4, late: 1, duplicate: 1, filtered: 1, deadLettered: 1 }
  it('holds with what is in flight, and names the place when it does not', () => {
    expect(() => assertConserved('here', counts, 2)).not.toThrow()
    expect(() => assertConserved('here', counts)).toThrow(/here: consumed 10/)
    expect(() => assertConserved('here', { ...counts, consumed: 7 }, -1)).toThrow(PipelineError)
  })
})
