import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createExactSum } from '@sluice/windows'

const sumOf = (values: readonly number[]): number => {
  const sum = createExactSum()
  for (const value of values) sum.add(value)
  return sum.value()
}

it('rounds once, at the end', () => {
  expect(sumOf([])).toBe(0)
  expect(sumOf(Array.from({ length: 10 }, () => 0.1))).toBe(1)
  expect(sumOf([1e16, 1, -1e16])).toBe(1)
  expect(sumOf([1e308, 1e308, -1e308])).toBe(Infinity)
  // Half way between two doubles: what is left beyond decides.
  expect(sumOf([1, 2 ** -53, 2 ** -106])).toBe(1 + 2 ** -52)
  expect(sumOf([1, 2 ** -53])).toBe(1)
})

it('is the true sum, for values that can be added as integers', () => {
  const halves = fc.array(fc.integer({ min: -(2 ** 40), max: 2 ** 40 }), { maxLength: 50 })
  fc.assert(
    fc.property(halves, (numbers) => {
      const exact = numbers.reduce((sum, n) => sum + BigInt(n), 0n)
      expect(sumOf(numbers.map((n) => n / 1024))).toBe(Number(exact) / 1024)
    }),
    { seed: 1 },
  )
})

it('does not depend on the order', () => {
  const doubles = fc.array(fc.double({ noNaN: true, min: -1e150, max: 1e150 }), { minLength: 1, maxLength: 40 })
  const shuffled = doubles.chain((all) =>
    fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
  )
  fc.assert(
    fc.property(shuffled, ([values, mixed]) => {
      expect(Object.is(sumOf(mixed), sumOf(values)) || sumOf(mixed) === sumOf(values)).toBe(true)
    }),
    { seed: 2, numRuns: 500 },
  )
})

it('carries infinities and NaN', () => {
  expect(sumOf([1, Infinity, 2])).toBe(Infinity)
  expect(sumOf([Infinity, -Infinity])).toBeNaN()
  expect(sumOf([NaN, 1])).toBeNaN()
})
