import { expect, it } from 'vitest'
import { ratioPerRound } from '../src/kafka-to-parquet/ratio.ts'

it('compares ours in each round with the better plain way of it, and takes the median', () => {
  const run = (seconds: number, cpuSeconds: number) => ({ seconds, cpuSeconds })
  const ours = [run(2, 4), run(4, 4), run(1, 2)]
  const rows = [run(10, 30), run(40, 20), run(7, 20)]
  const chunks = [run(12, 20), run(20, 24), run(9, 8)]
  // Seconds: 10/2, 20/4, 7/1. Processor time: 20/4, 20/4, 8/2.
  expect(ratioPerRound(ours, [rows, chunks])).toEqual({ eventsPerSecond: 5, cpu: 5 })
  expect(ratioPerRound(ours, [rows])).toEqual({ eventsPerSecond: 7, cpu: 7.5 })
})

it('takes the mean of the two in the middle when rounds are even in number', () => {
  const run = (seconds: number) => ({ seconds, cpuSeconds: seconds })
  expect(ratioPerRound([run(1), run(1)], [[run(4), run(6)]])).toEqual({ eventsPerSecond: 5, cpu: 5 })
})
