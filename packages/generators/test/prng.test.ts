import { describe, expect, test } from 'vitest'
import { createRandom, createWeightedPick } from '../src/index.ts'

describe('random', () => {
  test('equal seeds give equal sequences, other seeds others', () => {
    const draw = (...seed: (string | number)[]) => {
      const random = createRandom(...seed)
      return Array.from({ length: 50 }, () => random.uint32())
    }
    expect(draw(1, 'a')).toEqual(draw(1, 'a'))
    expect(draw(1, 'a')).not.toEqual(draw(1, 'b'))
    expect(draw('1a')).not.toEqual(draw(1, 'a'))
  })

  test('the sequence of a seed is fixed for ever', () => {
    const random = createRandom('golden')
    expect([random.uint32(), random.uint32(), random.uint32()]).toMatchInlineSnapshot(`
      [
        3014310113,
        2887917640,
        1905299594,
      ]
    `)
  })

  test.each([0.2, 3, 25, 80])('poisson(%d) has its mean and variance', (mean) => {
    const random = createRandom('poisson', mean)
    const n = 20_000
    let sum = 0
    let squares = 0
    for (let i = 0; i < n; i++) {
      const x = random.poisson(mean)
      sum += x
      squares += x * x
    }
    const found = sum / n
    expect(Math.abs(found - mean)).toBeLessThan(5 * Math.sqrt(mean / n))
    expect((squares / n - found * found) / mean).toBeCloseTo(1, 0)
  })

  test('floats, ints and ranges stay inside their bounds', () => {
    const random = createRandom('bounds')
    const seen = new Set<number>()
    for (let i = 0; i < 10_000; i++) {
      const x = random.float()
      expect(x >= 0 && x < 1).toBe(true)
      seen.add(random.between(-2, 2))
    }
    expect([...seen].sort((a, b) => a - b)).toEqual([-2, -1, 0, 1, 2])
    expect(random.hex(13)).toMatch(/^[0-9a-f]{13}$/)
  })

  test('weighted picks follow the weights, and a zero weight is never picked', () => {
    const random = createRandom('weights')
    const pick = createWeightedPick([60, 20, 10, 5, 5, 0])
    const counts = new Array<number>(6).fill(0)
    for (let i = 0; i < 100_000; i++) counts[pick(random)]!++
    expect(counts[5]).toBe(0)
    for (const [i, share] of [0.6, 0.2, 0.1, 0.05, 0.05].entries()) expect(counts[i]! / 100_000).toBeCloseTo(share, 2)
    expect(() => createWeightedPick([0, 0])).toThrow(TypeError)
    expect(() => createWeightedPick([1, -1])).toThrow(TypeError)
  })
})
