import { describe, expect, it } from 'vitest'
import { createBackOff } from '../src/pipeline/back-off.ts'
import { createProgressReport } from '../src/pipeline/progress-report.ts'
import { CodedError, manualClock, partitionOf } from './pipeline-fakes.ts'

/** A report to a source that answers as `answer` says, call by call. */
function reportTo(answer: (call: number) => Promise<void> | void) {
  const clock = manualClock()
  const told: number[] = []
  const failures: unknown[] = []
  const report = createProgressReport({
    source: {
      async reportProgress(progress) {
        told.push(...progress.map(({ next }) => next))
        await answer(told.length)
      },
    },
    partition: partitionOf('a'),
    clock,
    waits: createBackOff({ firstMs: 1000, maxMs: 60_000, jitter: 0, random: () => 0 }),
    onFailure: (thrown) => failures.push(thrown),
  })
  return { report, clock, told, failures }
}

const refuse = (): never => {
  throw new CodedError('COORDINATOR_GONE')
}

describe('how far a partition is', () => {
  it('is told one at a time, and of what was reached meanwhile only the last', async () => {
    const gate = Promise.withResolvers<void>()
    const { report, told } = reportTo((call) => (call === 1 ? gate.promise : undefined))
    for (const next of [10, 20, 30]) report.reached(next)
    expect(told).toEqual([10])
    gate.resolve()
    await report.finish()
    expect(told).toEqual([10, 30])
  })

  it('is told again after a failure, when nothing more is reached as well', async () => {
    const { report, clock, told, failures } = reportTo((call) => (call < 3 ? refuse() : undefined))
    report.reached(10)
    await clock.advance(999)
    expect(told).toEqual([10])
    await clock.advance(1)
    expect(told).toEqual([10, 10])
    await clock.advance(2000)
    expect(told).toEqual([10, 10, 10])
    await clock.advance(600_000)
    expect(told).toHaveLength(3)
    expect(failures).toHaveLength(2)
    report.reached(20)
    await report.finish()
    expect(told).toEqual([10, 10, 10, 20])
  })

  it('is tried once more at the end, without a wait, and not after that', async () => {
    const { report, clock, told } = reportTo(refuse)
    report.reached(10)
    await clock.advance(0)
    await report.finish()
    expect(told).toEqual([10, 10])
    report.reached(20)
    await clock.advance(600_000)
    expect(told).toHaveLength(2)
  })

  it('keeps nobody who ends waiting for an answer that does not come', async () => {
    const { report, clock } = reportTo(() => new Promise(() => undefined))
    report.reached(10)
    let ended = false
    const finishing = report.finish().then(() => (ended = true))
    await clock.advance(4999)
    expect(ended).toBe(false)
    await clock.advance(1)
    await finishing
  })

  it('is told no more when the partition is taken away', async () => {
    const { report, clock, told } = reportTo(refuse)
    report.reached(10)
    await clock.advance(0)
    report.stop()
    await clock.advance(600_000)
    expect(told).toEqual([10])
  })
})
